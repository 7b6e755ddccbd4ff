"""Cookies that a sibling host or an old session brings, and what a sign-in and a sign-out do to them."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from idjag_demo.demo.seed import DEMO_PASSWORD, seed
from tenants.models import User
from tests.sites.test_sessions import HOSTS, who_is
from tests.support.in_process import Browser, sign_in

SESSION, CSRF = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
BOB = "bob@tables.fake"


def signed_in_at(realm: str) -> tuple[Client, str]:
    """Return a browser with the session of an account of the realm, and the value of its cookie."""
    browser = Client(headers={"host": HOSTS[realm]})
    user = User.objects.filter(realm=realm).order_by("pk")[0]
    browser.force_login(user, backend="tenants.passwords.RealmBackend")
    return browser, browser.cookies[SESSION].value


def get(realm: str, cookie: str, path: str = "/") -> Any:
    """Ask with exactly this Cookie header."""
    return Client(headers={"host": HOSTS[realm], "cookie": cookie}).get(path)


def is_signed_in(response: Any) -> bool:
    return response.status_code == 200 and bool(response.context["user"].is_authenticated)


@pytest.mark.django_db
@pytest.mark.parametrize("realm", ["wiki", "todo", "idp"])
@pytest.mark.clause("RFC 6265", "8.6", "WEB-07")
def test_a_session_cookie_that_comes_twice_is_no_session(realm: str) -> None:
    seed()
    _, mine = signed_in_at(realm)
    assert is_signed_in(get(realm, f"{SESSION}={mine}"))
    for tossed in ("a-session-of-the-attackers", mine, ""):
        for cookie in (f"{SESSION}={mine}; {SESSION}={tossed}", f"{SESSION}={tossed};{SESSION}={mine}"):
            assert not is_signed_in(get(realm, cookie)), cookie
    assert is_signed_in(get(realm, f"other={SESSION}; {SESSION}={mine}; {SESSION}2=x"))


@pytest.mark.django_db
@pytest.mark.clause("RFC 6265", "8.6", "WEB-07")
def test_a_csrf_cookie_that_comes_twice_lets_nothing_through() -> None:
    seed()
    browser, mine = signed_in_at("todo")
    token = browser.get("/").cookies[CSRF].value
    strict = Client(enforce_csrf_checks=True)

    def post(cookie: str, sent: str) -> int:
        headers = {"host": HOSTS["todo"], "cookie": cookie}
        return strict.post("/", {"task": "x", "csrfmiddlewaretoken": sent}, headers=headers).status_code

    assert post(f"{SESSION}={mine}; {CSRF}={token}", token) == 302
    tossed = "a" * 32
    for cookie in (f"{CSRF}={token}; {CSRF}={tossed}", f"{CSRF}={tossed}; {CSRF}={token}"):
        for sent in (token, tossed):
            assert post(f"{SESSION}={mine}; {cookie}", sent) == 403


@pytest.mark.clause("session fixation", "", "WEB-07")
def test_a_session_that_was_there_before_the_sign_in_is_not_the_one_after_it(walker: Browser) -> None:
    seed()
    for app in ("wiki", "todo"):
        client = walker.client(settings.ORIGINS[app])
        client.get("/sign-in", headers={"host": HOSTS[app]})
        walker.get(f"{settings.ORIGINS[app]}/sign-in")
        fixed = client.session.session_key
        client.cookies[SESSION] = fixed or "chosen-by-an-attacker-elsewhere"
        sign_in(walker, app, BOB)
        assert client.cookies[SESSION].value not in (fixed, "chosen-by-an-attacker-elsewhere")
        assert not is_signed_in(get(app, f"{SESSION}={fixed}", "/profile" if app == "todo" else "/"))


SIGN_OUT = {"wiki": "/sign-out", "todo": "/sign-out", "idp": "/oauth2/v1/logout", "staff": "/admin/logout/"}
PAGE = {"wiki": "/", "todo": "/", "idp": "/", "staff": "/admin/"}


@pytest.mark.django_db
@pytest.mark.parametrize("realm", SIGN_OUT)
@pytest.mark.clause("OWASP ASVS", "7.4.1", "WEB-10")
def test_a_session_cookie_is_good_for_nothing_after_the_sign_out(realm: str) -> None:
    seed()
    browser, cookie = signed_in_at(realm)
    assert is_signed_in(get(realm, f"{SESSION}={cookie}", PAGE[realm]))
    assert browser.post(SIGN_OUT[realm]).status_code in (200, 302)
    assert not is_signed_in(get(realm, f"{SESSION}={cookie}", PAGE[realm]))
    assert browser.cookies[SESSION].value != cookie


@pytest.mark.django_db
@pytest.mark.parametrize("realm", ["wiki", "todo", "idp", "staff"])
@pytest.mark.parametrize("end", ["deactivated", "deleted", "new password"])
@pytest.mark.clause("OWASP ASVS", "7.4.2", "WEB-33")
def test_what_ends_a_persons_sessions_ends_them_in_every_browser(realm: str, end: str) -> None:
    seed()
    cookies = [f"{SESSION}={signed_in_at(realm)[1]}" for _ in range(3)]
    assert [is_signed_in(get(realm, cookie, PAGE[realm])) for cookie in cookies] == [True] * 3
    user = User.objects.filter(realm=realm).order_by("pk")[0]
    if end == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif end == "deleted":
        user.delete()
    else:
        user.set_password("another, and a long one")
        user.save()
    assert [is_signed_in(get(realm, cookie, PAGE[realm])) for cookie in cookies] == [False] * 3


@pytest.mark.django_db
@pytest.mark.parametrize(("realm", "path"), [("idp", "/sign-in"), ("staff", "/admin/login/")])
@pytest.mark.clause("CSRF", "", "WEB-31")
def test_entering_the_password_changes_the_csrf_token(realm: str, path: str) -> None:
    seed()
    browser = Client(headers={"host": HOSTS[realm]}, enforce_csrf_checks=True)
    before = browser.get(path).cookies[CSRF].value
    form = {"email": BOB, "username": "admin", "password": DEMO_PASSWORD, "csrfmiddlewaretoken": before}
    assert browser.post(path, form).status_code == 302
    assert who_is(browser, realm) == realm
    assert browser.cookies[CSRF].value != before
    stale = browser.post(SIGN_OUT[realm], {"csrfmiddlewaretoken": before})
    assert stale.status_code == 403


@pytest.mark.clause("CSRF", "", "WEB-31")
def test_a_single_sign_on_changes_the_csrf_token_of_the_app(walker: Browser) -> None:
    seed()
    for app in ("wiki", "todo"):
        page = walker.get(f"{settings.ORIGINS[app]}/sign-in")
        client = walker.client(settings.ORIGINS[app])
        before = client.cookies[CSRF].value
        assert page.form_with("email").fields["csrfmiddlewaretoken"]
        sign_in(walker, app, BOB)
        walker.get(f"{settings.ORIGINS[app]}/")
        assert client.cookies[CSRF].value != before
