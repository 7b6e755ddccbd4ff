"""Two token endpoints as clients on the internet meet them, and the external IdP of `tests/resource_app/fakes.py`.

All of the project is real: middleware, views, client authentication, accounts, audit. The IdP's two documents come from
the fakes, its ID-JAGs from their keys; the clock of the grant stands at NOW, so that limits can be tested exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client as Browser
from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from pytest_django import Settings

from audit.models import AuditEvent
from authserver.models import JWT_BEARER, AuthorizationServer, Client, SigningKey
from base import issuers
from crossapp.core.keys import Keys
from crossapp.resource_app import jwt_bearer_grant
from crossapp.resource_app.models import ConsumedJti
from tenants.models import EmailDomain, IdPConnection, Tenant, User
from tests.resource_app import fakes
from tests.resource_app.broken_id_jags import NOW, Mint, timed
from tests.resource_app.fakes import CLIENT_ID, CLIENT_SECRET, ISSUER, basic

ORIGINS = {"todo": fakes.AUDIENCE, "wiki": "https://wiki.example"}
FORM = "application/x-www-form-urlencoded"
Headers = Mapping[str, str] | None


@dataclass(frozen=True)
class TokenEndpoint:
    """The token endpoint of one app; Bob of the tenant acme has an account there, and `client` may act for him.

    `client` is registered for client_secret_basic.
    """

    server: AuthorizationServer
    client: Client
    connection: IdPConnection
    bob: User

    @property
    def mint(self) -> Mint:
        """What makes an ID-JAG of Bob that is valid here but for the changes given; all have one `jti`."""
        audience = self.server.issuer
        return lambda **changes: timed(**{"aud": audience, "resource": self.server.resource, "jti": "one", **changes})

    def send(
        self, body: str | bytes, *, headers: dict[str, str] | None = None, path: str = "", **more: Any
    ) -> HttpResponse:
        """POST `body` as a form with the client's credentials, or with other `headers`."""
        more = {"method": "POST", "content_type": FORM, **more}
        headers = {"Host": self.server.issuer.removeprefix("https://"), **(basic() if headers is None else headers)}
        return Browser(enforce_csrf_checks=True).generic(
            path=f"/oauth2/v1/token{path}", data=body, secure=True, headers=headers, **more
        )

    def redeem(self, assertion: str | None = None, *, headers: Headers = None, **parameters: Any) -> HttpResponse:
        """Redeem `assertion`, by default a valid one. A parameter of None is left out, that of a list is repeated."""
        form = {"grant_type": JWT_BEARER, "assertion": self.mint() if assertion is None else assertion} | parameters
        given = {name: value for name, value in form.items() if value is not None}
        return self.send(urlencode(given, doseq=True), headers=headers)

    def is_good(self, token: str) -> bool:
        """Say whether the API takes `token`."""
        host = self.server.issuer.removeprefix("https://")
        headers = {"Host": host, "Authorization": f"Bearer {token}"}
        response = Browser().get("/api/users/me", secure=True, headers=headers)
        assert response.status_code in (200, 401), response.content
        return response.status_code == 200

    def assert_refused(
        self,
        response: HttpResponse,
        error: str,
        description: str,
        check: str,
        *,
        status: int = 400,
        accounts: int = 1,
    ) -> None:
        """Check the whole answer, that nothing came of the request, and that the operator reads why."""
        assert (response.status_code, response.json()) == (status, {"error": error, "error_description": description})
        assert response["Content-Type"] == "application/json"
        assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
        assert ("WWW-Authenticate" in response) == (status == 401)
        assert ("Retry-After" in response) == (status == 503)
        assert not response.cookies
        assert not ConsumedJti.objects.exists()
        assert not get_access_token_model().objects.exists()
        assert not get_refresh_token_model().objects.exists()
        assert User.objects.filter(realm=self.server.realm).count() == accounts
        row = AuditEvent.objects.get(act="redemption")
        assert (row.outcome, row.error, row.failed_check) == ("refused", error, check)

    def assert_redeemed(self, response: HttpResponse, scope: str = "read write") -> dict[str, Any]:
        """Check the whole answer, and that it is the one token and the one `jti` there is; return the answer."""
        assert response.status_code == 200, response.content
        body = dict(response.json())
        rest = {"token_type": "Bearer", "expires_in": 3600, "scope": scope, "resource": self.server.resource}
        assert body == {"access_token": body["access_token"], **rest}
        assert (response["Cache-Control"], response["Pragma"]) == ("no-store", "no-cache")
        assert get_access_token_model().objects.count() == ConsumedJti.objects.count() == 1
        assert not get_refresh_token_model().objects.exists()
        return body


def outside(response: HttpResponse) -> tuple[Any, ...]:
    """Return all that a peer sees of an answer, but for the identifier that every answer has of its own."""
    headers = sorted((name, value) for name, value in response.items() if name != "X-Request-ID")
    return response.status_code, response.content, tuple(headers)


def endpoint_of(app: str) -> TokenEndpoint:
    server = AuthorizationServer.objects.create(realm=app, issuer=ORIGINS[app])
    SigningKey.generate(server, SigningKey.Status.ACTIVE)
    fields = {"auth_method": "client_secret_basic", "grants": [JWT_BEARER], "scope": "read write"}
    client, _ = Client.register(server=server, client_id=CLIENT_ID, secret=CLIENT_SECRET, **fields)
    tenant, _ = Tenant.objects.get_or_create(slug="acme", name="Acme")
    EmailDomain.objects.get_or_create(tenant=tenant, domain="tables.fake")
    connection = connect(tenant, app, ISSUER)
    bob = User.objects.create(
        username=f"{app}:bob", realm=app, tenant=tenant, issuer=ISSUER, sub="bob", email="bob@tables.fake"
    )
    return TokenEndpoint(server, client, connection, bob)


def connect(tenant: Tenant, app: str, issuer: str, **fields: Any) -> IdPConnection:
    return IdPConnection.objects.create(
        tenant=tenant, app=app, issuer=issuer, client_id="app", client_secret="unused", **fields
    )


@pytest.fixture
def idp(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> fakes.World:
    """The external IdP, and the sites at the origins that its ID-JAGs are for."""
    settings.ORIGINS = {**settings.ORIGINS, **ORIGINS}
    settings.ALLOWED_HOSTS = ["todo.example", "wiki.example"]
    monkeypatch.setattr(fakes, "world", fakes.World())
    monkeypatch.setattr(issuers, "_keys", Keys(cache, fakes.session))
    monkeypatch.setattr(jwt_bearer_grant, "time", SimpleNamespace(time=lambda: NOW))
    return fakes.world


@pytest.fixture
def todo0(db: None, idp: fakes.World) -> TokenEndpoint:
    return endpoint_of("todo")


@pytest.fixture
def wiki0(db: None, idp: fakes.World) -> TokenEndpoint:
    return endpoint_of("wiki")
