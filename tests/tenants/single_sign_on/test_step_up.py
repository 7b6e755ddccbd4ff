"""A sign-in that must be recent, or of a certain kind, because the IdP said so (RFC 9470)."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from tenants.models import IdPConnection, SubjectTokens
from tenants.single_sign_on import step_up
from tests.support.fake_idp import FakeIdp
from tests.tenants.single_sign_on.test_sign_in import Browser

pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    """Bob's browser, signed in."""
    browser = Browser(idp)
    browser.sign_in()
    return browser


def challenge(browser: Browser, parameters: Mapping[str, str]) -> None:
    """Let the IdP have said that it wants `parameters` of Bob's next sign-in."""
    request = HttpRequest()
    request.session = browser.client.session
    step_up.remember(request, parameters)
    request.session.save()


def sign_in_again(browser: Browser, **claims: Any) -> HttpResponse:
    """Sign in once more; a claim that is None is left out of the ID token."""
    browser.start()
    claims = browser.idp.claims | claims
    browser.idp.claims = {name: value for name, value in claims.items() if value is not None}
    return browser.come_back()


def assert_refused(response: HttpResponse) -> None:
    assert response.status_code == 502
    assert "sent an invalid answer" in response.content.decode()


@contextmanager
def nothing_changed(browser: Browser) -> Iterator[None]:
    """Assert that there is no new session, and that no token is kept of what comes."""
    tokens = SubjectTokens.objects.get()
    before = (browser.client.session.session_key, tokens.id_token, tokens.updated_at)
    yield
    tokens.refresh_from_db()
    assert (browser.client.session.session_key, tokens.id_token, tokens.updated_at) == before


@pytest.mark.clause("RFC 9470", "4", "the authorization request carries what the challenge named")
def test_the_next_sign_in_asks_for_what_was_named_and_only_the_next(browser: Browser) -> None:
    challenge(browser, {"max_age": "60", "acr_values": "urn:mfa phr"})
    browser.start()
    assert (browser.query["max_age"], browser.query["acr_values"]) == ("60", "urn:mfa phr")
    browser.start()
    assert not {"max_age", "acr_values"} & set(browser.query)


def test_without_a_challenge_nothing_is_asked_for(browser: Browser) -> None:
    challenge(browser, {})
    browser.start()
    assert not {"max_age", "acr_values"} & set(browser.query)


@pytest.mark.clause("RFC 9470", "4", "a challenge is for the IdP that made it")
def test_the_idp_of_another_tenant_is_not_asked_for_it(
    browser: Browser, connection: IdPConnection, other_connection: IdPConnection
) -> None:
    challenge(browser, {"max_age": "60"})
    IdPConnection.objects.filter(pk=connection.pk).update(app="todo")
    IdPConnection.objects.filter(pk=other_connection.pk).update(issuer=connection.issuer)
    assert browser.start("eve@other.example").status_code == 302
    assert browser.query["client_id"] == other_connection.client_id
    assert "max_age" not in browser.query


@pytest.mark.clause("RFC 9470", "4", "a challenge ends with the session")
def test_after_a_sign_out_nothing_is_asked_for(browser: Browser) -> None:
    challenge(browser, {"max_age": "60"})
    browser.client.post("/sign-out")
    browser.start()
    assert "max_age" not in browser.query


@pytest.mark.parametrize("seconds_ago", [0, 59, 75], ids=["now", "within max_age", "within the skew"])
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-16, rule 13")
def test_a_recent_authentication_is_accepted(browser: Browser, seconds_ago: int) -> None:
    challenge(browser, {"max_age": "60"})
    assert sign_in_again(browser, auth_time=int(time.time()) - seconds_ago).status_code == 302


@pytest.mark.parametrize("seconds_ago", [120, 86_400, None], ids=["two minutes ago", "yesterday", "not said"])
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-16, rule 13")
def test_an_authentication_before_max_age_is_refused(browser: Browser, seconds_ago: int | None) -> None:
    challenge(browser, {"max_age": "60"})
    auth_time = None if seconds_ago is None else int(time.time()) - seconds_ago
    with nothing_changed(browser):
        assert_refused(sign_in_again(browser, auth_time=auth_time))


def test_an_old_authentication_is_fine_if_no_recent_one_was_asked_for(browser: Browser) -> None:
    assert sign_in_again(browser, auth_time=int(time.time()) - 86_400).status_code == 302
    assert sign_in_again(browser, auth_time=None).status_code == 302


@pytest.mark.parametrize("acr", ["urn:mfa", "phr"])
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-17, rule 12")
def test_one_of_the_kinds_asked_for_is_accepted(browser: Browser, acr: str) -> None:
    challenge(browser, {"acr_values": "urn:mfa phr"})
    assert sign_in_again(browser, acr=acr).status_code == 302


@pytest.mark.parametrize("acr", ["0", "pwd", "urn:mfa phr", "URN:MFA", "", ["phr"], 1, None], ids=str)
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-17, rule 12")
def test_a_weaker_acr_than_requested_is_refused(browser: Browser, acr: Any) -> None:
    challenge(browser, {"acr_values": "urn:mfa phr"})
    with nothing_changed(browser):
        assert_refused(sign_in_again(browser, acr=acr))


@pytest.mark.clause("RFC 9470", "4", "an IdP that does not reach the requested acr locks no user out")
def test_after_such_a_refusal_one_can_sign_in_as_before(browser: Browser) -> None:
    challenge(browser, {"acr_values": "urn:mfa"})
    assert_refused(sign_in_again(browser))
    assert sign_in_again(browser).status_code == 302
