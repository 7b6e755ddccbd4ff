"""What a sign-in asks of the IdP: scopes and prompt, of the connection or by the IdP's metadata."""

import pytest

from audit.models import Act, AuditEvent
from tenants.models import IdPConnection
from tests.support.fake_idp import FakeIdp
from tests.tenants.single_sign_on.test_sign_in import Browser, refused
from tests.tenants.single_sign_on.test_step_up import challenge

pytestmark = pytest.mark.usefixtures("connection")


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    return Browser(idp)


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        (["openid", "email", "offline_access"], "openid profile email offline_access"),
        (["openid", "email"], "openid profile email"),
        ([], "openid profile email"),
        (None, "openid profile email offline_access"),
        ("openid email", "openid profile email offline_access"),
        (["openid", 7], "openid profile email offline_access"),
    ],
    ids=["listed", "not listed", "nothing listed", "no list", "a string", "not strings"],
)
@pytest.mark.clause("OpenID Connect Core", "11", "offline_access is asked of an IdP that has it")
def test_offline_access_is_not_asked_of_an_idp_that_lists_its_scopes_without_it(
    browser: Browser, listed: object, asked: str
) -> None:
    if listed is not None:
        browser.idp.metadata["scopes_supported"] = listed
    browser.start()
    assert browser.query["scope"] == asked


def test_the_scopes_of_the_connection_are_asked_for_as_they_are(browser: Browser) -> None:
    IdPConnection.objects.update(scope="openid groups offline_access")
    browser.idp.metadata["scopes_supported"] = ["openid"]
    browser.start()
    assert browser.query["scope"] == "openid groups offline_access"


@pytest.mark.parametrize("prompt", ["consent", "login", "select_account"])
@pytest.mark.clause("OpenID Connect Core", "3.1.2.1", "prompt")
def test_the_prompt_of_the_connection_is_sent(browser: Browser, prompt: str) -> None:
    IdPConnection.objects.update(prompt=prompt)
    assert browser.sign_in().status_code == 302
    assert browser.query["prompt"] == prompt


def test_without_a_prompt_none_is_sent(browser: Browser) -> None:
    browser.start()
    assert "prompt" not in browser.query


@pytest.mark.clause("RFC 9470", "4", "a step-up and the prompt of the connection are both sent")
def test_a_step_up_and_the_prompt_are_both_sent(browser: Browser) -> None:
    IdPConnection.objects.update(prompt="consent")
    browser.sign_in()
    challenge(browser, {"max_age": "60", "acr_values": "phr"})
    browser.start()
    assert [browser.query[name] for name in ("prompt", "max_age", "acr_values")] == ["consent", "60", "phr"]
    browser.start()
    assert (browser.query["prompt"], "max_age" in browser.query) == ("consent", False)


@pytest.mark.clause("RFC 6749", "4.1.2.1", "invalid_scope")
def test_an_idp_that_refuses_the_scopes_leaves_them_in_the_log(browser: Browser) -> None:
    IdPConnection.objects.update(scope="openid groups")
    browser.start()
    refused(browser, browser.come_back(code=None, error="invalid_scope"), 400, "refused the sign-in: invalid_scope")
    detail = AuditEvent.objects.get(act=Act.SIGN_IN).detail
    assert "invalid_scope: it refuses one of the scopes openid groups; set the connection's scopes" in detail


def test_another_error_of_the_idp_says_nothing_about_scopes(browser: Browser) -> None:
    browser.start()
    page = browser.come_back(code=None, error="access_denied")
    refused(browser, page, 400, "refused the sign-in: access_denied")
    assert "scope" not in AuditEvent.objects.get(act=Act.SIGN_IN).detail
