"""The resource apps that this project calls for its users, and the stored access tokens."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from ..core.client_authentication import AUTH_METHODS, AuthMethod, OwnClient
from ..core.urls import is_acceptable_url
from ..fields import EncryptedTextField, Undecryptable


class ResourceApp(models.Model):
    """Another product whose API this project calls for its users, and this project's client there.

    The client identifier there is not the one at the users' IdP: the IdP maps one to the other.
    """

    key = models.SlugField(unique=True, help_text="The name that the code uses.")
    name = models.CharField(max_length=100)
    audience = models.CharField(
        max_length=255, help_text="The issuer of its authorization server, byte for byte as its metadata spells it."
    )
    resource = models.CharField(max_length=255, help_text="The identifier of its API (RFC 8707), the API's base URL.")
    client_id = models.CharField(max_length=255, help_text="The client identifier there, not the one at the IdP.")
    client_secret = EncryptedTextField(blank=True, help_text="The client secret there; empty with private_key_jwt.")
    auth_method = models.CharField(
        "client authentication",
        max_length=30,
        choices=AUTH_METHODS,
        default=AuthMethod.CLIENT_SECRET_BASIC.value,
    )
    scope = models.CharField(max_length=255, blank=True, help_text="The requested scopes, separated by spaces.")
    enabled = models.BooleanField(default=True)

    class Meta:
        verbose_name = "resource app"

    def __str__(self) -> str:
        return self.name

    @property
    def client(self) -> OwnClient:
        """Our client at its authorization server."""
        return OwnClient(self.audience, self.client_id, self.client_secret, self.auth_method)

    def clean(self) -> None:
        for name in ("audience", "resource"):
            if not is_acceptable_url(getattr(self, name)):
                raise ValidationError({name: "An https URL (or http on loopback) without query or fragment."})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and delete the stored tokens: they were issued to the former registration."""
        super().save(*args, **kwargs)
        self.stored_access_tokens.all().delete()


class StoredAccessTokenQuerySet(models.QuerySet["StoredAccessToken"]):
    """Look-ups of stored access tokens."""

    def held_by(self, user: Any, resource_app: ResourceApp) -> "StoredAccessTokenQuerySet":
        return self.filter(user=user, resource_app=resource_app)

    def good_for(self, seconds: int) -> "StoredAccessTokenQuerySet":
        """Return the tokens that do not expire within `seconds`."""
        return self.filter(expires_at__gt=timezone.now() + timedelta(seconds=seconds))


class StoredAccessToken(models.Model):
    """The access token of one user at one resource app. Refresh tokens and ID-JAGs are never stored.

    It is encrypted together with its owner, so a token copied into another row is invalid.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    resource_app = models.ForeignKey(ResourceApp, on_delete=models.CASCADE, related_name="stored_access_tokens")
    sealed_access_token = EncryptedTextField()
    scope = models.CharField(max_length=1000, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = StoredAccessTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "stored access token"
        constraints = [
            models.UniqueConstraint(fields=["user", "resource_app"], name="one_access_token_per_user_and_resource_app")
        ]

    def __str__(self) -> str:
        return f"Access token of user {self.user_id} at resource app {self.resource_app_id}"

    @property
    def access_token(self) -> str:
        """The token itself. Raises `Undecryptable` if it was sealed for another row."""
        owner, _, token = self.sealed_access_token.partition(" ")
        if owner != _owner(self.user_id, self.resource_app_id):
            raise Undecryptable("StoredAccessToken.sealed_access_token was sealed for another user or resource app")
        return token

    @access_token.setter
    def access_token(self, token: str) -> None:
        self.sealed_access_token = f"{_owner(self.user_id, self.resource_app_id)} {token}"


def _owner(user_id: Any, resource_app_id: int) -> str:
    return f"{user_id}/{resource_app_id}"


class Lease(models.Model):
    """An exclusive lock across threads and processes, until `expires_at` at the latest (`leases`)."""

    name = models.CharField(max_length=190, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name
