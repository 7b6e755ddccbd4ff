"""An attacker cannot lock a person out: a browser that has signed in before has a budget of its own."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing
from django.test import Client, RequestFactory
from pytest_django import Settings

from base.limits import Throttled
from idjag_demo.sites import site_for
from tenants import known_browsers
from tenants.models import User
from tenants.sign_in_attempts import SignInAttempt
from tests.support.embedded_idp import EmbeddedIdP, make_person
from tests.support.limits import SetLimit

BOB, COOKIE = "bob@tables.fake", "idjag_browser"
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def _limits(set_limit: SetLimit) -> None:
    for name in ("SIGN_IN_ACCOUNT", "SIGN_IN_ACCOUNT_ANYWHERE", "SIGN_IN_ADDRESS", "SIGN_IN_TENANT"):
        set_limit(name, "3/5minutes")
    set_limit("SIGN_IN_EVERYWHERE", "3/5minutes")


def browser_at(idp: EmbeddedIdP, address: str = "192.0.2.1") -> Client:
    return Client(headers={"host": idp.host}, REMOTE_ADDR=address)


def submit(browser: Client, password: str = "wrong", email: str = BOB) -> int:
    return browser.post("/sign-in", {"email": email, "password": password, "next": "/"}).status_code


@pytest.fixture
def bobs(idp: EmbeddedIdP, bob: User) -> Client:
    """Bob's browser, in which he has signed in and out."""
    browser = browser_at(idp)
    assert submit(browser, "avocado") == 302
    browser.post("/oauth2/v1/logout")
    assert "_auth_user_id" not in browser.session
    return browser


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_who_guesses_elsewhere_does_not_keep_a_person_out_of_their_own_browser(idp: EmbeddedIdP, bobs: Client) -> None:
    guesser = browser_at(idp, "192.0.2.66")
    assert [submit(guesser) for _ in range(20)] == [400] * 3 + [429] * 17
    assert submit(browser_at(idp, "192.0.2.2"), "avocado") == 429, "no browser that is unknown gets in"
    assert submit(bobs, "avocado") == 302


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_nor_does_who_guesses_behind_the_same_address(idp: EmbeddedIdP, bobs: Client) -> None:
    neighbour = browser_at(idp)
    assert [submit(neighbour, email=f"p{number}@tables.fake") for number in range(4)] == [400] * 3 + [429]
    assert submit(bobs, "avocado") == 302


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_a_known_browser_guesses_no_more_often_than_others(idp: EmbeddedIdP, bobs: Client) -> None:
    assert [submit(bobs) for _ in range(5)] == [400] * 3 + [429] * 2
    assert submit(bobs, "avocado") == 429
    assert submit(browser_at(idp), "avocado") == 302, "and uses up nothing of theirs"


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_a_browser_is_known_to_the_accounts_that_signed_in_with_it_only(
    idp: EmbeddedIdP, other_idp: EmbeddedIdP, bobs: Client
) -> None:
    make_person(idp, "alice")
    guesser = browser_at(idp, "192.0.2.66")
    for _ in range(3):
        submit(guesser, email="alice@tables.fake")
    assert submit(bobs, "avocado", "alice@tables.fake") == 429
    stolen = browser_at(other_idp, "192.0.2.7")
    stolen.cookies[COOKIE] = bobs.cookies[COOKIE].value
    make_person(other_idp, "bob")
    for _ in range(3):
        submit(browser_at(other_idp, "192.0.2.8"))
    assert submit(stolen, "avocado") == 429, "the same address at another tenant is another account"


def test_a_browser_of_several_people_is_known_to_the_last_of_them(idp: EmbeddedIdP, bobs: Client) -> None:
    for number in range(known_browsers.MOST_ACCOUNTS):
        make_person(idp, f"p{number}")
        assert submit(bobs, "avocado", f"p{number}@tables.fake") == 302
    guesser = browser_at(idp, "192.0.2.66")
    for _ in range(3):
        submit(guesser, email=BOB)
    assert submit(bobs, "avocado", "p0@tables.fake") == 302
    assert submit(bobs, "avocado", BOB) == 429


@pytest.mark.clause("OWASP ASVS", "3.3", "attributes of a cookie")
def test_the_cookie_is_for_this_host_and_no_script(bobs: Client, settings: Settings) -> None:
    cookie = bobs.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["domain"], cookie["path"]) == (True, "Lax", "", "/")
    assert cookie["max-age"] == 180 * DAY
    assert BOB not in signing.b64_decode(cookie.value.split(":")[0].encode()).decode()


def test_over_https_the_cookie_is_bound_to_it(idp: EmbeddedIdP, bob: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    browser = browser_at(idp)
    submit(browser, "avocado")
    assert browser.cookies["__Host-idjag_browser"]["secure"] is True


def _forged(value: str) -> str:
    return value[:-4] + "AAAA"


@pytest.mark.parametrize("change", [_forged, lambda value: "", lambda value: "x:y:z", lambda value: "[]"])
def test_a_cookie_that_is_not_ours_is_none(idp: EmbeddedIdP, bobs: Client, change: Callable[[str], str]) -> None:
    for _ in range(3):
        submit(browser_at(idp, "192.0.2.66"))
    bobs.cookies[COOKIE] = change(bobs.cookies[COOKIE].value)
    assert submit(bobs, "avocado") == 429


def test_a_cookie_is_good_for_half_a_year(idp: EmbeddedIdP, bobs: Client, clock: Callable[[float], None]) -> None:
    clock(181 * DAY)
    for _ in range(3):
        submit(browser_at(idp, "192.0.2.66"))
    assert submit(bobs, "avocado") == 429


def test_a_wrong_password_makes_no_browser_known(idp: EmbeddedIdP, bob: User) -> None:
    browser = browser_at(idp)
    submit(browser)
    assert COOKIE not in browser.cookies


def test_the_operators_browser_is_known_too(db: None) -> None:
    user = User(username="admin", is_staff=True, is_superuser=True)
    user.set_password("avocado")
    user.save()

    def sign_in(browser: Client, password: str) -> int:
        return browser.post("/admin/login/?next=/admin/", {"username": "admin", "password": password}).status_code

    own = Client(headers={"host": "localhost:8000"})
    assert sign_in(own, "avocado") == 302
    own.post("/admin/logout/")
    guesser = Client(headers={"host": "localhost:8000"}, REMOTE_ADDR="192.0.2.66")
    assert [sign_in(guesser, "wrong") for _ in range(5)] == [200] * 3 + [429] * 2
    assert sign_in(own, "avocado") == 302


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27 LIM-06")
def test_of_many_guesses_at_once_no_more_are_looked_at(set_limit: SetLimit) -> None:
    set_limit("SIGN_IN_ACCOUNT", "10/5minutes")
    set_limit("SIGN_IN_ADDRESS", "10/5minutes")
    set_limit("SIGN_IN_ACCOUNT_ANYWHERE", "0")
    set_limit("SIGN_IN_TENANT", "0")
    set_limit("SIGN_IN_EVERYWHERE", "0")
    looked_at: list[str] = []
    together = threading.Barrier(30)

    def guess(name: str) -> None:
        request: Any = RequestFactory().post("/sign-in", REMOTE_ADDR="192.0.2.1")
        request.site = site_for("customer1.idp.localhost:8000")
        together.wait()
        try:
            SignInAttempt(request, name).begin()
            looked_at.append(name)
        except Throttled:
            pass

    for names in ([BOB] * 30, [f"p{number}@tables.fake" for number in range(30)]):
        looked_at.clear()
        threads = [threading.Thread(target=guess, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(looked_at) == (10 if names[0] == BOB else 0), "the first thirty have used up the address"
