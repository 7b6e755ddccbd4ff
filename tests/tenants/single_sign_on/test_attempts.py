"""Sign-ins that are under way in one browser, several at once."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.models import IdPConnection
from tenants.single_sign_on.attempts import Attempt, cookie_name
from tenants.single_sign_on.authorization_request import code_challenge
from tests.support.fake_idp import FakeIdp, Reply, json_reply, sign
from tests.tenants.single_sign_on.test_sign_in import Browser

pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    return Browser(idp)


@pytest.mark.clause("RFC 7636", "4.2", "the example of appendix B")
def test_the_challenge_is_the_hash_of_the_verifier() -> None:
    challenge = code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.clause("RFC 7636", "4.1", "43 to 128 unreserved characters, 256 bits of entropy")
def test_each_attempt_has_its_own_state_nonce_and_verifier(connection: IdPConnection) -> None:
    attempts = [Attempt(connection=connection, next="/", wanted={}) for _ in range(20)]
    made = [value for it in attempts for value in (it.state, it.nonce, it.code_verifier)]
    assert len(set(made)) == 60
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", value) for value in made)
    assert not [value for it in attempts for value in (it.state, it.nonce, it.code_verifier) if value in repr(it)]


def test_each_of_many_attempts_is_answered_once_in_any_order(browser: Browser) -> None:
    states = []
    for _ in range(52):
        browser.start()
        states.append(browser.query)
    for browser.query in (states[0], states[51], states[20]):
        browser.idp.claims["nonce"] = browser.query["nonce"]
        assert browser.come_back().status_code == 302
    assert len(browser.idp.to("/token")) == 3


def test_what_another_tab_changes_while_the_idp_is_asked_stays(browser: Browser) -> None:
    def change_the_session() -> Reply:
        session = browser.client.session
        session["draft"] = "of the other tab"
        session.save()
        return json_reply({"id_token": sign(browser.idp.claims), **browser.idp.token_response})

    browser.idp.replies["/token"] = change_the_session
    browser.sign_in()
    browser.start()
    assert browser.come_back().status_code == 302
    assert browser.client.session["draft"] == "of the other tab"


def test_attempts_that_begin_at_once_hinder_each_other_in_no_way(browser: Browser) -> None:
    """Both requests of a double click carry the cookies from before the first answer, here none."""
    browser.start()
    first, cookies = browser.query, dict(browser.client.cookies)
    browser.client.cookies.clear()
    browser.client.cookies.update({name: value for name, value in cookies.items() if name == cookie_name()})
    browser.start()
    browser.query = first
    browser.idp.claims["nonce"] = first["nonce"]
    assert browser.come_back().status_code == 302


def test_an_attempt_outlives_a_sign_in_in_another_tab(browser: Browser) -> None:
    browser.start(next="/pages/1")
    first = browser.query
    browser.start(next="/pages/2")
    browser.come_back()
    browser.query = first
    browser.idp.claims["nonce"] = first["nonce"]
    assert browser.come_back()["Location"] == "/pages/1"


def test_an_answer_that_is_met_again_leads_a_signed_in_person_on_and_redeems_nothing(browser: Browser) -> None:
    browser.sign_in(next="/pages/7")
    session = browser.client.session.session_key
    again = browser.come_back()
    assert (again.status_code, again["Location"]) == (302, "/pages/7")
    assert len(browser.idp.to("/token")) == 1
    assert browser.client.session.session_key == session


def test_an_answer_that_is_met_again_after_a_sign_out_is_refused(browser: Browser) -> None:
    browser.sign_in()
    browser.client.post("/sign-out")
    again = browser.come_back()
    assert again.status_code == 400
    assert "started in another browser or has expired" in again.content.decode()
    assert len(browser.idp.to("/token")) == 1


def test_a_refused_answer_is_met_once_too(browser: Browser) -> None:
    browser.idp.replies["/token"] = Reply(b"", 500)
    browser.start()
    assert browser.come_back().status_code == 502
    assert browser.come_back().status_code == 400
    assert len(browser.idp.to("/token")) == 1


@pytest.mark.parametrize("cookie", [None, "", "another"])
def test_an_answer_in_another_browser_is_refused(browser: Browser, cookie: str | None) -> None:
    browser.start()
    del browser.client.cookies[cookie_name()]
    if cookie is not None:
        browser.client.cookies[cookie_name()] = cookie
    answer = browser.come_back()
    assert answer.status_code == 400
    assert "started in another browser or has expired" in answer.content.decode()
    assert not browser.idp.to("/token")


def test_the_cookie_of_the_attempts_is_kept_from_scripts_and_other_sites(browser: Browser) -> None:
    cookie = browser.start().cookies[cookie_name()]
    assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "Lax", "")
    assert browser.query["state"] not in cookie.value


def test_an_attempt_expires(browser: Browser) -> None:
    browser.start()
    Session.objects.update(expire_date=timezone.now())
    assert browser.come_back().status_code == 400
    assert not browser.idp.to("/token")
