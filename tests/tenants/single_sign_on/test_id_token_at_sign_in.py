"""What an ID token must be, and say, before anybody is signed in with it."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tenants.models import User
from tenants.subject_tokens import SubjectTokenStore
from tests.support.clock import clock_of
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeIdp, json_reply, private_key, public_jwk, sign
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
    "with an algorithm off the list": {"alg": "ES256K", "key": ec.generate_private_key(ec.SECP256K1())},
    "with an algorithm that the key is not for": {"alg": "ES384", "key": ec.generate_private_key(ec.SECP384R1())},
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


def test_an_idp_that_publishes_its_only_key_without_a_key_id_signs_people_in(browser: Browser) -> None:
    unnamed = {name: value for name, value in public_jwk().items() if name != "kid"}
    browser.idp.replies["/keys"] = json_reply({"keys": [unnamed]})
    browser.idp.signing = {"kid": None}
    browser.sign_in()
    assert browser.user is not None


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-13, rules 3 to 5: other audiences beside the client")
def test_an_id_token_for_several_audiences_signs_in_if_it_was_issued_to_this_client(browser: Browser) -> None:
    browser.idp.claims["aud"] = [CLIENT_ID, "project-4711"]
    browser.start()
    refused(browser, browser.come_back(), 502, NOT_ACCEPTED)
    browser.idp.claims["azp"] = CLIENT_ID
    browser.sign_in()
    assert browser.user is not None
    tokens = SubjectTokenStore().load(browser.user)
    assert tokens is not None


@pytest.mark.parametrize(
    ("verified", "email"), [("true", "bob@tables.example"), ("false", ""), ("True", ""), ("yes", ""), (1, "")]
)
@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-22: some IdPs send email_verified as a string")
def test_email_verified_may_be_the_string_true(browser: Browser, verified: Any, email: str) -> None:
    browser.idp.claims["email_verified"] = verified
    browser.sign_in()
    assert browser.user is not None
    assert browser.user.email == email


@pytest.mark.clause("OpenID Connect Core", "5.1", "a claim that is null is absent")
def test_null_counts_as_absent(browser: Browser) -> None:
    browser.idp.claims |= dict.fromkeys(("email", "email_verified", "name", "auth_time"))
    browser.sign_in()
    assert browser.user is not None
    assert (browser.user.email, browser.user.first_name) == ("", "")
