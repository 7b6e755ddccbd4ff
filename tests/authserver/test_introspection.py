"""RFC 7662: who may know about a token learns that it is good; everybody else, that it is not active."""

import time
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from authserver.models import Client
from tenants.models import Tenant, User
from tests.support.embedded_idp import EmbeddedIdP

INACTIVE = {"active": False}


@pytest.fixture
def tokens(signed_in: EmbeddedIdP) -> dict[str, Any]:
    """Bob's tokens at wiki0, and `gateway`, the resource server that they are for."""
    signed_in.register("gateway", resource=signed_in.server.resource, grants=[])
    return signed_in.tokens()


def introspect(idp: EmbeddedIdP, token: Any, client_id: str | None = "wiki0", **more: Any) -> Any:
    return idp.post("/oauth2/v1/introspect", {"token": token, **more}, client_id)


@pytest.mark.parametrize("client_id", ["wiki0", "gateway"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
@pytest.mark.clause("RFC 7662", "2.2", "IR-04 IR-08 IR-11")
def test_the_tokens_client_and_its_resource_server_learn_what_it_is(
    signed_in: EmbeddedIdP, tokens: dict[str, Any], bob: User, client_id: str, hint: str | None
) -> None:
    response = introspect(signed_in, tokens["access_token"], client_id, **({"token_type_hint": hint} if hint else {}))
    body = response.json()
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    now = time.time()
    assert now - 60 < body.pop("iat") <= now < body.pop("exp") <= now + 3600
    assert body == {
        "active": True,
        "scope": "openid profile email offline_access",
        "client_id": "wiki0",
        "token_type": "Bearer",
        "sub": bob.sub,
        "aud": "http://customer1.idp.localhost:8000/oauth2/v1/userinfo",
        "iss": "http://customer1.idp.localhost:8000",
    }


@pytest.mark.clause("RFC 7662", "4", "IR-02")
def test_another_client_learns_nothing(signed_in: EmbeddedIdP, tokens: dict[str, Any]) -> None:
    assert introspect(signed_in, tokens["access_token"], "todo0").json() == INACTIVE
    Client.objects.filter(client_id="todo0").update(resource="http://todo.localhost:8000/api")
    assert introspect(signed_in, tokens["access_token"], "todo0").json() == INACTIVE


@pytest.mark.clause("RFC 7662", "2.2", "IR-03")
def test_a_resource_server_of_another_tenant_learns_nothing(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, tokens: dict[str, Any]
) -> None:
    other_idp.register("gateway", resource=signed_in.server.resource)
    assert introspect(other_idp, tokens["access_token"], "gateway").json() == INACTIVE
    Client.objects.filter(server=signed_in.server, client_id="gateway").update(tenant=other_idp.server.tenant)
    assert introspect(signed_in, tokens["access_token"], "gateway").json() == INACTIVE


@pytest.mark.parametrize("what", ["refresh_token", "id_token", "id_jag", "garbage", "dots", "NUL", "long"])
@pytest.mark.clause("RFC 7662", "2.2", "IR-05")
def test_what_is_no_access_token_of_this_server_is_not_active(
    signed_in: EmbeddedIdP, tokens: dict[str, Any], what: str
) -> None:
    others = {"garbage": "x", "dots": "a.b.c", "NUL": "\0", "long": "x" * 100_000}
    token = tokens.get(what) or others.get(what) or signed_in.exchange(tokens["id_token"]).json()["access_token"]
    response = introspect(signed_in, token)
    assert (response.status_code, response.json()) == (200, INACTIVE)


@pytest.mark.parametrize("why", ["expired", "revoked", "user", "tenant", "resource"])
@pytest.mark.clause("RFC 7662", "2.2", "IR-05 IR-06")
def test_a_token_that_the_api_would_refuse_is_not_active(
    signed_in: EmbeddedIdP, tokens: dict[str, Any], bob: User, why: str
) -> None:
    rows = get_access_token_model().objects
    {
        "expired": lambda: rows.update(expires=timezone.now()),
        "revoked": lambda: signed_in.post("/oauth2/v1/revoke", {"token": tokens["access_token"]}),
        "user": lambda: User.objects.filter(pk=bob.pk).update(is_active=False),
        "tenant": lambda: User.objects.filter(pk=bob.pk).update(
            tenant=Tenant.objects.create(slug="gone", name="Gone", is_active=False)
        ),
        "resource": lambda: rows.update(resource=["http://todo.localhost:8000/api"]),
    }[why]()
    assert introspect(signed_in, tokens["access_token"]).json() == INACTIVE
    assert introspect(signed_in, tokens["access_token"], "gateway").json() == INACTIVE


@pytest.mark.clause("RFC 7662", "2.2", "IR-06 TE-11")
def test_a_token_of_a_deactivated_client_is_not_active_and_the_client_may_not_ask(
    signed_in: EmbeddedIdP, tokens: dict[str, Any]
) -> None:
    Client.objects.filter(client_id="wiki0").update(is_active=False)
    assert introspect(signed_in, tokens["access_token"], "gateway").json() == INACTIVE
    assert introspect(signed_in, tokens["access_token"]).status_code == 401


@pytest.mark.clause("RFC 7662", "2.1", "IR-01")
def test_nobody_asks_without_authenticating(signed_in: EmbeddedIdP, tokens: dict[str, Any]) -> None:
    wrong = {"headers": {"authorization": signed_in.basic("wiki0", "wrong")}}
    bearer = {"headers": {"authorization": f"Bearer {tokens['access_token']}"}}
    for extra in ({}, wrong, bearer):
        response = signed_in.post("/oauth2/v1/introspect", {"token": tokens["access_token"]}, None, **extra)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    public = {"token": tokens["access_token"], "client_id": "wiki0"}
    assert signed_in.post("/oauth2/v1/introspect", public, None).status_code == 401


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": ["a", "b"]}])
@pytest.mark.clause("RFC 7662", "2.1", "IR-07")
def test_one_token_is_asked_about(idp: EmbeddedIdP, body: dict[str, Any]) -> None:
    response = idp.post("/oauth2/v1/introspect", body)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("RFC 7662", "2.1", "IR-09")
def test_the_introspection_endpoint_takes_forms_by_post_only(idp: EmbeddedIdP) -> None:
    response = idp.browser.get("/oauth2/v1/introspect?token=x")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert idp.post("/oauth2/v1/introspect", '{"token": "x"}', content_type="application/json").status_code == 400
    assert idp.post("/oauth2/v1/introspect", {"token": "x"}, query_params={"token": "x"}).status_code == 400


@pytest.mark.clause("RFC 8414", "2", "MD-01 MD-06 MD-07")
def test_the_metadata_say_how_clients_authenticate_at_each_endpoint(idp: EmbeddedIdP) -> None:
    metadata = idp.browser.get("/.well-known/oauth-authorization-server").json()
    assert metadata["introspection_endpoint"] == "http://customer1.idp.localhost:8000/oauth2/v1/introspect"
    for endpoint in ("token", "revocation", "introspection"):
        methods = metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        algorithms = metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert methods == ["client_secret_basic", "client_secret_post", "private_key_jwt"]
        assert algorithms == ["RS256", "PS256", "ES256", "EdDSA"]
