"""What forms and redirects give away, and what gets into a header."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from idjag_demo.demo.seed import DEMO_PASSWORD, seed
from tenants.models import IdPConnection
from tests.sites.test_endpoints import HOSTS, addresses, signed_in_at
from tests.support.in_process import Browser, sign_in
from tests.support.pages import read_page

BOB = "bob@tables.fake"


@pytest.fixture
def demo(db: None) -> None:
    seed()


class Inputs(HTMLParser):
    """The attributes of every `input` of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "input":
            self.found.append({name: value or "" for name, value in attrs})


SPLITTING = "/x\r\nSet-Cookie: injected=1\r\n\r\n<script>"
PARAMETERS = (
    "next",
    "state",
    "nonce",
    "redirect_uri",
    "post_logout_redirect_uri",
    "client_id",
    "id_token_hint",
    "login_hint",
    "code",
    "iss",
    "error",
    "error_description",
    "scope",
    "resource",
    "page",
    "id",
    "q",
)


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("RFC 9112", "11.1", "WEB-24")
def test_a_line_break_in_a_parameter_gets_into_no_header(demo: None, realm: str) -> None:
    for path in addresses(realm):
        browser = signed_in_at(realm)
        for method in ("GET", "POST"):
            data = dict.fromkeys(PARAMETERS, SPLITTING)
            response = browser.get(path, data) if method == "GET" else browser.post(path, data)
            assert response.status_code < 500, path
            headers = [*response.headers.items(), *((name, str(m)) for name, m in response.cookies.items())]
            assert not [header for header in headers if "\r" in str(header[1]) or "\n" in str(header[1])], path
            assert "injected" not in response.cookies, path


@pytest.mark.clause("RFC 9112", "11.1", "WEB-24")
def test_a_line_break_in_a_state_comes_back_encoded(walker: Browser) -> None:
    seed()
    sign_in(walker, "wiki", BOB)
    idp = walker.client("http://customer1.idp.localhost:8000")
    parameters = {
        "response_type": "code",
        "client_id": "wiki0",
        "redirect_uri": "http://wiki.localhost:8000/sign-in/callback",
        "scope": "openid",
        "state": SPLITTING,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    answers = [
        idp.get("/oauth2/v1/authorize", parameters, headers={"host": HOSTS["idp"]}),
        idp.get("/oauth2/v1/authorize", parameters | {"scope": "unknown"}, headers={"host": HOSTS["idp"]}),
        Client().get(
            "/oauth2/v1/logout",
            {
                "client_id": "wiki0",
                "post_logout_redirect_uri": "http://wiki.localhost:8000/signed-out",
                "state": SPLITTING,
            },
            headers={"host": HOSTS["idp"]},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 302, answer.content
        assert "%0D%0ASet-Cookie" in answer["Location"]


@pytest.mark.parametrize("realm", HOSTS)
@pytest.mark.clause("CSRF", "", "WEB-30")
def test_a_csrf_token_is_sent_to_its_own_site_only(demo: None, realm: str) -> None:
    browser, forms = signed_in_at(realm), 0
    origin = f"http://{HOSTS[realm]}"
    for path in addresses(realm):
        response = browser.get(path)
        if not response.get("Content-Type", "").startswith("text/html"):
            continue
        page = read_page(origin + path, response)
        tokens = {form.fields["csrfmiddlewaretoken"] for form in page.forms if "csrfmiddlewaretoken" in form.fields}
        tokens |= (
            {browser.cookies[settings.CSRF_COOKIE_NAME].value}
            if settings.CSRF_COOKIE_NAME in browser.cookies
            else set()
        )
        for form in page.forms:
            if "csrfmiddlewaretoken" in form.fields:
                forms += 1
                assert form.method == "post", path
                assert "{0.scheme}://{0.netloc}".format(urlsplit(form.action)) == origin, path
        addresses_on_page = [
            *page.links.values(),
            *re.findall(r'(?:href|src|action)="([^"]*)"', response.content.decode()),
        ]
        assert not [url for url in addresses_on_page for token in tokens if token in urljoin(origin, url)], path
        assert response["Referrer-Policy"] in ("same-origin", "no-referrer"), path
    assert forms


SECRET = re.compile(r"secret|password|private|pem|token", re.IGNORECASE)
NOT_SECRET = {"csrfmiddlewaretoken", "renew_secret", "usable_password"}


def secret_inputs(response: Any) -> list[dict[str, str]]:
    inputs = Inputs(response.content.decode()).found
    named = [each for each in inputs if SECRET.search(each.get("name", "")) and each["name"] not in NOT_SECRET]
    return [each for each in named if each.get("type") not in ("hidden", "checkbox", "radio", "submit")]


@pytest.mark.clause("OWASP ASVS", "6.2.6", "WEB-32")
def test_every_field_of_a_secret_hides_it_and_says_what_it_is(demo: None) -> None:
    from django.contrib import admin
    from django.urls import reverse

    idp = Client(headers={"host": HOSTS["idp"]}).get("/sign-in")
    pages = {"idp /sign-in": idp, "/admin/login/": Client(headers={"host": HOSTS["staff"]}).get("/admin/login/")}
    operator = signed_in_at("staff")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        urls = [reverse(f"{name}_add"), *([reverse(f"{name}_change", args=[row.pk])] if row else [])]
        pages |= {url: operator.get(url) for url in urls}
    found = 0
    for url, page in pages.items():
        for field in secret_inputs(page):
            found += 1
            assert field["type"] == "password", (url, field)
            assert field.get("autocomplete") in ("current-password", "new-password"), (url, field)
            assert not field.get("value"), (url, field)
    assert found >= 8


@pytest.mark.clause("OWASP ASVS", "6.2.6", "WEB-32")
def test_a_secret_is_not_written_back_after_an_error(demo: None) -> None:
    operator = signed_in_at("staff")
    connection = IdPConnection.objects.order_by("pk")[0]
    typed = "typed-just-now-and-not-shown"
    pages = [
        Client(headers={"host": HOSTS["idp"]}).post("/sign-in", {"email": "no address", "password": typed}),
        Client(headers={"host": HOSTS["idp"]}).post("/sign-in", {"email": BOB, "password": typed}),
        Client(headers={"host": HOSTS["staff"]}).post("/admin/login/", {"username": "admin", "password": typed}),
        operator.post("/admin/tenants/user/add/", {"username": "", "password1": typed, "password2": typed}),
        operator.post(f"/admin/tenants/idpconnection/{connection.pk}/change/", {"client_secret": typed}),
        operator.post("/admin/crossapp_requesting/resourceapp/add/", {"client_secret": typed}),
    ]
    for page in pages:
        assert page.status_code in (200, 400)
        assert secret_inputs(page)
        assert typed not in page.content.decode()
        assert DEMO_PASSWORD not in str(secret_inputs(page))
