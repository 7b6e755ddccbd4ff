"""Creates or changes a client of an authorization server, for `manage.py createclient`."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import get_hasher
from django.db import transaction
from oauth2_provider.generators import generate_client_secret

from authserver.models import JWT_BEARER, AuthorizationServer, Client
from crossapp.core.client_authentication import AuthMethod
from tenants.models import Realm

# Fields that full_clean cannot check: save() sets them, or this project does not use them.
_NOT_OURS = ("authorization_grant_type", "client_type", "client_secret", "registration_source")


@dataclass(frozen=True)
class Registration:
    """A client after the change; `new_secret` is its secret in clear if it is new, otherwise ""."""

    client: Client
    created: bool
    new_secret: str


@transaction.atomic
def register(
    server: AuthorizationServer, client_id: str, *, secret: str = "", any_tenant: bool = False, **fields: Any
) -> Registration:
    """Create or update the client. Fields that are None stay as they are, or get a default in a new client.

    Without `secret`, a client that needs one and has none gets a new one. `any_tenant` unbinds it from its tenant.
    Raises ValidationError.
    """
    client = Client.objects.select_for_update().filter(server=server, client_id=client_id).first()
    created = client is None
    if client is None:
        client = Client(server=server, client_id=client_id, client_secret="", **_defaults(server, fields))
    had_secret = not created and client.auth_method != AuthMethod.PRIVATE_KEY_JWT
    for name, value in fields.items():
        if value is not None:
            setattr(client, name, value)
    if any_tenant:
        client.tenant = None
    new_secret = ""
    if client.auth_method == AuthMethod.PRIVATE_KEY_JWT:
        client.client_secret = generate_client_secret()  # random, and never shown
    else:
        client.jwks, client.jwks_uri = {}, ""
        if not secret and not had_secret:
            secret = new_secret = generate_client_secret()
        if secret and not (had_secret and _is_secret_of(client, secret)):
            client.client_secret = secret
    client.full_clean(exclude=_NOT_OURS)
    client.save()
    return Registration(client, created, new_secret)


def _defaults(server: AuthorizationServer, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults of a new client. A resource server that only introspects needs no grant."""
    grants = ["authorization_code", "refresh_token"] if server.realm == Realm.IDP else [JWT_BEARER]
    if fields.get("resource"):
        grants = []
    return {"name": "", "grants": grants, "scope": " ".join(server.scopes) if grants or fields.get("grants") else ""}


def _is_secret_of(client: Client, secret: str) -> bool:
    return get_hasher("machine_made_secret").verify(secret, client.client_secret)
