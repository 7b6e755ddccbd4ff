"""RFC 7009: a client ends its own tokens; what else it sends is answered alike, and nothing happens."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from authserver import bearer
from authserver.models import Client
from tenants.models import IdPConnection, User
from tests.authserver.resource_servers import ResourceServer
from tests.support.embedded_idp import EmbeddedIdP, make_person

REVOKE = "/oauth2/v1/revoke"


def revoke(app: ResourceServer, token: str, **more: str) -> Any:
    return app.post(REVOKE, {"token": token} | app.by_key() | more)


def assert_done(response: Any) -> None:
    assert (response.status_code, response.json()) == (200, {})
    assert response["Cache-Control"] == "no-store"


def assert_refused(response: Any, status: int = 401, error: str = "invalid_token") -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)


def userinfo(idp: EmbeddedIdP, access_token: str) -> Any:
    return idp.browser.get("/oauth2/v1/userinfo", headers={"authorization": f"Bearer {access_token}"})


# --- At the apps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense", ""])
@pytest.mark.clause("RFC 7009", "2.2", "IR-14 IR-18 RS-05")
def test_an_access_token_that_its_client_revokes_is_refused_at_once(app: ResourceServer, hint: str | None) -> None:
    token, bystander = app.token(), app.token()
    assert app.call(token).status_code == 200
    assert_done(revoke(app, token, **({} if hint is None else {"token_type_hint": hint})))
    assert_refused(app.call(token))
    assert app.call(bystander).status_code == 200


@pytest.mark.parametrize("client_id", ["stranger", "gateway"])
@pytest.mark.clause("RFC 7009", "2.1", "IR-16")
def test_a_token_of_another_client_stays_good(app: ResourceServer, client_id: str) -> None:
    token = app.token()
    assert_done(app.post(REVOKE, {"token": token}, client_id))
    assert app.call(token).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "\0", "ü", "x" * 10_000])
@pytest.mark.clause("RFC 7009", "2.2", "IR-17")
def test_what_is_no_token_is_answered_like_one(app: ResourceServer, token: str) -> None:
    assert_done(revoke(app, token))


@pytest.mark.clause("RFC 7009", "2.2", "IR-17")
def test_a_token_is_revoked_twice(app: ResourceServer) -> None:
    token = app.token()
    assert_done(revoke(app, token))
    assert_done(revoke(app, token))


@pytest.mark.clause("RFC 7009", "2.1", "IR-13")
def test_revocation_needs_authentication(app: ResourceServer) -> None:
    token = app.token()
    for response in (
        app.post(REVOKE, {"token": token}),
        app.post(REVOKE, {"token": token, "client_id": "agent"}),
        app.post(REVOKE, {"token": token}, authorization=app.peers.basic("gateway", "wrong")),
        app.post(REVOKE, {"token": token}, authorization=f"Bearer {token}"),
        revoke(app, token, client_assertion="x"),
    ):
        assert_refused(response, 401, "invalid_client")
    assert app.call(token).status_code == 200


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": ["a", "b"]}])
@pytest.mark.clause("RFC 7009", "2.1", "IR-20")
def test_one_token_is_revoked_at_a_time(app: ResourceServer, body: dict[str, Any]) -> None:
    assert_refused(app.post(REVOKE, body | app.by_key()), 400, "invalid_request")


@pytest.mark.clause("RFC 7009", "2.3", "IR-21")
def test_there_is_no_revocation_by_get_and_no_callback(app: ResourceServer) -> None:
    token = app.token()
    for method in ("get", "put", "patch", "delete"):
        response = getattr(Browser(headers={"host": app.host}), method)(f"{REVOKE}?token={token}&callback=steal")
        assert_refused(response, 405, "invalid_request")
        assert response["Allow"] == "POST"
        assert response["Content-Type"] == "application/json"
    assert app.call(token).status_code == 200
    response = revoke(app, token, callback="steal")
    assert response["Content-Type"] == "application/json"
    assert b"steal" not in response.content


@pytest.mark.parametrize("path", [REVOKE, "/oauth2/v1/introspect", "/oauth2/v1/token"])
@pytest.mark.clause("RFC 7009", "5", "IR-22 OP-61")
def test_no_page_of_another_origin_reads_an_answer(app: ResourceServer, path: str) -> None:
    token = app.token()
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    asked = Browser(headers={"host": app.host}).options(path, headers=preflight)
    done = app.post(path, {"token": token, "grant_type": "x"} | app.by_key(), origin="https://evil.example")
    for response in (asked, done):
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.clause("RFC 7009", "2", "IR-24")
def test_a_request_under_way_may_finish_and_the_next_one_is_refused(
    app: ResourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, revoked = app.token(), []

    def meanwhile(*who: object, **facts: object) -> None:
        revoked.append(revoke(app, token))

    monkeypatch.setattr(bearer, "API", SimpleNamespace(count=meanwhile))
    assert app.call(token).status_code == 200
    assert_done(*revoked)
    assert_refused(app.call(token))


# --- At an IdP ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 7009", "2.1", "IR-15")
def test_with_a_refresh_token_the_access_tokens_of_its_grant_end(signed_in: EmbeddedIdP) -> None:
    tokens, bystander = signed_in.tokens(), signed_in.tokens()
    assert userinfo(signed_in, tokens["access_token"]).status_code == 200
    assert_done(signed_in.post(REVOKE, {"token": tokens["refresh_token"]}))
    assert_refused(userinfo(signed_in, tokens["access_token"]))
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert_refused(signed_in.token(refresh), 400, "invalid_grant")
    assert userinfo(signed_in, bystander["access_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["id_token", "id_jag"])
@pytest.mark.clause("RFC 7009", "2.2.1", "IR-19")
def test_an_id_token_or_id_jag_is_not_revoked_and_ends_nothing_else(signed_in: EmbeddedIdP, kind: str) -> None:
    tokens = signed_in.tokens()
    id_jag = signed_in.exchange(tokens["id_token"]).json()["access_token"]
    assert_done(signed_in.post(REVOKE, {"token": {"id_jag": id_jag, **tokens}[kind], "token_type_hint": kind}))
    assert userinfo(signed_in, tokens["access_token"]).status_code == 200
    assert signed_in.exchange(tokens["id_token"]).status_code == 200
    assert get_refresh_token_model().objects.filter(revoked=None).count() == 1


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.clause("RFC 7009", "2.1", "IR-16 IR-23")
def test_a_token_of_another_tenant_stays_good(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, kind: str) -> None:
    """The client that asks has the same identifier at its own tenant's IdP."""
    tokens = signed_in.tokens()
    assert_done(other_idp.post(REVOKE, {"token": tokens[kind]}))
    assert userinfo(signed_in, tokens["access_token"]).status_code == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert signed_in.token(refresh).status_code == 200


@pytest.mark.clause("RFC 7009", "2.1", "IR-23")
def test_two_tenants_people_hold_tokens_of_their_own(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    john = make_person(other_idp, "john")
    other_idp.browser.force_login(john, backend="tenants.passwords.RealmBackend")
    ours, theirs = signed_in.tokens(), other_idp.tokens()
    assert_done(signed_in.post(REVOKE, {"token": ours["refresh_token"]}))
    assert userinfo(other_idp, theirs["access_token"]).status_code == 200
    assert get_access_token_model().objects.get().user == john


# --- In the admin ---------------------------------------------------------------------------------------------------


@pytest.fixture
def operator(db: None) -> Browser:
    browser = Browser(headers={"host": "localhost:8000"})
    browser.force_login(User.objects.create_superuser("operator", realm="staff"), "tenants.passwords.RealmBackend")
    return browser


def switch_off(operator: Browser, path: str, name: str) -> None:
    """Untick `name` in a form of the admin."""
    fields = operator.get(f"/admin/{path}/change/").context["adminform"].form
    form = {field.html_name: field.value() for field in fields if field.html_name != name and field.value()}
    response = operator.post(f"/admin/{path}/change/", form)
    assert (response.status_code, response["Location"]) == (302, f"/admin/{path.rpartition('/')[0]}/")


@pytest.mark.clause("RFC 9700", "4.14", "IR-25")
def test_a_client_disconnected_in_the_admin_has_no_token_and_gets_none(app: ResourceServer, operator: Browser) -> None:
    app.trust("customer2")
    tokens = [app.token(), app.token(app.id_jag("customer2"))]
    switch_off(operator, f"authserver/client/{Client.objects.get(client_id='agent').pk}", "is_active")
    for token in tokens:
        assert_refused(app.call(token))
    assert_refused(app.redeem(), 401, "invalid_client")


@pytest.mark.clause("RFC 9700", "4.14", "IR-25")
def test_a_tenant_disconnected_in_the_admin_loses_its_tokens_and_no_other_tenant_does(
    app: ResourceServer, operator: Browser
) -> None:
    app.trust("customer2")
    ours, theirs = app.token(), app.token(app.id_jag("customer2"))
    connection = IdPConnection.objects.get(tenant__slug="customer1")
    switch_off(operator, f"tenants/idpconnection/{connection.pk}", "enabled")
    assert_refused(app.call(ours))
    assert_refused(app.redeem(), 400, "invalid_grant")
    assert app.call(theirs).status_code == 200
    assert app.redeem(app.id_jag("customer2")).status_code == 200
