"""Customers, their IdP connections, and their people's accounts at each app.

The same person has one account per app, joined only by issuer and subject, as at two independent vendors.
"""

import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from base.emails import EmailAddressField
from crossapp.client_key import client_key
from crossapp.core.client_authentication import AUTH_METHODS, AuthMethod
from crossapp.core.client_signing_key import NoSigningKey
from crossapp.fields import EncryptedTextField
from tenants.deletion import cascade
from tenants.issuers import validate_issuer

KEYS_SETTLE = timedelta(seconds=5)


class App(models.TextChoices):
    """The products a tenant signs in to."""

    WIKI = "wiki", "Wiki0"
    TODO = "todo", "Todo0"


class Realm(models.TextChoices):
    """The site that an account belongs to. A session of one realm is anonymous in every other."""

    STAFF = "staff", "Operator"
    IDP = "idp", "Embedded IdP"
    WIKI = "wiki", "Wiki0"
    TODO = "todo", "Todo0"


class TenantManager(models.Manager["Tenant"]):
    """Looks tenants up."""

    def get_by_natural_key(self, slug: str) -> "Tenant":
        """Return the tenant that a fixture names; raises Tenant.DoesNotExist."""
        return self.get(slug=slug)


class Tenant(models.Model):
    """A customer."""

    name = models.CharField(max_length=200)
    slug = models.CharField(
        max_length=63,
        unique=True,
        validators=[
            RegexValidator(
                r"^(?!(?:admin|all|api|idp|localhost|staff|todo|wiki|www)\Z)[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]\Z",
                "Lower-case letters, digits and single hyphens; "
                "not admin, all, api, idp, localhost, staff, todo, wiki or www.",
            )
        ],
        help_text="A DNS label: the first label of the embedded IdP's host.",
    )
    is_active = models.BooleanField("active", default=True)

    objects = TenantManager()

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return what a fixture names the tenant by."""
        return (self.slug,)

    def clean(self) -> None:
        if self._state.adding and FormerSlug.objects.filter(slug=self.slug).exists():
            raise ValidationError(
                {"slug": "A deleted tenant had this slug and an issuer with it: choose another slug."}
            )


class FormerSlug(models.Model):
    """The slug of a deleted tenant. Peers may still trust its issuer, so no other tenant gets it."""

    slug = models.CharField(max_length=63, unique=True)

    def __str__(self) -> str:
        return self.slug


@receiver(post_delete, sender=Tenant)
def _keep_slug(instance: Tenant, **kwargs: object) -> None:
    FormerSlug.objects.get_or_create(slug=instance.slug)


class EmailDomain(models.Model):
    """An email domain of one tenant, verified by the operator."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="email_domains")
    domain = models.CharField(max_length=253, unique=True)

    def __str__(self) -> str:
        return self.domain

    def clean(self) -> None:
        self.domain = self.domain.strip().lower()

    def save(self, *args: object, **kwargs: object) -> None:
        self.clean()
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class IdPConnection(models.Model):
    """A tenant's IdP for one app: the trusted issuer, and the app's client at that IdP."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="idp_connections")
    app = models.CharField(max_length=10, choices=App.choices)
    issuer = models.CharField(
        max_length=255, validators=[validate_issuer], help_text="Byte for byte as in the IdP's metadata."
    )
    client_id = models.CharField(max_length=255, help_text="The app's client identifier at this IdP.")
    client_secret = EncryptedTextField(
        blank=True, help_text="The app's client secret at this IdP; empty for private_key_jwt."
    )
    auth_method = models.CharField(
        max_length=30,
        choices=AUTH_METHODS,
        default=AuthMethod.CLIENT_SECRET_BASIC.value,
        help_text="The app's authentication method at this IdP's token endpoint.",
    )
    enabled = models.BooleanField(default=True)
    provisions_users = models.BooleanField(
        "just-in-time provisioning",
        default=True,
        help_text="Create an account when a person signs in for the first time.",
    )
    accepts_id_jags = models.BooleanField(
        "accepts ID-JAGs",
        default=True,
        help_text="Accept ID-JAGs of this IdP, so that other apps can act here for its people. Off: sign-in only.",
    )
    single_use = models.BooleanField(
        "ID-JAGs are good once",
        default=True,
        help_text="Refuse an ID-JAG of this IdP that was redeemed before (RFC 7523, MCP). Off: until it expires, in "
        "minutes, its client may redeem it again for another access token (ID-JAG -04 section 4.4.3), and so may a "
        "thief of it who has the client's credentials.",
    )
    tells_access_denied = models.BooleanField(
        "tells who has no access",
        default=False,
        help_text="Answer an ID-JAG for a deactivated account with access_denied, so that its client can tell the "
        "person to ask for access. Off: with invalid_grant, as for an unknown person, so that clients can not find out "
        "who has an account.",
    )
    requires_resource = models.BooleanField(
        "requires the resource claim",
        default=False,
        help_text="Refuse an ID-JAG of this IdP that names no resource. Off: it is good for this app's API.",
    )
    keys_fetched_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the IdP withdrew a key: key sets fetched earlier are not used.",
    )

    class Meta:
        verbose_name = "IdP connection"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "app"], name="one_idp_connection_per_tenant_and_app"),
            models.UniqueConstraint(fields=["app", "issuer"], name="one_tenant_per_issuer_and_app"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} at {self.get_app_display()}"

    def clean(self) -> None:
        """Refuse missing credentials, and an issuer that differs from another only in case or a trailing slash."""
        self._check_credentials()
        loose = self.issuer.lower().removesuffix("/")
        others = IdPConnection.objects.annotate(loose=Lower("issuer")).filter(
            app=self.app, loose__in=[loose, f"{loose}/"]
        )
        if other := others.exclude(pk=self.pk).exclude(issuer=self.issuer).first():
            raise ValidationError(
                {"issuer": f"{other.issuer} is already connected and differs only in case or a trailing slash."}
            )

    def _check_credentials(self) -> None:
        """Refuse unusable credentials; a disabled connection needs no key."""
        if self.auth_method != AuthMethod.PRIVATE_KEY_JWT:
            if not self.client_secret:
                raise ValidationError({"client_secret": "Enter the client secret."})
        elif self.enabled:
            try:
                client_key()
            except NoSigningKey as error:
                text = f"private_key_jwt needs a signing key: {error}. See .env.example."
                raise ValidationError({"auth_method": text}) from error

    def forget_keys(self) -> None:
        """Make every process fetch the IdP's keys again before it uses one, because a key was withdrawn.

        The time is a moment ahead, because a fetch may be running until the commit, and clocks differ.
        """
        self.keys_fetched_since = timezone.now() + KEYS_SETTLE
        self.save(update_fields=["keys_fetched_since"])


class AccountManager(UserManager["User"]):
    """Finds accounts."""

    use_in_migrations = False

    def with_email(self, email: str) -> models.QuerySet["User"]:
        """Return those with this email, in any case (`iexact` compares bytes in MariaDB's binary collation)."""
        return self.filter(address=email.lower())


class User(AbstractUser):
    """An account in one realm. Outside the staff realm it has a tenant and is identified by its subject.

    A tenant's account without a subject is pre-provisioned: it waits for its first sign-in (see `subjects.py`).
    """

    email = EmailAddressField("email address", blank=True)
    address = models.GeneratedField(
        expression=Lower("email"), output_field=models.CharField(max_length=254), db_persist=True
    )  # for a case-insensitive look-up of an email by index
    realm = models.CharField(max_length=10, choices=Realm.choices, default=Realm.STAFF)
    tenant = models.ForeignKey(Tenant, on_delete=cascade, null=True, blank=True, related_name="users")
    issuer = models.CharField(
        max_length=255,
        blank=True,
        help_text="The issuer of the subject; empty in a directory and before a first sign-in.",
    )
    sub = models.CharField("subject", max_length=255, null=True, blank=True)

    objects: ClassVar[AccountManager] = AccountManager()

    class Meta(AbstractUser.Meta):
        indexes = [models.Index(fields=["tenant", "realm", "address"], name="people_of_a_tenant_by_address")]
        constraints = [
            models.UniqueConstraint(
                fields=["realm", "tenant", "issuer", "sub"], name="one_account_per_realm_tenant_issuer_and_sub"
            ),
            models.CheckConstraint(
                name="only_staff_has_no_tenant",
                condition=Q(realm="staff", tenant=None, sub=None)
                | (~Q(realm="staff") & Q(tenant__isnull=False, is_staff=False, is_superuser=False)),
            ),
        ]

    def clean(self) -> None:
        super().clean()
        if (self.realm == Realm.STAFF) != (self.tenant_id is None):
            raise ValidationError("An operator has no tenant; every other account has one.")
        if self.realm == Realm.IDP:
            self._check_directory_entry()

    def _check_directory_entry(self) -> None:
        """Refuse a person without a unique email: a directory identifies its people by email, in any case."""
        if not self.email:
            raise ValidationError({"email": "Enter an email address: people in a directory sign in with it."})
        others = User.objects.with_email(self.email).filter(realm=Realm.IDP, tenant=self.tenant_id)
        if other := others.exclude(pk=self.pk).first():
            raise ValidationError({"email": f"{other.username} already has this address in this directory."})

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.realm == Realm.IDP and not self.sub:
            self.sub = secrets.token_hex(10)  # a directory generates its subjects
        super().save(*args, **kwargs)

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.email or self.username


class SubjectTokens(models.Model):
    """The ID token and the refresh token of a user's sign-in at an app, encrypted, for the exchange."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="subject_tokens")
    connection = models.ForeignKey(IdPConnection, on_delete=models.CASCADE)
    id_token = EncryptedTextField()
    id_token_expires_at = models.DateTimeField()
    refresh_token = EncryptedTextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        verbose_name_plural = "subject tokens"

    def __str__(self) -> str:
        return f"Subject tokens of {self.user}"
