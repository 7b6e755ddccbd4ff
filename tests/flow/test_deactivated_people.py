"""What is left, at an app, of a person whose account at the IdP or at the resource app is deactivated."""

import pytest
from django.conf import settings

from tenants.models import IdPConnection, Realm, User
from tests.support.demo import Demo
from tests.support.in_process import sign_in

BOB = "bob@tables.fake"
WIKI, IDP = "http://wiki.localhost:8000", "http://customer1.idp.localhost:8000"


@pytest.mark.clause("ID-JAG", "4.3.3", "RP-28")
def test_the_exchange_fails_at_once_and_the_session_ends_without_another(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    User.objects.filter(realm=Realm.IDP, email=BOB).update(is_active=False)
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "sign_in_again"

    session = demo.browser.client(WIKI).session
    session["started"] -= settings.SESSION_COOKIE_AGE + 1
    session.save()
    page = demo.browser.get(f"{WIKI}/pages/")
    assert page.url.startswith(f"{WIKI}/sign-in?")

    page = demo.browser.submit(page.form_with("email"), email=BOB)
    assert page.url.startswith(f"{IDP}/sign-in?")
    page = demo.browser.submit(page.form_with("password"), email=BOB, password="avocado")
    assert page.status == 400
    assert "Wrong email or password." in page.text


@pytest.mark.parametrize(
    ("tells", "code", "text"),
    [(True, "not_allowed", "You have no access at Todo0"), (False, "not_set_up", "Todo0 refused the grant")],
    ids=["told", "not told"],
)
@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "the card says that there is no access")
def test_a_card_says_that_the_account_at_the_resource_app_has_no_access(
    demo: Demo, tells: bool, code: str, text: str
) -> None:
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    assert IdPConnection.objects.get(app="todo", tenant__slug="customer1").tells_access_denied is True  # as seeded
    IdPConnection.objects.update(tells_access_denied=tells)
    User.objects.filter(realm=Realm.TODO, email=BOB).update(is_active=False)
    reason = demo.unfurl([demo.link_to(BOB)])[0]["reason"]
    assert (reason["code"], reason["text"], reason["party"]) == (code, text, "authorization_server")
