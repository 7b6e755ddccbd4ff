"""A resource app whose authorization server publishes OpenID metadata only, as that of the Node example does."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from crossapp.core.http import BoundedSession
from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import ResourceApp
from tests.requesting_app.conftest import make_todo0
from tests.requesting_app.peers import IDP, PeersAdapter, World, exchanged, id_jag
from tests.support.local_server import serving

WELL_KNOWN, TOKEN = "/.well-known/openid-configuration", "/token"


def session() -> requests.Session:
    """Return a session that reaches this machine; the peers answer for the IdP."""
    session = BoundedSession()
    session.mount(IDP, PeersAdapter())
    return session


@pytest.fixture
def asked(settings: Any) -> list[str]:
    settings.CROSSAPP_REQUESTING_APP = settings.CROSSAPP_REQUESTING_APP | {"HTTP_SESSION": f"{__name__}.session"}
    return []


@pytest.fixture
def todo0(world: World, db: None, asked: list[str]) -> Iterator[ResourceApp]:
    """The resource app at a server on loopback, whose answers are those of node-oidc-provider with its grant added."""
    documents: dict[str, object] = {}
    with serving(asked=asked, documents=documents) as port:
        issuer = f"http://localhost:{port}"
        documents[WELL_KNOWN] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/auth",
            "token_endpoint": f"{issuer}{TOKEN}",
            "jwks_uri": f"{issuer}/jwks",
            "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        }
        documents[TOKEN] = {
            "access_token": "an-access-token",
            "expires_in": 7200,
            "scope": "read",
            "token_type": "Bearer",
        }
        world.next["token_exchange"] = [(200, exchanged(access_token=id_jag(aud=issuer)))] * 2
        yield make_todo0(audience=issuer)


def test_its_token_endpoint_is_found_and_gives_an_access_token(bob: Any, todo0: ResourceApp, asked: list[str]) -> None:
    token = access_token_for(user=bob, resource_app=todo0)
    assert (token.value, token.scope) == ("an-access-token", "read")
    assert asked == ["GET /.well-known/oauth-authorization-server", f"GET {WELL_KNOWN}", f"POST {TOKEN}"]


def test_its_metadata_are_kept_as_those_of_any_other(bob: Any, todo0: ResourceApp, asked: list[str]) -> None:
    access_token_for(user=bob, resource_app=todo0)
    todo0.save()  # which drops the access token
    access_token_for(user=bob, resource_app=todo0)
    assert asked[3:] == [f"POST {TOKEN}"]
