"""A policy that wants a recent sign-in: the card says to sign in again, and doing so brings it (RFC 9470)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from idp.models import CrossAppPolicy
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.pages import Page

BOB = "bob@tables.fake"
WIKI, IDP = "http://wiki.localhost:8000", "http://customer1.idp.localhost:8000"


@pytest.fixture
def demo_with_old_session(demo: Demo) -> Demo:
    """Bob entered his password five minutes ago, and no cross-app policy takes that for more than one."""
    CrossAppPolicy.objects.update(max_age=60)
    sign_in(demo.browser, "todo", BOB)
    session = demo.browser.client(IDP).session
    session["auth_time"] -= 300
    session.save()
    sign_in(demo.browser, "wiki", BOB)
    return demo


def follow_the_link_of_the_card(demo: Demo) -> Page:
    """Go where the card's link leads, and on to the IdP; `demo.browser.visited` is emptied first."""
    demo.browser.visited.clear()
    page = demo.browser.get(f"{WIKI}{settings.LOGIN_URL}?next=/pages/")
    return demo.browser.submit(page.form_with("email"), email=BOB)


def asked_of_the_idp(demo: Demo) -> dict[str, list[str]]:
    """Return the parameters of the authorization request that Wiki0 made."""
    requests = [url for url in demo.browser.visited if url.startswith(f"{IDP}/oauth2/v1/authorize?response_type")]
    return parse_qs(urlsplit(requests[0]).query)


@pytest.mark.clause("RFC 9470", "4", "the next authorization request carries the max_age of the challenge")
def test_signing_in_again_from_a_card_asks_for_the_password_and_brings_the_card(demo_with_old_session: Demo) -> None:
    demo = demo_with_old_session
    link = demo.link_to(BOB)
    reason = demo.unfurl([link])[0]["reason"]
    assert (reason["code"], reason["text"]) == ("sign_in_again", "Sign in again to see this")
    assert (reason["party"], reason["step"]) == ("identity_provider", "token_exchange")

    page = follow_the_link_of_the_card(demo)
    assert page.url.startswith(f"{IDP}/sign-in")
    page = demo.browser.submit(page.form_with("password"), email=BOB, password="avocado")

    assert page.url == f"{WIKI}/pages/"
    assert asked_of_the_idp(demo)["max_age"] == ["60"]
    assert demo.unfurl([link])[0]["card"]["title"] == "Escape the quotes in the student table"


@pytest.mark.clause("RFC 9470", "4", "without a challenge nothing is asked for, and a challenge is answered once")
def test_no_other_sign_in_asks_for_more_than_it_needs(demo_with_old_session: Demo) -> None:
    demo = demo_with_old_session
    follow_the_link_of_the_card(demo)
    assert "max_age" not in asked_of_the_idp(demo)
    demo.unfurl([demo.link_to(BOB)])
    follow_the_link_of_the_card(demo)
    assert "max_age" in asked_of_the_idp(demo)
    follow_the_link_of_the_card(demo)
    assert "max_age" not in asked_of_the_idp(demo)


def test_a_new_sign_in_without_the_card_leaves_the_card_as_it_was(demo_with_old_session: Demo) -> None:
    """The control: single sign-on alone brings the old authentication, which the policy refuses."""
    demo = demo_with_old_session
    assert follow_the_link_of_the_card(demo).url == f"{WIKI}/pages/"
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "sign_in_again"
