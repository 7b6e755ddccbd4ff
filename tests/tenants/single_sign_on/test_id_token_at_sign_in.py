"""What an ID token must be, and say, before anybody is signed in with it."""

from typing import Any

import pytest

from tenants.models import User
from tests.support.clock import clock_of
from tests.support.fake_idp import CLIENT_SECRET, ISSUER, FakeIdp, json_reply, private_key, sign
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

pytestmark = pytest.mark.usefixtures("connection")

NOT_ACCEPTED = "sent an invalid answer"


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    return Browser(idp)


SIGNED_OTHERWISE: dict[str, dict[str, Any]] = {
    "not at all": {"alg": "none", "key": ""},
    "with the client secret": {"alg": "HS256", "key": CLIENT_SECRET * 4},
    "with another key": {"alg": "RS256"},
    "with a key it brings along": {"alg": "RS256", "jwk": {"kty": "oct", "k": "AAAA"}},
    "with a key at an address": {"alg": "RS256", "jku": f"{ISSUER}/their-keys"},
    "with an algorithm off the list": {"alg": "RS512"},
}


@pytest.mark.parametrize("how", SIGNED_OTHERWISE)
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-11, rules 6 to 8")
def test_an_id_token_not_signed_by_the_issuers_key_is_refused_at_sign_in(browser: Browser, how: str) -> None:
    browser.idp.signing = {"key": private_key("RS256", "theirs")} | SIGNED_OTHERWISE[how]
    browser.start()
    refused(browser, browser.come_back(), 502, NOT_ACCEPTED)
    assert not browser.idp.to("/their-keys")
    assert not User.objects.exists()


@pytest.mark.clause("OpenID Connect Core", "10.1.1", "RP-11: an unknown key is looked for once")
def test_an_unknown_key_is_looked_for_once_in_a_while(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.sign_in()
    browser.client.post("/sign-out")
    clock_of(monkeypatch)(31)  # the keys may be fetched again
    browser.idp.signing = {"kid": "unknown"}
    for _ in range(3):
        browser.start()
        refused(browser, browser.come_back(), 502, NOT_ACCEPTED)
    assert len(browser.idp.to("/keys")) == 2


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-15, rule 11")
def test_the_nonce_of_an_earlier_sign_in_is_refused(browser: Browser) -> None:
    browser.sign_in()
    earlier = browser.idp.claims["nonce"]
    browser.client.post("/sign-out")
    browser.start()
    browser.idp.claims["nonce"] = earlier
    refused(browser, browser.come_back(), 502, NOT_ACCEPTED)


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-15: a replayed ID token")
def test_the_id_token_of_an_earlier_sign_in_is_refused(browser: Browser) -> None:
    browser.start()
    replayed = sign(browser.idp.claims)
    browser.come_back()
    browser.client.post("/sign-out")
    browser.start()
    browser.idp.token_response["id_token"] = replayed
    refused(browser, browser.come_back(), 502, NOT_ACCEPTED)


@pytest.mark.parametrize("userinfo", [{"sub": "u-eve"}, {"sub": "u-bob", "email": "eve@tables.example"}])
@pytest.mark.clause("OpenID Connect Core", "5.3.2", "RP-21")
def test_the_id_token_alone_says_who_it_is(browser: Browser, userinfo: dict[str, str]) -> None:
    browser.idp.metadata["userinfo_endpoint"] = f"{ISSUER}/userinfo"
    browser.idp.replies["/userinfo"] = json_reply({"email_verified": True, "name": "Eve"} | userinfo)
    browser.sign_in()
    assert browser.user is not None
    assert (browser.user.sub, browser.user.email) == ("u-bob", "bob@tables.example")
    assert browser.user.display_name == "Bobby Tables"
    assert not browser.idp.to("/userinfo")
