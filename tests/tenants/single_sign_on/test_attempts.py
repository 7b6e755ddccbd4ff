"""What a browser's session remembers of the sign-ins that are under way."""

import re

import pytest

from tenants.models import IdPConnection
from tenants.single_sign_on.attempts import MAX_ATTEMPTS, SESSION_KEY, Attempt
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


def test_the_session_keeps_the_newest_attempts_and_no_more_than_fifty(browser: Browser) -> None:
    states = []
    for _ in range(MAX_ATTEMPTS + 2):
        browser.start()
        states.append(browser.query["state"])
    assert MAX_ATTEMPTS == 50
    assert set(browser.client.session[SESSION_KEY]) == set(states[2:])
    assert browser.come_back(state=states[1]).status_code == 400
    assert browser.come_back().status_code == 302
    assert set(browser.client.session[SESSION_KEY]) == set(states[2:-1])


def test_what_another_tab_changes_while_the_idp_is_asked_stays(browser: Browser) -> None:
    def change_the_session() -> Reply:
        session = browser.client.session
        assert browser.query["state"] not in session[SESSION_KEY]
        session["draft"] = "of the other tab"
        session.save()
        return json_reply({"id_token": sign(browser.idp.claims), **browser.idp.token_response})

    browser.idp.replies["/token"] = change_the_session
    browser.start()
    assert browser.come_back().status_code == 302
    assert browser.client.session["draft"] == "of the other tab"
