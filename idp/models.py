"""The cross-app policies of a tenant's administrator."""

from urllib.parse import urlsplit

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from authserver.models import AuthorizationServer, Client
from base.scopes import validate_scope
from tenants.models import User


def validate_identifier(url: str) -> None:
    """Raise ValidationError unless `url` is an absolute http or https URI without a fragment (RFC 8707 section 2)."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or "#" in url or not url.isascii() or not url.isprintable() or " " in url:
        raise ValidationError("Enter an absolute URL in ASCII without a fragment.")


class GrantedAuthentication(models.Model):
    """The authentication time for a family of refresh tokens (OpenID Connect Core section 12.2)."""

    token_family = models.UUIDField(unique=True)
    auth_time = models.BigIntegerField(help_text="Seconds since the epoch.")

    def __str__(self) -> str:
        return f"{self.token_family}: {self.auth_time}"


class FamilyIdToken(models.Model):
    """An ID token that was issued with a refresh token of the family: it ends with the family."""

    granted = models.ForeignKey(GrantedAuthentication, on_delete=models.CASCADE, related_name="id_tokens")
    id_token = models.BigIntegerField(help_text="Its key; the table is django-oauth-toolkit's.")

    def __str__(self) -> str:
        return str(self.id_token)


class CrossAppPolicy(models.Model):
    """Allows a client to act for people of this IdP at an audience. Without a row, it may not.

    It applies to everyone at the tenant, or only to `users` and `groups` if they are set.
    """

    server = models.ForeignKey(
        AuthorizationServer,
        on_delete=models.CASCADE,
        related_name="cross_app_policies",
        limit_choices_to={"realm": "idp"},
        help_text="The embedded IdP whose policy this is.",
    )
    client = models.ForeignKey(
        Client, on_delete=models.CASCADE, help_text="The requesting app, as registered at this IdP."
    )
    audience = models.CharField(
        max_length=255, validators=[validate_identifier], help_text="The resource authorization server's issuer."
    )
    resource = models.CharField(
        max_length=255, validators=[validate_identifier], help_text="The API's identifier (RFC 8707)."
    )
    scope = models.CharField(
        max_length=255, validators=[validate_scope], help_text="The scopes the app may ask for, separated by spaces."
    )
    client_id_at_audience = models.CharField(
        max_length=255,
        help_text="The requesting app's client identifier at the audience, which is a separate registration.",
    )
    users = models.ManyToManyField(
        User,
        blank=True,
        limit_choices_to={"realm": "idp"},
        help_text="If set, the policy applies to these people only.",
    )
    groups = models.ManyToManyField(
        Group, blank=True, help_text="If set, the policy applies to members of these groups only."
    )
    max_age = models.PositiveIntegerField(
        "maximum age of the sign-in",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="The maximum age of the person's authentication in seconds (RFC 9470); empty: any age.",
    )
    includes_email = models.BooleanField(
        "email in the ID-JAG",
        default=False,
        help_text="Tell the audience the person's email: for one that finds or creates accounts by it when it sees a "
        "person for the first time (ID-JAG -04 section 3.1).",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        verbose_name = "cross-app policy"
        verbose_name_plural = "cross-app policies"
        constraints = [
            models.UniqueConstraint(
                fields=["server", "client", "audience", "resource"], name="one_policy_per_client_audience_and_resource"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client.client_id} → {self.audience}"

    @property
    def for_whom(self) -> str:
        """Return the people of the policy as text without names: "everybody", or "2 people and the group Sales"."""
        people, names = len(self.users.all()), sorted(group.name for group in self.groups.all())
        parts = [f"{people} {'person' if people == 1 else 'people'}"] if people else []
        if names:
            parts.append(f"the {'group' if len(names) == 1 else 'groups'} {', '.join(names)}")
        return " and ".join(parts) or "everybody"

    @property
    def limits(self) -> str:
        """Return the people of the policy and its max_age as text."""
        if self.max_age is None:
            return self.for_whom
        return f"{self.for_whom}, no later than {self.max_age} seconds after the sign-in"

    def clean(self) -> None:
        if self.server_id is None or self.client_id is None:
            return  # the form reports it
        if self.client.server_id != self.server_id:
            raise ValidationError({"client": "This client is registered at another authorization server."})
        if self.audience == self.server.issuer:
            raise ValidationError({"audience": "The audience must not be the IdP itself."})
