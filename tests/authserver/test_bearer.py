"""RFC 6750 and RFC 9068 section 4 at the APIs of both apps: which token is good there, and where it may be."""

import hashlib
import json
import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser
from oauth2_provider.models import get_access_token_model

from authserver.models import AuthorizationServer, Client
from tenants.models import IdPConnection, Realm, Tenant
from tests.authserver.resource_servers import FORM, ResourceServer
from tests.support.embedded_idp import EmbeddedIdP, make_person

ME = "/api/users/me"


@pytest.fixture
def other_app(app: ResourceServer) -> AuthorizationServer:
    """The authorization server of the other app, which trusts the IdP of customer1 too."""
    realm = {Realm.TODO: Realm.WIKI, Realm.WIKI: Realm.TODO}[Realm(app.server.realm)]
    IdPConnection.objects.create(
        tenant=app.idps["customer1"].server.tenant, app=realm, issuer=app.idps["customer1"].server.issuer
    )
    return AuthorizationServer.objects.create(realm=realm, issuer=settings.ORIGINS[realm])


def tokens_of_john(idp: EmbeddedIdP) -> dict[str, Any]:
    idp.browser.force_login(make_person(idp, "john"), backend="tenants.passwords.RealmBackend")
    return idp.tokens()


def assert_refused(response: Any, status: int, error: str, description: str = "") -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert description in response.json()["error_description"]
    assert response["Cache-Control"] == "no-store"


@pytest.mark.clause("RFC 6750", "2.1", "control")
def test_a_token_in_the_header_is_good(app: ResourceServer) -> None:
    token = app.token()
    assert app.call(token).json()["id"] == app.account().pk
    assert app.call("", authorization=f"bearer {token}").status_code == 200


@pytest.mark.clause("RFC 9068", "4", "RS-01")
def test_a_token_is_good_at_the_app_that_issued_it_only(app: ResourceServer, other_app: AuthorizationServer) -> None:
    token, other_host = app.token(), other_app.issuer.removeprefix("http://")
    assert_refused(
        app.call(token, host=other_host), 401, "invalid_token", "This server does not know the access token."
    )
    get_access_token_model().objects.update(resource=[other_app.resource])
    assert_refused(
        app.call(token, host=other_host), 401, "invalid_token", "This server does not know the access token."
    )
    assert_refused(app.call(token), 401, "invalid_token", "for another resource")


@pytest.mark.parametrize("kind", ["access_token", "id_token", "refresh_token"])
@pytest.mark.clause("RFC 9068", "4", "RS-01")
def test_a_token_of_an_idp_is_not_good_at_an_app(app: ResourceServer, kind: str) -> None:
    idp = app.trust("customer2")
    idp.register("wiki0")
    token = tokens_of_john(idp)[kind]
    assert_refused(app.call(token), 401, "invalid_token", "This server does not know the access token.")
    get_access_token_model().objects.update(resource=[app.server.resource])
    assert_refused(app.call(token), 401, "invalid_token", "This server does not know the access token.")


@pytest.mark.clause("ID-JAG", "4.3.4", "RS-01: an ID-JAG is no access token")
def test_an_id_jag_is_no_bearer_token(app: ResourceServer) -> None:
    id_jag = app.id_jag()
    assert_refused(app.call(id_jag), 401, "invalid_token")
    assert app.redeem(id_jag).status_code == 200
    assert_refused(app.call(id_jag), 401, "invalid_token")


@pytest.mark.parametrize("resource", ["none", "empty", "issuer", "slash", "below", "other", "two", "twice"])
@pytest.mark.clause("RFC 8707", "2", "RS-02")
def test_a_token_names_the_api_as_its_one_resource(app: ResourceServer, resource: str) -> None:
    token, own = app.token(), app.server.resource
    stored = {
        "none": [],
        "empty": [""],
        "issuer": [app.server.issuer],
        "slash": [f"{own}/"],
        "below": [f"{own}/users/me"],
        "other": ["https://other.example/api"],
        "two": [own, "https://other.example/api"],
        "twice": [own, own],
    }[resource]
    get_access_token_model().objects.update(resource=stored)
    assert_refused(app.call(token), 401, "invalid_token", "for another resource")


@pytest.mark.clause("ID-JAG", "6", "RS-03 RS-30")
def test_a_token_is_good_at_its_own_host_only(app: ResourceServer, other_idp: EmbeddedIdP) -> None:
    """The hosts that are a tenant's are those of the IdPs; their API is userinfo."""
    idp, app_token, idp_token = app.idps["customer1"], app.token(), tokens_of_john(other_idp)["access_token"]
    assert app.call(idp_token, "/oauth2/v1/userinfo", host=other_idp.host).status_code == 200
    for host, token in ((idp.host, app_token), (other_idp.host, app_token), (idp.host, idp_token)):
        assert_refused(app.call(token, "/oauth2/v1/userinfo", host=host), 401, "invalid_token")
    for host in ("customer1." + app.host, "customer9.idp.localhost:8000", app.host.upper(), app.host.split(":")[0]):
        assert app.call(app_token, host=host).status_code in (400, 404)
    forwarded = {"x-forwarded-host": other_idp.host, "forwarded": f"host={other_idp.host}"}
    assert app.call(app_token, **forwarded).json()["organisation"] == "Customer1"


@pytest.mark.clause("ID-JAG", "3.1", "RS-31")
def test_equal_subjects_and_jtis_of_two_issuers_are_two_people(app: ResourceServer) -> None:
    app.trust("customer2")
    same = {"sub": "bob", "jti": "the-same"}
    tokens = {slug: app.token(app.id_jag(slug, **same)) for slug in ("customer1", "customer2")}
    me = {slug: app.call(token).json() for slug, token in tokens.items()}
    assert {slug: who["organisation"].lower() for slug, who in me.items()} == {slug: slug for slug in tokens}
    assert {slug: who["id"] for slug, who in me.items()} == {slug: app.account(slug).pk for slug in tokens}
    assert me["customer1"]["id"] != me["customer2"]["id"]


ELSEWHERE: dict[str, dict[str, Any]] = {
    "query": {"query": "access_token=%s"},
    "form": {"body": "access_token=%s", "content_type": FORM},
    "JSON": {"body": '{"access_token": "%s"}', "content_type": "application/json"},
    "cookie": {"headers": {"cookie": "access_token=%s; Authorization=Bearer %s"}},
    "X-Access-Token": {"headers": {"x-access-token": "%s"}},
    "X-Authorization": {"headers": {"x-authorization": "Bearer %s"}},
    "Proxy-Authorization": {"headers": {"proxy-authorization": "Bearer %s"}},
    "no scheme": {"headers": {"authorization": "%s"}},
    "another scheme": {"headers": {"authorization": "Token %s"}},
    "DPoP": {"headers": {"authorization": "DPoP %s"}},
    "Basic": {"headers": {"authorization": "Basic %s"}},
}


def put(token: str, app: ResourceServer, where: dict[str, Any], method: str, **headers: str) -> Any:
    """Send `token` at a place of `ELSEWHERE`."""
    sent = {name: value.replace("%s", token) for name, value in where.get("headers", {}).items()}
    query, body = (where.get(name, "").replace("%s", token) for name in ("query", "body"))
    browser = Browser(headers={"host": app.host} | sent | headers)
    path = {Realm.TODO: "/api/todos", Realm.WIKI: "/api/articles"}[Realm(app.server.realm)]
    return browser.generic(method, f"{path}?{query}", body, content_type=where.get("content_type", ""))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("place", ELSEWHERE)
@pytest.mark.clause("RFC 6750", "2", "RS-06")
def test_a_token_elsewhere_than_in_the_header_is_none(app: ResourceServer, place: str, method: str) -> None:
    response = put(app.token(), app, ELSEWHERE[place], method)
    assert_refused(response, 401, "unauthorized")
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert "error=" not in response["WWW-Authenticate"]


@pytest.mark.parametrize("place", ["query", "form"])
@pytest.mark.clause("RFC 6750", "3.1", "RS-06")
def test_a_token_in_the_header_and_elsewhere_is_a_bad_request(app: ResourceServer, place: str) -> None:
    token = app.token()
    response = put(token, app, ELSEWHERE[place], "POST", authorization=f"Bearer {token}")
    assert_refused(response, 400, "invalid_request", "in the Authorization header only")
    assert "WWW-Authenticate" not in response


@pytest.mark.parametrize(
    "header", ["Bearer %s,Bearer %s", "Bearer %s, Bearer x", "Bearer %s %s", "Bearer %s;", "Bearer ü"]
)
@pytest.mark.clause("RFC 6750", "3.1", "RS-07")
def test_two_tokens_are_a_bad_request(app: ResourceServer, header: str) -> None:
    """WSGI servers hand two headers of one name over as one, with a comma."""
    token = app.token()
    response = app.call("", authorization=header.replace("%s", token))
    assert_refused(response, 400, "invalid_request", "one access token")


@pytest.mark.parametrize("path", [ME, "/api/todos", "/api/todos/1", "/api/articles", "/api/articles/1", "/api/x"])
@pytest.mark.clause("RFC 6750", "3", "RS-10")
def test_without_a_token_no_method_shows_anything(app: ResourceServer, path: str) -> None:
    app.token()
    anybody = Browser(headers={"host": app.host, "origin": "https://evil.example"})
    head = anybody.head(path)
    assert (head.status_code, b"".join(head)) == (401, b"")
    assert head["WWW-Authenticate"].startswith("Bearer ")
    for method in ("OPTIONS", "TRACE", "PROPFIND", "QUERY"):
        response = anybody.generic(method, path)
        assert response.status_code in (401, 405)
        assert set(response.json()) == {"error", "error_description"}


@pytest.mark.clause("Fetch", "3.3", "RS-28")
def test_no_page_of_another_origin_reads_the_api(app: ResourceServer) -> None:
    token = app.token()
    for origin in ("https://evil.example", "null", "http://localhost:8000", f"https://{app.host}"):
        preflight = {"origin": origin, "access-control-request-method": "PUT"}
        for response in (
            app.call(token, origin=origin),
            app.call("unknown", origin=origin),
            app.call(token, method="OPTIONS", **preflight),
            Browser(headers={"host": app.host}).options(ME, headers=preflight),
        ):
            assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.clause("RFC 9700", "4.14", "IR-25: a client bound to another tenant later, and unbound again")
def test_a_token_ends_when_its_client_is_bound_to_another_tenant(app: ResourceServer) -> None:
    app.trust("customer2")
    ours, theirs = app.token(), app.token(app.id_jag("customer2"))
    for slug, good in (("customer1", [ours]), ("customer2", [theirs]), (None, [ours, theirs])):
        Client.objects.filter(client_id="agent").update(tenant=slug and Tenant.objects.get(slug=slug))
        for token in (ours, theirs):
            if token in good:
                assert app.call(token).status_code == 200
            else:
                assert_refused(app.call(token), 401, "invalid_token", "The access token is no longer valid.")
            assert app.introspect(token).json()["active"] == (token in good)


@pytest.mark.clause("RFC 6749", "3.3", "a scope that the client lost counts no more, in a token it already has")
def test_a_token_has_no_scope_that_its_client_has_lost(app: ResourceServer) -> None:
    token = app.token()
    path = {Realm.TODO: "/api/todos", Realm.WIKI: "/api/articles"}[Realm(app.server.realm)]

    def write() -> Any:
        return app.call(token, path, method="POST")

    assert write().status_code == 422  # an empty body: the scope was enough
    for left in ("read", "admin", ""):
        Client.objects.filter(client_id="agent").update(scope=left)
        assert_refused(write(), 403, "insufficient_scope")
        assert app.call(token, path).status_code == (200 if left == "read" else 403)
        assert app.introspect(token).json()["scope"] == ("read" if left == "read" else "")
    Client.objects.filter(client_id="agent").update(scope="write read")
    assert write().status_code == 422
    assert app.introspect(token).json()["scope"] == "read write"


REFUSALS = {
    "unknown": "This server does not know the access token.",
    "resource": "The access token is for another resource.",
    "inactive": "The access token is no longer valid.",
}


@pytest.mark.parametrize("why", REFUSALS)
@pytest.mark.clause("RFC 9700", "4.3", "RS-33 SEC-13")
def test_the_log_of_a_refused_call_names_the_hash_of_the_token_and_not_the_token(
    app: ResourceServer, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = app.token()
    if why == "unknown":
        token += "x"
    elif why == "resource":
        get_access_token_model().objects.update(resource=[])
    else:
        account = app.account()
        account.is_active = False
        account.save()
    caplog.clear()
    assert_refused(app.call(token), 401, "invalid_token")
    [line] = [each.getMessage() for each in caplog.records if "access token refused" in each.getMessage()]
    facts = json.loads(line.partition("refused ")[2])
    assert facts["token_sha256"] == hashlib.sha256(token.encode()).hexdigest()[:16]
    assert facts["issuer"] == app.server.issuer
    assert facts["detail"] == REFUSALS[why]
    assert not [part for part in token.split(".")[1:] if part in caplog.text]


@pytest.mark.clause("OIDC Core", "5.3", "control")
def test_userinfo_says_in_json_which_methods_it_takes(app: ResourceServer) -> None:
    idp = app.idps["customer1"]
    response = Browser(headers={"host": idp.host}).put("/oauth2/v1/userinfo")
    assert_refused(response, 405, "invalid_request", "The method must be GET, HEAD, POST.")
    assert response["Allow"] == "GET, HEAD, POST"
