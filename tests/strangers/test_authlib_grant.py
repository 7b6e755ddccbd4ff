"""Authlib's ID-JAG grant, in an authorization server made of Authlib, redeems those our IdP mints."""

import json
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest
from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.oauth2.drafts.id_jag import IDJAGGrant
from django.http import HttpResponse
from django.test import RequestFactory
from joserfc.jwk import KeySet

from tests.strangers.conftest import Peers

STRANGER = "authlib"

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class AuthlibClient:
    """The one client there is, with the secret "secret"."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id

    def get_client_id(self) -> str:
        return self.client_id

    def check_client_secret(self, secret: str) -> bool:
        return secret == "secret"

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("client_secret_basic", "token")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == JWT_BEARER

    def get_allowed_scope(self, scope: str) -> str:
        return scope


class AuthlibServer(AuthorizationServer):
    """Authlib's server for Django without its tables: `issued` holds what it grants."""

    def __init__(self, client_id: str) -> None:
        super().__init__(None, None)
        self.client = AuthlibClient(client_id)
        self.issued: list[tuple[str, str]] = []

    def query_client(self, client_id: str) -> AuthlibClient | None:
        return self.client if client_id == self.client.client_id else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        self.issued.append((request.user.sub, token["scope"]))

    def redeem(self, assertion: str, client_id: str) -> HttpResponse:
        credentials = b64encode(f"{client_id}:secret".encode()).decode()
        request = RequestFactory().post(
            "/token",
            {"grant_type": JWT_BEARER, "assertion": assertion},
            headers={"authorization": f"Basic {credentials}"},
            secure=True,
        )
        return self.create_token_response(request)


@pytest.fixture
def server(peers: Peers) -> AuthlibServer:
    used: set[str] = set()

    class Grant(IDJAGGrant):
        """Only the hooks that Authlib leaves to its users."""

        def get_audiences(self) -> list[str]:
            return [peers.audience]

        def resolve_issuer_key(self, issuer: str, headers: Any) -> KeySet:
            assert issuer == peers.issuer
            metadata = peers.http.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
            return KeySet.import_key_set(peers.http.get(metadata["jwks_uri"], timeout=30).json())

        def authenticate_user(self, subject: str) -> Any:
            return SimpleNamespace(sub=subject)

        def check_jti(self, claims: Any, jti: str) -> bool:
            new = jti not in used
            used.add(jti)
            return new

        def check_id_jag_permission(self, client: Any, user: Any, scopes: list[str]) -> bool:
            return scopes == ["read"]

    server = AuthlibServer(peers.client_id)
    server.register_grant(Grant)
    return server


@pytest.mark.clause("ID-JAG", "3.1", "Authlib redeems the ID-JAGs of our IdP")
def test_authlib_redeems_our_id_jag_once(peers: Peers, server: AuthlibServer) -> None:
    id_jag = peers.id_jag()
    answer = server.redeem(id_jag, peers.client_id)
    body = json.loads(answer.content)
    assert (answer.status_code, body["scope"], body["token_type"]) == (200, "read", "Bearer"), body
    again = server.redeem(id_jag, peers.client_id)
    assert (again.status_code, json.loads(again.content)["error"]) == (400, "invalid_grant")
    assert len(server.issued) == 1


@pytest.mark.clause("ID-JAG", "4.4.1", "our ID-JAGs name one client, as Authlib sees it")
def test_authlib_refuses_our_id_jag_for_another_client(peers: Peers, server: AuthlibServer) -> None:
    server.client.client_id = "another"
    answer = server.redeem(peers.id_jag(), "another")
    assert (answer.status_code, json.loads(answer.content)["error"]) == (400, "invalid_grant")
    assert server.issued == []
