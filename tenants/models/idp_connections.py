"""A tenant's IdP for one app."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from base.scopes import validate_scope
from crossapp.client_key import client_key
from crossapp.core.client_authentication import AUTH_METHODS, AuthMethod
from crossapp.core.client_signing_key import NoSigningKey
from crossapp.fields import EncryptedTextField
from tenants.issuers import validate_issuer

from .customers import Tenant

KEYS_SETTLE = timedelta(seconds=5)
HOW_TO_SHARE = "Tenants share an issuer only if each connection names the same tenant claim and a value of its own."


class App(models.TextChoices):
    """The products a tenant signs in to."""

    WIKI = "wiki", "Wiki0"
    TODO = "todo", "Todo0"


class Prompt(models.TextChoices):
    """The prompts that a connection may send (OpenID Connect Core 1.0 section 3.1.2.1)."""

    CONSENT = "consent", "consent: ask for consent"
    LOGIN = "login", "login: ask for the password"
    SELECT_ACCOUNT = "select_account", "select_account: ask for the account"


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
    scope = models.CharField(
        "scopes at sign-in",
        max_length=255,
        blank=True,
        validators=[validate_scope],
        help_text="The scopes to ask for at sign-in, separated by spaces, openid among them. Empty: openid profile "
        "email, and offline_access unless the IdP's metadata list their scopes without it.",
    )
    prompt = models.CharField(
        "prompt at sign-in",
        max_length=30,
        blank=True,
        choices=Prompt.choices,
        help_text="For an IdP that gives offline_access only after a consent page (OpenID Connect Core 1.0 section "
        "11), or that should ask for the account. Empty: the IdP decides.",
    )
    clock_skew = models.PositiveSmallIntegerField(
        default=30,
        validators=[MaxValueValidator(300)],
        help_text="The difference of clocks that is accepted in this IdP's tokens, in seconds.",
    )
    trusts_absent_email_verified = models.BooleanField(
        "an absent email_verified counts as true",
        default=False,
        help_text="For an IdP that never sends email_verified, such as Entra. Only for addresses of the tenant's own "
        "domains, to link a pre-provisioned account once and to show the address.",
    )
    trusts_false_email_verified = models.BooleanField(
        "email_verified: false counts as true",
        default=False,
        help_text="For an IdP that sends false for addresses that its administrator entered, such as Keycloak. Where "
        "people can edit their own address, this lets one person take over another's pre-provisioned account.",
    )
    tenant_claim = models.CharField(
        max_length=50,
        blank=True,
        help_text="For an issuer that several tenants share: the claim that tells them apart, such as tid. Its ID "
        "tokens and ID-JAGs must have the value below.",
    )
    tenant_value = models.CharField(max_length=255, blank=True, help_text="The value of that claim for this tenant.")
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
            models.UniqueConstraint(
                fields=["app", "issuer", "tenant_claim", "tenant_value"],
                name="one_tenant_per_app_issuer_and_claim_value",
                violation_error_message=f"A connection of this app with this issuer already exists. {HOW_TO_SHARE}",
            ),
            models.CheckConstraint(
                name="tenant_claim_with_a_value_or_neither",
                condition=Q(tenant_claim="", tenant_value="") | (~Q(tenant_claim="") & ~Q(tenant_value="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} at {self.get_app_display()}"

    def clean(self) -> None:
        """Refuse missing credentials, an issuer spelled almost like another one, and one shared without a claim."""
        self._check_credentials()
        if self.scope and "openid" not in self.scope.split():
            raise ValidationError({"scope": "openid must be among the scopes."})
        if bool(self.tenant_claim) != bool(self.tenant_value):
            raise ValidationError({"tenant_value": "Enter a claim and its value, or neither."})
        for other in self._others_with_this_issuer():
            self._check_spelling(other)
            self._check_told_apart(other)

    def _others_with_this_issuer(self) -> models.QuerySet["IdPConnection"]:
        """Return the app's other connections whose issuer differs at most in case or a trailing slash."""
        loose = self.issuer.lower().removesuffix("/")
        same = IdPConnection.objects.annotate(loose=Lower("issuer")).filter(
            app=self.app, loose__in=[loose, f"{loose}/"]
        )
        return same.exclude(pk=self.pk).select_related("tenant").defer("client_secret")

    def _check_spelling(self, other: "IdPConnection") -> None:
        if other.issuer != self.issuer:
            text = f"{other.issuer} is already connected and differs only in case or a trailing slash."
            raise ValidationError({"issuer": text})

    def _check_told_apart(self, other: "IdPConnection") -> None:
        """Refuse to share an issuer without a claim, or by another claim: one token could then match two tenants.

        Two equal values are refused by the constraint.
        """
        if other.tenant_claim != self.tenant_claim:
            claim = f"the tenant claim {other.tenant_claim}" if other.tenant_claim else "no tenant claim"
            text = f"{other.tenant.slug} is connected to this issuer with {claim}. {HOW_TO_SHARE}"
            raise ValidationError({"tenant_claim": text})

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

    def is_named_in(self, claims: Mapping[str, Any]) -> bool:
        """Say whether the claims of a token have the value of the tenant claim; without one, all do."""
        return not self.tenant_claim or claims.get(self.tenant_claim) == self.tenant_value

    def forget_keys(self) -> None:
        """Make every process fetch the issuer's keys again before it uses one, because a key was withdrawn.

        It counts for all connections of the issuer. The time is a moment ahead, because a fetch may be running until
        the commit, and clocks differ.
        """
        self.keys_fetched_since = timezone.now() + KEYS_SETTLE
        for connection in IdPConnection.objects.filter(issuer=self.issuer).defer("client_secret"):
            connection.keys_fetched_since = self.keys_fetched_since
            connection.save(update_fields=["keys_fetched_since"])
