"""RFC 7662: who may know about a token learns that it is good; everybody else, that it is not active."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from pytest_django import Settings

from authserver.models import Client
from tenants.models import IdPConnection, Tenant, User
from tests.authserver.resource_servers import ResourceServer
from tests.support.embedded_idp import EmbeddedIdP, make_person

INACTIVE = {"active": False}
ALL_ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]


@pytest.fixture
def tokens(signed_in: EmbeddedIdP) -> dict[str, Any]:
    """Bob's tokens at wiki0, and `gateway`, the resource server that they are for."""
    signed_in.register("gateway", resource=signed_in.server.resource, grants=[])
    return signed_in.tokens()


@pytest.fixture
def signed_in_at_customer2(other_idp: EmbeddedIdP) -> dict[str, Any]:
    """The tokens that a sign-in at another tenant's IdP has brought."""
    john = make_person(other_idp, "john")
    other_idp.browser.force_login(john, backend="tenants.passwords.RealmBackend")
    tokens = other_idp.tokens()
    return {name: tokens[name] for name in ("access_token", "refresh_token", "id_token")}


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


@pytest.mark.clause("RFC 7662", "2.1", "IR-01 IR-10")
def test_introspection_needs_authentication(signed_in: EmbeddedIdP, tokens: dict[str, Any]) -> None:
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
        assert algorithms == ALL_ALGORITHMS


# --- At the apps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["agent", "gateway"])
@pytest.mark.clause("RFC 7662", "2.2", "IR-04 IR-11")
def test_at_an_app_too_the_tokens_client_and_its_resource_server_learn_what_it_is(
    app: ResourceServer, client_id: str
) -> None:
    response = app.introspect(app.token(scope="read"), client_id)
    body = response.json()
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    now = time.time()
    assert now - 60 < body.pop("iat") <= now < body.pop("exp") <= now + 3600
    assert body == {
        "active": True,
        "scope": "read",
        "client_id": "agent",
        "token_type": "Bearer",
        "sub": str(app.account().pk),
        "aud": app.server.resource,
        "iss": app.server.issuer,
    }


SWITCHES: dict[str, Callable[[User], object]] = {
    "connection": lambda bob: IdPConnection.objects.filter(tenant=bob.tenant).update(enabled=False),
    "user": lambda bob: User.objects.filter(pk=bob.pk).update(is_active=False),
    "tenant": lambda bob: Tenant.objects.filter(pk=bob.tenant_id).update(is_active=False),
    "client": lambda bob: Client.objects.filter(client_id="agent").update(is_active=False),
    "resource": lambda bob: get_access_token_model().objects.update(resource=["https://other.example/api"]),
    "no resource": lambda bob: get_access_token_model().objects.update(resource=[]),
    "expired": lambda bob: get_access_token_model().objects.update(expires=timezone.now()),
    "deleted": lambda bob: get_access_token_model().objects.all().delete(),
}


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.clause("RFC 7662", "2.2", "IR-05 IR-06 RS-04 RS-05")
def test_what_the_api_refuses_from_now_on_is_not_active_from_now_on(app: ResourceServer, switch: str) -> None:
    token = app.token()
    assert app.introspect(token).json()["active"] is True
    assert app.call(token).status_code == 200
    SWITCHES[switch](app.account())
    assert app.introspect(token).json() == INACTIVE
    refused = app.call(token)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


@pytest.mark.clause("RFC 7662", "4", "IR-02")
def test_a_client_that_the_token_is_not_of_and_not_for_learns_nothing(app: ResourceServer) -> None:
    token = app.token()
    assert app.introspect(token, "stranger").json() == INACTIVE
    Client.objects.filter(client_id="gateway").update(resource="https://other.example/api")
    assert app.introspect(token, "gateway").json() == INACTIVE
    assert app.introspect(token, "agent").json()["active"] is True


@pytest.mark.clause("RFC 7662", "2.2", "IR-03")
def test_a_resource_server_that_is_bound_to_a_tenant_learns_of_its_people_only(app: ResourceServer) -> None:
    other = app.trust("customer2").server.tenant
    ours, theirs = app.token(), app.token(app.id_jag("customer2"))
    Client.objects.filter(client_id="gateway").update(tenant=other)
    assert app.introspect(ours).json() == INACTIVE
    assert app.introspect(theirs).json()["active"] is True


@pytest.mark.clause("RFC 7662", "2.2", "IR-05")
def test_what_is_no_access_token_of_the_app_is_not_active_there(
    app: ResourceServer, signed_in_at_customer2: dict[str, Any]
) -> None:
    for token in (app.id_jag(), app.client_assertion(), *signed_in_at_customer2.values()):
        response = app.introspect(str(token))
        assert (response.status_code, response.json()) == (200, INACTIVE)


@pytest.mark.clause("RFC 7662", "2.1", "IR-01 IR-10")
def test_introspection_at_an_app_needs_authentication(app: ResourceServer) -> None:
    token = app.token()
    anonymous = app.introspect(token, None)
    public = app.post("/oauth2/v1/introspect", {"token": token, "client_id": "gateway"})
    wrong = app.post("/oauth2/v1/introspect", {"token": token}, authorization=app.peers.basic("gateway", "wrong"))
    bearer = app.post("/oauth2/v1/introspect", {"token": token}, authorization=f"Bearer {token}")
    for response in (anonymous, public, wrong, bearer):
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("limit", "secret", "refused"), [("CLIENT", None, 200), ("CLIENT_FAILURES", "wrong", 401)])
@pytest.mark.clause("RFC 7662", "4", "IR-12")
def test_who_guesses_tokens_or_secrets_is_put_off(
    app: ResourceServer, settings: Settings, limit: str, secret: str | None, refused: int
) -> None:
    settings.LIMITS = settings.LIMITS | {limit: "3/minute"}
    credentials = app.peers.basic("gateway", secret)
    answers = [
        app.post("/oauth2/v1/introspect", {"token": f"guess-{number}"}, authorization=credentials)
        for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [refused] * 3 + [429] * 2
    assert answers[3].json()["error"] == "temporarily_unavailable"
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert answers[3]["Cache-Control"] == "no-store"
    assert app.introspect("guess", "stranger").status_code == 200
