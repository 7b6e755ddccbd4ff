"""Which pages of other origins may call what programs call, and that they never act with a person's session."""

from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from authserver.models import JWT_BEARER
from idjag_demo.demo.seed import seed
from tenants.models import Realm
from tests.authserver.resource_servers import ResourceServer, make_resource_server
from tests.sites.test_cookies import signed_in_at
from tests.sites.test_endpoints import HOSTS, addresses
from tests.support.in_process import InProcessNetwork
from tests.support.limits import SetLimit

TESTER = "https://xaa.dev"
LISTED = [TESTER, "http://localhost:3000"]
UNLISTED = [
    "https://evil.example",
    "null",
    "*",
    "",
    "http://xaa.dev",
    "https://xaa.dev:443",
    "https://xaa.dev/",
    "https://XAA.dev",
    "https://app.xaa.dev",
    "https://xaa.dev.evil.example",
    "https://xaa.dev,https://evil.example",
    "http://todo.localhost:8000",
]
METADATA, KEYS, TOKEN = "/.well-known/oauth-authorization-server", "/oauth2/v1/keys", "/oauth2/v1/token"
RESOURCE_METADATA, ME, NO_TODO = "/.well-known/oauth-protected-resource/api", "/api/users/me", "/api/todos/999"
METHODS = {
    METADATA: "GET",
    RESOURCE_METADATA: "GET",
    KEYS: "GET",
    TOKEN: "POST",
    ME: "GET, POST, PUT, PATCH, DELETE",
    NO_TODO: "GET, POST, PUT, PATCH, DELETE",
}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@pytest.fixture
def todo(db: None, in_process_network: InProcessNetwork, settings: Settings) -> ResourceServer:
    """Todo0, which lists two origins."""
    settings.CORS_ORIGINS = LISTED
    return make_resource_server(Realm.TODO)


def ask(method: str, path: str, host: str = HOSTS["todo"], **headers: str) -> Any:
    return Browser(headers={"host": host}).generic(method, path, headers=headers)


def shared(response: Any) -> dict[str, str]:
    """Return the headers of an answer that are for pages of another origin."""
    return {name: value for name, value in response.items() if name.startswith("Access-Control-")}


def assert_readable(response: Any, origin: str = TESTER) -> None:
    exposed = {"Access-Control-Expose-Headers": "WWW-Authenticate, Retry-After"}
    assert shared(response) == exposed | {"Access-Control-Allow-Origin": origin}
    assert "Origin" in response["Vary"].split(", ")


@pytest.mark.parametrize("origin", LISTED)
@pytest.mark.parametrize("path", METHODS)
@pytest.mark.clause("Fetch", "3.3.5", "a preflight of a listed origin names what the page may send")
def test_a_preflight_of_a_listed_origin_is_answered_without_the_view(
    todo: ResourceServer, path: str, origin: str
) -> None:
    response = ask("OPTIONS", path, origin=origin, **PREFLIGHT)
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response and "Content-Length" not in response
    assert not response.cookies
    assert response["Vary"] == "Origin"
    headers = shared(response)
    assert headers.pop("Access-Control-Allow-Origin") == origin
    assert headers.pop("Access-Control-Allow-Methods") == METHODS[path]
    assert headers.pop("Access-Control-Allow-Headers") == "Authorization, Content-Type"
    assert headers == {"Access-Control-Expose-Headers": "WWW-Authenticate, Retry-After"}


@pytest.mark.clause("Fetch", "3.3", "a page of a listed origin does the whole flow")
def test_a_page_reads_metadata_and_keys_redeems_an_id_jag_and_calls_the_api(todo: ResourceServer) -> None:
    for path in (METADATA, RESOURCE_METADATA, KEYS):
        document = ask("GET", path, origin=TESTER)
        assert document.status_code == 200
        assert document["Cache-Control"] == "public, max-age=300"
        assert_readable(document)
        same = ask("GET", path, origin=TESTER, **{"if-none-match": document["ETag"]})
        assert same.status_code == 304
        assert_readable(same)
    redeemed = todo.post(TOKEN, {"grant_type": JWT_BEARER, "assertion": todo.id_jag()} | todo.by_key(), origin=TESTER)
    assert redeemed.status_code == 200
    assert_readable(redeemed)
    person = todo.call(redeemed.json()["access_token"], origin=TESTER)
    assert person.status_code == 200
    assert_readable(person)


@pytest.mark.clause("Fetch", "3.3", "a page reads errors as well")
def test_a_page_reads_every_error(todo: ResourceServer, set_limit: SetLimit) -> None:
    unauthenticated = {"grant_type": JWT_BEARER, "assertion": "x"}
    stranger = todo.post(TOKEN, unauthenticated, origin=TESTER)
    errors = {
        400: todo.post(TOKEN, {}, origin=TESTER),
        401: stranger,
        404: todo.call(todo.token(), NO_TODO, origin=TESTER),
        405: ask("GET", TOKEN, origin=TESTER),
    }
    assert stranger["WWW-Authenticate"].startswith("Basic ")
    set_limit("CLIENT_FAILURES", "1/minute")
    errors[429] = [todo.post(TOKEN, unauthenticated, origin=TESTER) for _ in range(3)][-1]
    assert "Retry-After" in errors[429]
    for status, response in errors.items():
        assert response.status_code == status
        assert_readable(response)
    unknown = todo.call("unknown", origin=TESTER)
    assert (unknown.status_code, unknown["WWW-Authenticate"][:7]) == (401, "Bearer ")
    assert_readable(unknown)
    missing = ask("GET", "/.well-known/openid-configuration", origin=TESTER)
    assert missing.status_code == 404
    assert_readable(missing)


@pytest.mark.clause("Fetch", "3.3", "a failure of the server is an error that a page reads")
def test_a_page_reads_that_the_server_failed(todo: ResourceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("authserver.views.token.form_error", failing)
    browser = Browser(headers={"host": todo.host, "origin": TESTER}, raise_request_exception=False)
    response = browser.post(TOKEN)
    assert response.status_code == 500
    assert_readable(response)


@pytest.mark.parametrize("origin", UNLISTED)
@pytest.mark.clause("Fetch", "3.3", "an origin that is not listed, byte for byte, gets nothing")
def test_a_page_of_another_origin_reads_nothing(todo: ResourceServer, settings: Settings, origin: str) -> None:
    token = todo.token()
    listed = {"Vary"}
    for path in METHODS:
        for method, more in (("OPTIONS", PREFLIGHT), ("GET", {"authorization": f"Bearer {token}"})):
            settings.CORS_ORIGINS = LISTED
            response = ask(method, path, origin=origin, **more)
            settings.CORS_ORIGINS = []
            without = ask(method, path, origin=origin, **more)
            assert shared(response) == {}
            assert (response.status_code, response.content) == (without.status_code, without.content), path
            assert {name for name, _ in response.items()} - {name for name, _ in without.items()} <= listed
            assert "Origin" in response["Vary"]


@pytest.mark.parametrize("origin", [*LISTED, *UNLISTED])
@pytest.mark.clause("Fetch", "3.3", "off by default")
def test_without_the_setting_no_answer_is_for_another_origin(
    todo: ResourceServer, settings: Settings, origin: str
) -> None:
    settings.CORS_ORIGINS = []
    token = todo.token()
    for path in METHODS:
        for method, more in (("OPTIONS", PREFLIGHT), ("GET", {"authorization": f"Bearer {token}"})):
            response = ask(method, path, origin=origin, **more)
            assert shared(response) == {}
            assert "Origin" not in response.get("Vary", "")


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("Fetch", "3.2.5", "no page, and no answer to a person's session, is for another origin")
def test_no_page_and_no_session_is_for_another_origin(db: None, settings: Settings, realm: str) -> None:
    settings.CORS_ORIGINS = LISTED
    seed()
    shares = {path for path in addresses(realm) if path.startswith("/.well-known/") or path in (KEYS, TOKEN)}
    for path in sorted(set(addresses(realm)) - shares):
        browser, _ = signed_in_at(realm)
        for method in ("GET", "POST", "OPTIONS"):
            response = browser.generic(method, path, headers={"origin": TESTER})
            assert shared(response) == {}, f"{method} {path}"
        if not path.startswith("/api/"):
            assert shared(browser.generic("OPTIONS", path, headers={"origin": TESTER, **PREFLIGHT})) == {}, path


@pytest.mark.clause("Fetch", "3.2.5", "credentials are never allowed")
def test_a_session_is_nothing_to_an_answer_that_a_page_reads(db: None, settings: Settings) -> None:
    settings.CORS_ORIGINS = LISTED
    seed()
    browser, _ = signed_in_at("todo")
    assert browser.get(ME).status_code == 200, "the session is good"
    response = browser.get(ME, headers={"origin": TESTER, "authorization": "Bearer unknown"})
    assert response.status_code == 401
    assert_readable(response)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (HOSTS["todo"], "/oauth2/v1/token/"),
        (HOSTS["todo"], "/oauth2/v1/tokens"),
        (HOSTS["todo"], "/oauth2/v1/keysx"),
        (HOSTS["todo"], "/.well-known/openid-configuration"),
        (HOSTS["todo"], "/.well-known/"),
        (HOSTS["staff"], TOKEN),
        (HOSTS["staff"], METADATA),
        ("evil.example", TOKEN),
        ("TODO.localhost:8000", TOKEN),
        ("todo.localhost:8001", KEYS),
        ("customer9.idp.localhost:8000", METADATA),
    ],
)
@pytest.mark.clause("RFC 9110", "15.5.5", "a preflight for what is not there is not answered")
def test_a_preflight_for_an_unknown_path_or_host_is_404(todo: ResourceServer, host: str, path: str) -> None:
    response = ask("OPTIONS", path, host, origin=TESTER, **PREFLIGHT)
    assert response.status_code in (400, 404)
    assert shared(response) == {}


@pytest.mark.clause("RFC 9110", "9.3.7", "OPTIONS is a preflight only with the method that the page wants")
def test_options_without_a_wanted_method_is_answered_as_without_the_setting(todo: ResourceServer) -> None:
    token = ask("OPTIONS", TOKEN, origin=TESTER)
    assert (token.status_code, token["Allow"]) == (200, "POST, OPTIONS")
    keys = ask("OPTIONS", KEYS, origin=TESTER)
    assert (keys.status_code, keys["Allow"]) == (405, "GET, HEAD")
    assert ask("OPTIONS", ME, origin=TESTER).status_code in (401, 405)


@pytest.mark.parametrize(
    "path", ["/oauth2/v1/authorize", "/oauth2/v1/revoke", "/oauth2/v1/introspect", "/sign-in", "/"]
)
@pytest.mark.clause("Fetch", "3.3", "the other endpoints are for no page")
def test_a_preflight_for_another_endpoint_is_answered_as_without_the_setting(
    todo: ResourceServer, settings: Settings, path: str
) -> None:
    idp = todo.idps["customer1"].host
    for host in (idp, todo.host):
        settings.CORS_ORIGINS = LISTED
        response = ask("OPTIONS", path, host, origin=TESTER, **PREFLIGHT)
        settings.CORS_ORIGINS = []
        without = ask("OPTIONS", path, host, origin=TESTER, **PREFLIGHT)
        assert shared(response) == {}
        assert response.status_code == without.status_code
        assert response.get("Vary") == without.get("Vary")
