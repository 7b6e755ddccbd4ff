"""A tenant with an IdP connection for each app, and another tenant beside."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from crossapp.core import discovery, http
from crossapp.core.errors import Unreachable
from tenants.models import EmailDomain, IdPConnection, Tenant, User
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeIdp, answering_at

ACME_ISSUER = "https://idp.acme.example"


@pytest.fixture
def tenant(db: None) -> Tenant:
    tenant = Tenant.objects.create(name="Tables", slug="tables")
    EmailDomain.objects.create(tenant=tenant, domain="tables.example")
    return tenant


@pytest.fixture
def connection(tenant: Tenant) -> IdPConnection:
    return IdPConnection.objects.create(
        tenant=tenant, app="wiki", issuer=ISSUER, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )


@pytest.fixture
def other_connection(db: None) -> IdPConnection:
    tenant = Tenant.objects.create(name="Other", slug="other")
    EmailDomain.objects.create(tenant=tenant, domain="other.example")
    return IdPConnection.objects.create(
        tenant=tenant, app="wiki", issuer="https://other.example", client_id="wiki-at-other", client_secret="another"
    )


@pytest.fixture
def fake_idp() -> Iterator[FakeIdp]:
    """The IdP of `connection`: the process's own session talks to it."""
    with answering_at(ISSUER) as fake:
        yield fake


@pytest.fixture
def admin(db: None) -> Client:
    """The operator's browser."""
    operator = User.objects.create_superuser("operator", "operator@home.example", "avocado", realm="staff")
    client = Client(headers={"host": "localhost:8000"})
    client.force_login(operator, backend="tenants.passwords.RealmBackend")
    return client


@pytest.fixture
def documents(db: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The metadata documents of the internet, by URL. A host without any document does not answer."""
    metadata = {
        "issuer": ACME_ISSUER,
        "authorization_endpoint": f"{ACME_ISSUER}/authorize",
        "token_endpoint": f"{ACME_ISSUER}/token",
        "jwks_uri": f"{ACME_ISSUER}/keys",
        "id_token_signing_alg_values_supported": ["RS256"],
        "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"],
        "identity_chaining_requested_token_types_supported": ["urn:ietf:params:oauth:token-type:id-jag"],
        "code_challenge_methods_supported": ["S256"],
    }
    documents = {f"{ACME_ISSUER}/.well-known/openid-configuration": metadata}

    def send(method: str, url: str, **kwargs: Any) -> http.Answer:
        if urlsplit(url).netloc not in {urlsplit(known).netloc for known in documents}:
            raise Unreachable(f"{url} does not answer")
        if url not in documents:
            return http.Answer(404, {}, b"")
        return http.Answer(200, {}, json.dumps(documents[url]).encode())

    monkeypatch.setattr(discovery, "send", send)
    return documents
