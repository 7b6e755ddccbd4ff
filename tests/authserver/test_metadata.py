"""RFC 8414, RFC 9728 and RFC 7517: the documents of each site, for everybody who asks, and for nothing but reading."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idjag_demo.demo.seed import seed
from tenants.models import Tenant, User
from tests.authserver.resource_servers import ResourceServer
from tests.support.embedded_idp import EmbeddedIdP

AS, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
RESOURCE, KEYS = "/.well-known/oauth-protected-resource/api", "/oauth2/v1/keys"
HOSTS = {
    "staff": "localhost:8000",
    "wiki": "wiki.localhost:8000",
    "todo": "todo.localhost:8000",
    "customer1": "customer1.idp.localhost:8000",
}
SERVED = {"staff": [], "wiki": [AS, RESOURCE, KEYS], "todo": [AS, RESOURCE, KEYS], "customer1": [AS, OPENID, KEYS]}
DOCUMENTS = [(site, path) for site, paths in SERVED.items() for path in paths]
NOT_SERVED = [(site, path) for site in HOSTS for path in (AS, OPENID, RESOURCE, KEYS) if path not in SERVED[site]]


@pytest.fixture
def demo(db: None) -> None:
    seed()


def at(site: str, **options: Any) -> Browser:
    return Browser(headers={"host": HOSTS[site]}, **options)


def assert_not_found(response: Any) -> None:
    assert (response.status_code, response.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize(("site", "path"), DOCUMENTS)
@pytest.mark.clause("RFC 8414", "3", "MD-01 MD-02")
def test_a_document_is_at_one_address_and_names_the_site_it_is_of(demo: None, site: str, path: str) -> None:
    origin = f"http://{HOSTS[site]}"
    response = at(site).get(path)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    document = response.json()
    if path in (AS, OPENID):
        assert document["issuer"] == origin
    elif path == RESOURCE:
        assert document["authorization_servers"] == [origin]
    for other in (f"{path}/", f"{path}/x", f"{path}%2F", f"{path}//"):
        assert_not_found(at(site).get(other))
    for other in (f"/{path}", path.upper(), f"/x/..{path}"):
        assert at(site).get(other).status_code == 404


@pytest.mark.parametrize(("site", "path"), NOT_SERVED)
@pytest.mark.clause("RFC 8414", "3", "MD-08")
def test_no_document_is_where_it_does_not_belong(demo: None, site: str, path: str) -> None:
    assert_not_found(at(site).get(path))


@pytest.mark.parametrize("site", ["todo", "wiki"])
@pytest.mark.clause("ID-JAG", "7.2", "MD-03 MD-06 MD-07")
def test_the_apps_say_that_they_take_id_jags(demo: None, site: str) -> None:
    document = at(site).get(AS).json()
    assert document["grant_types_supported"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert document["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    for endpoint in ("token", "revocation", "introspection"):
        methods = document[f"{endpoint}_endpoint_auth_methods_supported"]
        assert methods == ["client_secret_basic", "client_secret_post", "private_key_jwt"]
        algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
        assert algorithms == [*rsa, "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]


@pytest.mark.clause("ID-JAG", "9.4", "MD-04")
def test_no_document_tells_which_tenants_or_issuers_there_are(demo: None) -> None:
    tenants = Tenant.objects.values_list("slug", "name", "email_domains__domain")
    names = {name for row in tenants for name in row if name} | {"idp.localhost"}
    assert {"customer1", "Fake Org", "tables.fake"} <= names
    for site in ("todo", "wiki"):
        for path in (AS, RESOURCE, KEYS, "/api/openapi.json", "/api/docs"):
            content = at(site).get(path).content.decode()
            assert not [name for name in names if name in content], path
    own = {"customer1", "idp.localhost", "tables.fake"}
    for path in SERVED["customer1"]:
        content = at("customer1").get(path).content.decode()
        assert not [name for name in names - own if name in content], path


@pytest.mark.parametrize("site", ["todo", "wiki"])
@pytest.mark.clause("RFC 9728", "2", "MD-10 MD-11")
def test_the_api_has_a_document_at_the_address_made_of_its_own(demo: None, site: str) -> None:
    origin = f"http://{HOSTS[site]}"
    assert at(site).get(RESOURCE).json() == {
        "resource": f"{origin}/api",
        "resource_name": f"{site.title()}0 API",
        "authorization_servers": [origin],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
        "resource_documentation": f"{origin}/api/docs",
    }
    inserted_nowhere_else = (
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/api/",
        "/.well-known/oauth-protected-resource/api/todos",
        "/.well-known/oauth-protected-resource/other",
    )
    for path in inserted_nowhere_else:
        assert_not_found(at(site).get(path))


@pytest.mark.parametrize("path", ["/api/users/me", "/api/todos", "/api/articles/1?x=y", "/api/nothing"])
@pytest.mark.parametrize("authorization", [None, "Bearer unknown"])
@pytest.mark.clause("RFC 9728", "5.1", "RS-25")
def test_from_a_refused_call_one_finds_the_token_endpoint(
    app: ResourceServer, path: str, authorization: str | None
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    refused = Browser(headers={"host": app.host}).get(path, headers=headers)
    assert refused.status_code == 401
    found = re.fullmatch(r'Bearer .*\bresource_metadata="([^"]+)"', refused["WWW-Authenticate"])
    assert found
    assert found[1].startswith(f"{app.server.issuer}/")
    document = app.peers.browser.get(found[1].removeprefix(app.server.issuer)).json()
    assert f"{app.server.issuer}{path}".startswith(document["resource"] + "/")
    [issuer] = document["authorization_servers"]
    metadata = app.peers.browser.get(AS).json()
    assert metadata["issuer"] == issuer == app.server.issuer
    assert document["resource"] in metadata["protected_resources"]
    assert metadata["token_endpoint"] == app.server.token_endpoint


@pytest.mark.parametrize(("site", "path"), DOCUMENTS)
@pytest.mark.clause("RFC 9111", "3", "MD-13")
def test_everybody_may_keep_a_document_for_a_while(demo: None, site: str, path: str) -> None:
    response = at(site).get(path)
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["ETag"]
    unchanged = at(site).get(path, headers={"if-none-match": response["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    head = at(site).head(path)
    assert (head.status_code, head["Content-Type"]) == (200, response["Content-Type"])
    assert head["Cache-Control"] == response["Cache-Control"]
    assert not response.cookies | unchanged.cookies | head.cookies


@pytest.mark.parametrize(("site", "path"), DOCUMENTS)
@pytest.mark.clause("RFC 9111", "3", "MD-13")
def test_a_document_sets_no_session_cookie(demo: None, site: str, path: str) -> None:
    realm = "idp" if site == "customer1" else site
    user = User.objects.filter(realm=realm, tenant__slug="customer1")[0]
    browser = at(site)
    browser.force_login(user, backend="tenants.passwords.RealmBackend")
    session = browser.session
    session["started"] = session["seen"] = int((timezone.now() - timedelta(minutes=5)).timestamp())
    session.save()
    assert browser.get("/").cookies, "control: a page says that the session goes on"
    session["seen"] -= 600
    session.save()
    assert not browser.get(path).cookies


@pytest.mark.parametrize("path", [AS, OPENID, KEYS, RESOURCE])
@pytest.mark.clause("OIDC Discovery", "4.3", "MD-14")
def test_a_tenant_without_an_idp_here_reads_like_no_tenant(idp: EmbeddedIdP, other_idp: EmbeddedIdP, path: str) -> None:
    Tenant.objects.create(slug="external", name="A tenant with an IdP of its own")
    Tenant.objects.filter(slug="customer2").update(is_active=False)
    answers = [
        Browser(headers={"host": f"{slug}.idp.localhost:8000"}).get(path)
        for slug in ("unknown", "external", "customer2", "admin", "wiki")
    ]
    for answer in answers:
        assert_not_found(answer)
    assert len({answer.content for answer in answers}) == 1


ADDRESSES = [*DOCUMENTS, *[(site, f"/api/{name}") for site in ("todo", "wiki") for name in ("openapi.json", "docs")]]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.clause("RFC 9110", "15.5.6", "RS-24 WEB-23: another method is refused in JSON")
def test_a_document_is_for_reading_only(demo: None, method: str) -> None:
    for site, path in ADDRESSES:
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            browser = at(site, enforce_csrf_checks=True)
            response = browser.generic(method, path, b"a=b", content_type)
            assert response.status_code == 405, f"{site} {path} {content_type}"
            assert response["Allow"] == "GET, HEAD"
            assert response["Content-Type"] == "application/json"
            assert set(response.json()) == {"error", "error_description"}
            assert response["Cache-Control"] == "no-store"
            assert "ETag" not in response
