"""Several OAuth authorization servers in one process: a row each, with its own clients and keys."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from jwcrypto.jwk import JWK
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import AbstractApplication
from oauthlib.oauth2.rfc6749.errors import TemporarilyUnavailableError

from authserver import client_rules
from base.recent_rows import recent
from crossapp.fields import RESOURCE, EncryptedTextField
from tenants.models import Realm, Tenant

logger = logging.getLogger(__name__)

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 section 2.1
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523 section 8.1

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


class AuthorizationServer(models.Model):
    """One authorization server: that of Wiki0, of Todo0, or a tenant's embedded IdP."""

    GRANTS = {
        Realm.WIKI: [JWT_BEARER],
        Realm.TODO: [JWT_BEARER],
        Realm.IDP: ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
    }
    SCOPES = {
        Realm.WIKI: ["read", "write"],
        Realm.TODO: ["read", "write"],
        Realm.IDP: ["openid", "profile", "email", "offline_access"],
    }

    # Of the first key. Every OpenID client supports RS256 (OpenID Connect Core section 15.1); ES256 costs a tenth.
    ALGORITHMS = {Realm.WIKI: "ES256", Realm.TODO: "ES256", Realm.IDP: "RS256"}

    realm = models.CharField(max_length=10, choices=[c for c in Realm.choices if c[0] != Realm.STAFF])
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="The tenant of an embedded IdP; empty for the apps.",
    )
    issuer = models.CharField(max_length=255, unique=True, help_text="The server's origin, without a trailing slash.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["realm", "tenant"], name="one_authorization_server_per_realm_and_tenant")
        ]

    def __str__(self) -> str:
        return self.issuer

    @property
    def resource(self) -> str:
        """The resource of its access tokens (RFC 8707): the app's API, or the IdP's userinfo endpoint."""
        return f"{self.issuer}/oauth2/v1/userinfo" if self.realm == Realm.IDP else f"{self.issuer}/api"

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth2/v1/token"

    def active_key(self) -> "SigningKey":
        """Return the active key; raises the OAuth error 503 unless there is exactly one."""
        if key := _active_key(self.pk):
            return key
        logger.error("no usable signing key issuer=%s: run manage.py rotatekeys", self.issuer)
        raise TemporarilyUnavailableError("This server has no usable signing key at the moment.", status_code=503)

    @property
    def algorithm(self) -> str:
        """The algorithm of a new key: that of the newest key."""
        newest = self.signing_keys.order_by("created_at", "pk").last()
        return newest.algorithm if newest else self.ALGORITHMS[Realm(self.realm)]

    @property
    def grant_types(self) -> list[str]:
        return self.GRANTS[Realm(self.realm)]

    @property
    def scopes(self) -> list[str]:
        return self.SCOPES[Realm(self.realm)]


class SigningKey(models.Model):
    """A key pair of one authorization server. Its `kid` is the thumbprint of the public key (RFC 7638)."""

    class Status(models.TextChoices):
        NEXT = "next", "next: published, not yet used"
        ACTIVE = "active", "active: signs"
        RETIRED = "retired", "retired: only verifies"

    server = models.ForeignKey(AuthorizationServer, on_delete=models.CASCADE, related_name="signing_keys")
    kid = models.CharField(max_length=64, unique=True, editable=False)
    private_pem = EncryptedTextField(keys_of=RESOURCE, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEXT)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.kid} ({self.status})"

    @classmethod
    def generate(cls, server: AuthorizationServer, status: str = Status.NEXT, algorithm: str = "") -> "SigningKey":
        """Make and save a new key for `server`: of 2048 bits for RS256, on P-256 for ES256 (RFC 7518 section 3.1).

        Its `kid` is its thumbprint (RFC 7638). None begins with a hyphen, because a command would read it as an option.
        Raises ValueError for an IdP with another algorithm than RS256.
        """
        algorithm, kid = algorithm or server.algorithm, "-"
        if server.realm == Realm.IDP and algorithm != "RS256":
            raise ValueError("The signing algorithm of an IdP must be RS256.")
        make = _MAKE[algorithm]
        while kid.startswith("-"):
            private_key = make()
            kid = JWK.from_pyca(private_key).thumbprint()
        pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return cls.objects.create(
            server=server,
            kid=kid,
            private_pem=pem,
            status=status,
            activated_at=timezone.now() if status == cls.Status.ACTIVE else None,
        )

    @property
    def private_key(self) -> PrivateKey:
        return _load(self.private_pem)

    @property
    def algorithm(self) -> str:
        """RS256 or ES256, by the type of the key."""
        return "RS256" if isinstance(self.private_key, RSAPrivateKey) else "ES256"

    @property
    def jwk(self) -> JWK:
        return JWK.from_pyca(self.private_key)

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The public half as published in the key set (RFC 7517 section 4)."""
        return {**self.jwk.export_public(as_dict=True), "kid": self.kid, "use": "sig", "alg": self.algorithm}


_MAKE: dict[str, Callable[[], PrivateKey]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


@recent(SigningKey)
def _active_key(server_id: int) -> SigningKey | None:
    """Return the active key of a server, or None unless there is exactly one."""
    keys = SigningKey.objects.filter(server=server_id, status=SigningKey.Status.ACTIVE)[:2]
    return keys[0] if len(keys) == 1 else None


@lru_cache(maxsize=4096)
def _load(private_pem: str) -> PrivateKey:
    """Return the key of a stored PEM text. Validating it would take longer than ten signatures."""
    key: Any = load_pem_private_key(private_pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    return key  # `generate` creates no other types


def _no_grants() -> list[str]:
    return []


def _no_keys() -> dict[str, Any]:
    return {}


class Client(AbstractApplication):
    """A confidential OAuth client of one authorization server; every other one does not know it.

    The same software has a client at its tenant's IdP (`wiki0`) and another at the resource app (`wiki0-at-todo0`): two
    registrations. The IdP's cross-app policy holds the mapping between them.
    """

    server = models.ForeignKey(AuthorizationServer, on_delete=models.CASCADE, related_name="clients")
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="If set, the only tenant that the client may act for.",
    )
    client_id = models.CharField(max_length=255, help_text="Unique at its server.")
    auth_method = models.CharField(
        max_length=30,
        choices=client_rules.REGISTRATIONS,
        default=client_rules.HEADER_OR_BODY,
        help_text="A method that is chosen alone excludes the others.",
    )
    jwks = models.JSONField(
        "key set", default=_no_keys, blank=True, help_text="For private_key_jwt: the client's public keys (RFC 7517)."
    )
    jwks_uri = models.CharField(
        "key set URL",
        max_length=255,
        blank=True,
        help_text="For private_key_jwt: the URL of the public keys, instead of the key set.",
    )
    token_endpoint_audience = models.BooleanField(
        "assertions for the token endpoint",
        default=False,
        help_text="For private_key_jwt: its assertions may name the token endpoint as audience, as those of Okta's SDK "
        "do. Off: the issuer alone (rfc7523bis-11 section 4).",
    )
    grants = models.JSONField(default=_no_grants, blank=True, help_text="The client's grant types, a JSON list.")
    scope = models.CharField(max_length=255, blank=True, help_text="The client's scopes, separated by spaces.")
    resource = models.CharField(
        max_length=255, blank=True, help_text="For a resource server: the API whose access tokens it may introspect."
    )
    is_active = models.BooleanField("active", default=True)

    class Meta(AbstractApplication.Meta):
        constraints = [models.UniqueConstraint(fields=["server", "client_id"], name="one_client_id_per_server")]

    def __str__(self) -> str:
        return f"{self.client_id} at {self.server}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.client_type = self.CLIENT_CONFIDENTIAL
        self.algorithm = self.RS256_ALGORITHM
        self.skip_authorization = True
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Check fields together, without django-oauth-toolkit's rules, which need one process-wide key."""
        if self.server_id is None:
            return  # the form reports it
        client_rules.check_grants(self.grants, self.server)
        client_rules.check_scope(self.scope, self.server)
        client_rules.check_keys(self.auth_method, self.jwks, self.jwks_uri)
        client_rules.check_redirect_uris(self.redirect_uris.split(), needed="authorization_code" in self.grants)
        if self.resource not in ("", self.server.resource):
            raise ValidationError({"resource": f"{self.server} issues tokens for {self.server.resource} only."})

    def get_absolute_url(self) -> str:
        return ""

    def accepts(self, method: str) -> bool:
        """Say whether the client may authenticate with `method`."""
        return client_rules.accepts(self.auth_method, method)

    def allows_grant_type(self, *grant_types: str) -> bool:
        return any(grant_type in self.grants for grant_type in grant_types)

    @property
    def jwk_key(self) -> JWK:
        """The key that signs this client's ID tokens: its server's active key."""
        return self.server.active_key().jwk

    @classmethod
    def register(cls, *, secret: str | None = None, **fields: Any) -> tuple["Client", str]:
        """Create a client and return it with its secret in clear, which is not available later."""
        secret = secret or generate_client_secret()
        return cls.objects.create(client_secret=secret, **fields), secret


class UsedCode(models.Model):
    """A redeemed authorization code and the tokens issued for it: a second redemption revokes them.

    The access token is referenced by its checksum, because a foreign key would make this app's first migration depend
    on a later one of django-oauth-toolkit.
    """

    code_hash = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    access_token_checksum = models.CharField(max_length=64)
    token_family = models.UUIDField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.code_hash[:16]
