"""Every page fits the screen, at desktop and at phone width, and needs nothing from elsewhere."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.people import Person

PAGES = [
    ("staff", "/"),
    ("wiki", "/"),
    ("wiki", "/pages/"),
    ("todo", "/"),
    ("todo", "/profile"),
]


def test_every_page_fits_the_screen_and_needs_nothing_from_elsewhere(person: Person) -> None:
    hosts = set()
    person.page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    person.sign_in("todo", "bob@tables.fake")
    person.sign_in("wiki", "bob@tables.fake", password_asked=False)
    for app, path in PAGES:
        person.go(app, path)
        expect(person.page.get_by_role("heading", level=1)).to_be_visible()
        assert person.fits_the_screen(), f"{app}{path}"
    person.create_page()
    assert person.fits_the_screen(), "the editor"
    assert {host for host in hosts if host and host != "localhost" and not host.endswith(".localhost")} == set()


@pytest.mark.parametrize(("app", "path"), [("staff", "/admin/login/"), ("todo", "/api/docs"), ("wiki", "/api/docs")])
def test_the_pages_that_others_wrote_run_under_our_policy(person: Person, app: str, path: str) -> None:
    """What the policy stops is on the console, which fails the test (see conftest.py)."""
    answer = person.page.goto(person.origins[app] + path, wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200


def test_the_bare_host_leads_to_both_apps_with_the_demo_accounts(person: Person) -> None:
    person.go("staff")
    for address in ("bob@tables.fake", "trinity@whiterabbit.fake", "john@tables.fake2", "foo@tables.fake3"):
        expect(person.page.get_by_text(address).first).to_be_visible()
    for app in ("wiki", "todo"):
        assert person.page.locator(f"a[href^='{person.origins[app]}']").count() > 0
    for tenant in ("customer1", "customer2", "customer3"):
        assert person.page.locator(f"a[href^='{person.origins['idp'].format(tenant=tenant)}']").count() > 0
    assert person.page.locator("a[href='/admin/']").count() > 0
