"""Forms whose next page is on another site, in Chromium: `form-action` follows every redirect and stops silently."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from authserver.models import Client
from tenants.models import IdPConnection
from tests.browser.conftest import NewPerson
from tests.browser.people import PASSWORD, Person
from tests.support.embedded_idp import CHALLENGE


class _Broker(BaseHTTPRequestHandler):
    """A client whose callback and front end are on two origins, and an IdP whose pages are on another one too."""

    def do_GET(self) -> None:
        port = self.connection.getsockname()[1]
        path, host = urlsplit(self.path).path, self.headers["Host"]
        if path == "/.well-known/openid-configuration":
            self._answer("application/json", json.dumps(_metadata(f"http://{host}")))
            return
        if host.startswith("localhost") and path in ("/callback", "/signed-out", "/authorization"):
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{port}/front-end{path}")
            self.end_headers()
            return
        self._answer("text/html", f"<link rel=icon href=data:,><h1>The page {path}</h1>")

    def _answer(self, content_type: str, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written."""


def _metadata(issuer: str) -> dict[str, str]:
    endpoints = {f"{name}_endpoint": f"{issuer}/{name}" for name in ("authorization", "token")}
    return {"issuer": issuer, "jwks_uri": f"{issuer}/keys", **endpoints}


@pytest.fixture
def broker() -> Iterator[int]:
    """The port of a client's servers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Broker)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def idp_of_wiki0(live_demo: dict[str, str], broker: int) -> str:
    """The issuer of Bob's IdP, where Wiki0 has the redirect URIs of the broker too."""
    wiki0 = Client.objects.get(server__tenant__slug="customer1", server__realm="idp", client_id="wiki0")
    wiki0.redirect_uris += f" http://localhost:{broker}/callback"
    wiki0.post_logout_redirect_uris += f" http://localhost:{broker}/signed-out"
    wiki0.save()
    return str(wiki0.server.issuer)


def authorize(issuer: str, broker: int) -> str:
    parameters = {
        "response_type": "code",
        "client_id": "wiki0",
        "redirect_uri": f"http://localhost:{broker}/callback",
        "scope": "openid",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{issuer}/oauth2/v1/authorize?{urlencode(parameters)}"


def enter_password(person: Person) -> None:
    person.page.get_by_label("Email").fill("bob@tables.fake")
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_sign_in_ends_at_a_client_that_leads_on_to_another_origin(
    person: Person, idp_of_wiki0: str, broker: int
) -> None:
    person.page.goto(authorize(idp_of_wiki0, broker))
    enter_password(person)
    expect(person.page.get_by_role("heading", name="The page /front-end/callback")).to_be_visible()


def test_the_page_between_is_not_in_the_history(person: Person, idp_of_wiki0: str, broker: int) -> None:
    person.page.goto(authorize(idp_of_wiki0, broker))
    enter_password(person)
    expect(person.page.get_by_role("heading", name="The page /front-end/callback")).to_be_visible()
    person.page.go_back()
    expect(person.page.get_by_label("Password")).to_be_visible()


def test_a_browser_without_scripts_goes_on_too(new_person: NewPerson, idp_of_wiki0: str, broker: int) -> None:
    person = new_person(java_script_enabled=False)
    person.page.goto(authorize(idp_of_wiki0, broker))
    enter_password(person)
    expect(person.page.get_by_role("heading", name="The page /front-end/callback")).to_be_visible()


def test_consent_ends_at_a_client_that_leads_on_to_another_origin(
    person: Person, idp_of_wiki0: str, broker: int
) -> None:
    person.page.goto(f"{authorize(idp_of_wiki0, broker)}&prompt=consent")
    enter_password(person)
    person.page.get_by_role("button", name="Allow").click()
    expect(person.page.get_by_role("heading", name="The page /front-end/callback")).to_be_visible()


def test_a_sign_out_ends_at_a_client_that_leads_on_to_another_origin(
    person: Person, idp_of_wiki0: str, broker: int
) -> None:
    person.page.goto(f"{idp_of_wiki0}/sign-in")
    enter_password(person)
    expect(person.page.get_by_role("button", name="Sign out")).to_be_visible()
    back = {"client_id": "wiki0", "post_logout_redirect_uri": f"http://localhost:{broker}/signed-out"}
    person.page.goto(f"{idp_of_wiki0}/oauth2/v1/logout?{urlencode(back)}")
    person.sign_out()
    expect(person.page.get_by_role("heading", name="The page /front-end/signed-out")).to_be_visible()


@pytest.mark.parametrize(("host", "page"), [("localhost", "/front-end/authorization"), ("127.0.0.1", "/authorization")])
@pytest.mark.parametrize("app", ["wiki", "todo"])
def test_the_email_step_ends_at_an_idp_on_any_origin(
    person: Person, app: str, host: str, page: str, broker: int
) -> None:
    IdPConnection.objects.filter(app=app, tenant__slug="customer1").update(issuer=f"http://{host}:{broker}")
    person.go(app, "/sign-in")
    person.page.get_by_label("Work email").fill("bob@tables.fake")
    person.page.get_by_role("button", name="Continue").click()
    expect(person.page.get_by_role("heading", name=f"The page {page}")).to_be_visible()
