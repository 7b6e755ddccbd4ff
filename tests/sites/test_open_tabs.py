"""Several tabs of one browser: a sign-in in one of them breaks no form of another, and loses nothing."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client

from authserver.current_server import server_for
from authserver.models import AuthorizationServer
from idjag_demo.demo.seed import DEMO_PASSWORD, seed
from idjag_demo.middleware import SessionLifetimeMiddleware
from tenants.models import User
from tests.sites.test_sessions import HOSTS

SESSION, CSRF = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
BOB, TRINITY = "bob@tables.fake", "trinity@whiterabbit.fake"

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """A browser at the IdP of the first tenant."""
    seed()
    return Client(enforce_csrf_checks=True, headers={"host": HOSTS["idp"]})


def form_token(browser: Client, path: str = "/sign-in") -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).content.decode())
    assert found
    return found[1]


def sign_in(browser: Client, token: str, email: str = BOB, headers: dict[str, str] = SAME_ORIGIN) -> Any:
    data = {"email": email, "password": DEMO_PASSWORD, "csrfmiddlewaretoken": token}
    return browser.post("/sign-in", data, headers=headers)


def sign_out(browser: Client, token: str) -> Any:
    return browser.post("/oauth2/v1/logout", {"csrfmiddlewaretoken": token}, headers=SAME_ORIGIN)


def test_both_of_two_open_sign_in_forms_sign_in(browser: Client) -> None:
    first, second = form_token(browser), form_token(browser)
    assert sign_in(browser, first).status_code == 302
    assert sign_in(browser, second).status_code == 302
    assert sign_in(browser, second).status_code == 302


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_former_token_counts_only_if_the_browser_says_that_this_site_sends_it(
    browser: Client, headers: dict[str, str]
) -> None:
    first, second = form_token(browser), form_token(browser)
    sign_in(browser, first)
    assert sign_in(browser, second, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "a" * 32, "a" * 64])
def test_a_token_that_this_browser_never_had_counts_in_no_case(browser: Client, token: str) -> None:
    sign_in(browser, form_token(browser))
    assert sign_in(browser, token).status_code == 403


def test_a_form_of_a_person_works_after_the_persons_next_sign_in(browser: Client) -> None:
    sign_in(browser, form_token(browser))
    token = form_token(browser, "/oauth2/v1/logout")
    sign_in(browser, form_token(browser))
    assert sign_out(browser, token).status_code == 302


def test_a_form_of_a_person_works_after_sign_out_and_sign_in(browser: Client) -> None:
    sign_in(browser, form_token(browser))
    token = form_token(browser, "/oauth2/v1/logout")
    sign_out(browser, token)
    sign_in(browser, form_token(browser))
    assert sign_out(browser, token).status_code == 302


@pytest.mark.parametrize("signs_out", [False, True])
def test_a_form_of_one_person_does_not_act_for_another(browser: Client, signs_out: bool) -> None:
    sign_in(browser, form_token(browser))
    token = form_token(browser, "/oauth2/v1/logout")
    if signs_out:
        sign_out(browser, token)
    sign_in(browser, form_token(browser), TRINITY)
    assert sign_out(browser, token).status_code == 403
    assert browser.session["_auth_user_id"] == str(User.objects.get(realm="idp", email=TRINITY).pk)


def test_the_second_request_of_a_double_click_signs_in_too(browser: Client) -> None:
    """It carries the cookies from before the answer to the first."""
    token = form_token(browser)
    before = {name: morsel.value for name, morsel in browser.cookies.items()}
    sign_in(browser, token)
    browser.cookies.load(before)
    assert sign_in(browser, token).status_code == 302


def test_an_answer_leaves_the_session_alone_that_another_answer_has_renewed(browser: Client) -> None:
    sign_in(browser, form_token(browser))
    former = browser.cookies[SESSION].value
    sign_in(browser, form_token(browser))
    assert browser.cookies[SESSION].value != former
    late = Client(headers={"host": HOSTS["idp"], "cookie": f"{SESSION}={former}"}).get("/sign-in")
    assert late.status_code == 200
    assert SESSION not in late.cookies


def test_a_session_that_ends_while_a_request_runs_is_no_error(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(browser, form_token(browser))
    monkeypatch.setattr(SessionLifetimeMiddleware, "EVERY", -1)  # each request changes the session

    def end_the_session(request: HttpRequest) -> AuthorizationServer:
        Session.objects.all().delete()
        return server_for(request)

    monkeypatch.setattr("idp.views.home.server_for", end_the_session)
    answer = browser.get("/")
    assert (answer.status_code, SESSION in answer.cookies) == (200, False)
    assert not Session.objects.exists()


def test_a_second_sign_out_leads_to_the_same_page(browser: Client) -> None:
    sign_in(browser, form_token(browser))
    token = form_token(browser, "/oauth2/v1/logout")
    first, second = sign_out(browser, token), sign_out(browser, token)
    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])


def test_a_form_that_has_expired_says_so_with_a_link_and_returns_what_was_typed_except_secrets() -> None:
    seed()
    browser = Client(enforce_csrf_checks=True, headers={"host": HOSTS["todo"]})
    typed = {"task": "Buy avocados", "password": "my-password", "client_secret": "my-secret"}
    answer = browser.post("/", typed, headers=SAME_ORIGIN | {"Referer": f"http://{HOSTS['todo']}/todos/7?x=1"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form has expired" in page
    assert "Buy avocados" in page
    assert "my-" not in page
    assert 'href="/todos/7?x=1"' in page


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://evil.example/",
        "javascript:alert(1)",
        f"http://{HOSTS['todo']}//evil.example",
        "http://[",
        "x" * 3000,
    ],
)
def test_an_expired_form_links_to_no_other_site(referer: str) -> None:
    seed()
    browser = Client(enforce_csrf_checks=True, headers={"host": HOSTS["todo"]})
    page = browser.post("/", {"task": "x"}, headers={"Referer": referer}).content.decode()
    assert 'class="button button-primary" href="/"' in page
