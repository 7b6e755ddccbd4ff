"""One tenant's embedded IdP with two clients, one person, one policy; and another tenant's IdP beside it."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client as Browser

from authserver.models import TOKEN_EXCHANGE, AuthorizationServer, Client, SigningKey
from idp.models import CrossAppPolicy
from tenants.models import Realm, Tenant, User

VERIFIER = "a-code-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
CALLBACK = "http://wiki.localhost:8000/sign-in/callback"
AUDIENCE = "http://todo.localhost:8000"
RESOURCE = "http://todo.localhost:8000/api"
ID_JAG_TYPE = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
REFRESH_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:refresh_token"
SCOPE = "openid profile email offline_access"


@dataclass
class EmbeddedIdP:
    """The IdP of one tenant as a test meets it: over HTTP, with the secrets of its clients in hand."""

    server: AuthorizationServer
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.host = self.server.issuer.removeprefix("http://")
        self.browser = Browser(headers={"host": self.host}, enforce_csrf_checks=True)

    def register(self, client_id: str, **fields: Any) -> Client:
        fields = {
            "grants": ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
            "scope": SCOPE,
            "redirect_uris": CALLBACK,
            "post_logout_redirect_uris": "http://wiki.localhost:8000/signed-out",
            "name": client_id.title(),
        } | fields
        client, self.secrets[client_id] = Client.register(server=self.server, client_id=client_id, **fields)
        return client

    def basic(self, client_id: str, secret: str | None = None) -> str:
        pair = f"{client_id}:{self.secrets[client_id] if secret is None else secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def authorize(self, **changes: str | None) -> Any:
        parameters = {
            "response_type": "code",
            "client_id": "wiki0",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        sent = {name: value for name, value in parameters.items() if value is not None}
        return self.browser.get("/oauth2/v1/authorize", sent)

    def post(self, path: str, data: Any, client_id: str | None = "wiki0", **extra: Any) -> Any:
        headers = extra.pop("headers", {"authorization": self.basic(client_id)} if client_id else {})
        body = data if isinstance(data, str) else _form(data)
        content_type = extra.pop("content_type", "application/x-www-form-urlencoded")
        return Browser(headers={"host": self.host}).post(
            path, body, content_type=content_type, headers=headers, **extra
        )

    def token(self, data: Any, client_id: str | None = "wiki0", **extra: Any) -> Any:
        return self.post("/oauth2/v1/token", data, client_id, **extra)

    def backdate_session(self, *, days: float = 0, minutes: float = 0) -> int:
        """Let the password of the browser's session have been entered longer ago; return when, as `auth_time`."""
        session = self.browser.session
        session["auth_time"] -= int(days * 86_400 + minutes * 60)
        session.save()
        return int(session["auth_time"])

    def code(self, **changes: str | None) -> str:
        return str(query_of(self.authorize(**changes))["code"])

    def tokens(self, client_id: str = "wiki0", scope: str = SCOPE) -> dict[str, Any]:
        """Return what a sign-in leaves at a client, by way of the real code flow."""
        request = {
            "grant_type": "authorization_code",
            "code": self.code(client_id=client_id, scope=scope),
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        response = self.token(request, client_id)
        assert response.status_code == 200, response.content
        return dict(response.json())

    def exchange_request(self, token: str, **changes: Any) -> dict[str, Any]:
        request = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG_TYPE,
            "subject_token": token,
            "subject_token_type": ID_TOKEN_TYPE,
            "audience": AUDIENCE,
            "resource": RESOURCE,
            "scope": "read",
        } | changes
        return {name: value for name, value in request.items() if value is not None}

    def exchange(self, token: str, /, *, client_id: str | None = "wiki0", **changes: Any) -> Any:
        return self.token(self.exchange_request(token, **changes), client_id)


def _form(data: dict[str, Any]) -> str:
    return urlencode(data, doseq=True)


def query_of(response: Any) -> dict[str, str]:
    """Return the query parameters of a redirect."""
    assert response.status_code == 302, response.content
    return {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}


def make_idp(slug: str) -> EmbeddedIdP:
    tenant = Tenant.objects.create(slug=slug, name=slug.title())
    server = AuthorizationServer.objects.create(
        realm=Realm.IDP, tenant=tenant, issuer=f"http://{slug}.idp.localhost:8000"
    )
    SigningKey.generate(server, SigningKey.Status.ACTIVE)
    return EmbeddedIdP(server)


def make_person(idp: EmbeddedIdP, login: str) -> User:
    user = User(
        username=f"idp:{idp.host}:{login}",
        realm=Realm.IDP,
        tenant=idp.server.tenant,
        sub=f"sub-of-{login}",
        email=f"{login}@tables.fake",
        first_name=login.title(),
        last_name="Tables",
    )
    user.set_password("avocado")
    user.save()
    return user


@pytest.fixture
def bob(idp: EmbeddedIdP) -> User:
    return make_person(idp, "bob")


@pytest.fixture
def idp(db: None) -> EmbeddedIdP:
    """The IdP of customer1: clients wiki0 and todo0, and a policy that lets wiki0 read and write at Todo0."""
    idp = make_idp("customer1")
    wiki0 = idp.register("wiki0")
    idp.register("todo0")
    CrossAppPolicy.objects.create(
        server=idp.server,
        client=wiki0,
        audience=AUDIENCE,
        resource=RESOURCE,
        scope="read write",
        client_id_at_audience="wiki0-at-todo0",
        includes_email=True,
    )
    return idp


@pytest.fixture
def other_idp(db: None) -> EmbeddedIdP:
    """The IdP of customer2, with a client of the same identifier."""
    idp = make_idp("customer2")
    idp.register("wiki0")
    return idp


@pytest.fixture
def signed_in(idp: EmbeddedIdP, bob: User) -> EmbeddedIdP:
    """The IdP of customer1 with Bob's session in its browser."""
    idp.browser.force_login(bob, backend="tenants.passwords.RealmBackend")
    return idp


@pytest.fixture
def id_token(signed_in: EmbeddedIdP) -> str:
    """An ID token of Bob, issued to wiki0."""
    return str(signed_in.tokens()["id_token"])
