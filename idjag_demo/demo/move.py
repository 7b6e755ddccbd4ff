"""Moves a seeded demo to other addresses: `BASE_DOMAIN=localhost:8123 make demo` after a first run on port 8000.

Issuers, redirect URIs and policies are data, compared byte for byte, so they must follow the settings.
"""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Replace
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from authserver.models import AuthorizationServer, Client
from base.addresses import idp_origin
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from idp.models import CrossAppPolicy
from tenants.models import IdPConnection, Realm, SubjectTokens, User
from wiki.models import Article

_COLUMNS: list[tuple[type[models.Model], str]] = [
    (AuthorizationServer, "issuer"),
    (IdPConnection, "issuer"),
    (User, "issuer"),
    (Client, "redirect_uris"),
    (Client, "post_logout_redirect_uris"),
    (Client, "resource"),
    (Client, "jwks_uri"),
    (CrossAppPolicy, "audience"),
    (CrossAppPolicy, "resource"),
    (ResourceApp, "audience"),
    (ResourceApp, "resource"),
    (Article, "content"),
]
_ISSUED_AT_THE_OLD_ADDRESS: list[type[models.Model]] = [
    get_refresh_token_model(),
    get_access_token_model(),
    StoredAccessToken,
    SubjectTokens,
    Session,
]


def addresses_differ() -> bool:
    """Say whether the demo was seeded with other addresses than those of the settings."""
    return bool(moves())


@transaction.atomic
def follow_addresses() -> None:
    """Change the stored addresses to those of the settings.

    Sessions and tokens of the old addresses are deleted, so all users must sign in again.
    """
    new_origins = moves()
    # A server may take another one's old origin, so all origins are freed first.
    between = {old: f"moving:{number}:" for number, old in enumerate(new_origins)}
    _replace(between)
    _replace({between[old]: new for old, new in new_origins.items()})
    for model in _ISSUED_AT_THE_OLD_ADDRESS:
        model._default_manager.all().delete()


def _replace(texts: dict[str, str]) -> None:
    for old, new in texts.items():
        for model, column in _COLUMNS:
            model._default_manager.update(**{column: Replace(F(column), Value(old), Value(new))})


def moves() -> dict[str, str]:
    """Return the new origin of each authorization server that has to move, keyed by the old origin."""
    servers = AuthorizationServer.objects.select_related("tenant")
    return {server.issuer: _origin(server) for server in servers if server.issuer != _origin(server)}


def _origin(server: AuthorizationServer) -> str:
    """Return the origin of `server` in the settings."""
    if server.realm == Realm.IDP and server.tenant:
        return idp_origin(server.tenant.slug)
    return str(settings.ORIGINS[server.realm])
