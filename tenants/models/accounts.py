"""The accounts at each site, and the tokens of their sign-ins.

The same person has one account per app, joined only by issuer and subject, as at two independent vendors.
"""

import secrets
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from base.emails import EmailAddressField
from crossapp.fields import EncryptedTextField
from tenants.deletion import cascade

from .customers import Tenant
from .idp_connections import IdPConnection


class Realm(models.TextChoices):
    """The site that an account belongs to. A session of one realm is anonymous in every other."""

    STAFF = "staff", "Operator"
    IDP = "idp", "Embedded IdP"
    WIKI = "wiki", "Wiki0"
    TODO = "todo", "Todo0"


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

    def get_session_auth_hash(self) -> str:
        """Bind the sessions to the subject too: they end when the account is unbound or bound to another one."""
        return self._bound(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return map(self._bound, super().get_session_auth_fallback_hash())

    def _bound(self, auth_hash: str) -> str:
        return salted_hmac("tenants.session", f"{auth_hash}\0{self.issuer}\0{self.sub}", algorithm="sha256").hexdigest()

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
