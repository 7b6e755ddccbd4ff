"""Signing in to both apps and out again."""

from playwright.sync_api import expect

from crossapp.requesting_app.models import StoredAccessToken
from tests.browser.people import Person


def test_the_second_app_of_the_day_asks_for_no_password(person: Person) -> None:
    person.sign_in("wiki", "bob@tables.fake")
    person.sign_in("todo", "bob@tables.fake", password_asked=False)
    expect(person.page.get_by_role("link", name="Bobby Tables")).to_be_visible()


def test_signing_in_exchanges_nothing(person: Person) -> None:
    person.sign_in("wiki", "bob@tables.fake")
    assert not StoredAccessToken.objects.exists()


def test_a_preprovisioned_address_of_a_foreign_domain_selects_its_tenant(person: Person) -> None:
    person.sign_in("todo", "trinity@whiterabbit.fake")
    person.go("todo", "/profile")
    expect(person.page.get_by_text("Fake Org", exact=True)).to_be_visible()


def test_an_address_of_no_tenant_gets_a_helpful_message(person: Person) -> None:
    person.go("wiki", "/sign-in")
    person.page.get_by_label("Work email").fill("somebody@elsewhere.example")
    person.page.get_by_role("button", name="Continue").click()
    expect(person.page.get_by_role("alert")).to_be_visible()
    expect(person.page.get_by_label("Work email")).to_have_value("somebody@elsewhere.example")


def test_a_wrong_password_can_be_corrected(person: Person) -> None:
    person.go("todo", "/sign-in")
    person.page.get_by_label("Work email").fill("john@tables.fake2")
    person.page.get_by_role("button", name="Continue").click()
    person.page.get_by_label("Password").fill("wrong")
    person.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(person.page.get_by_role("alert")).to_be_visible()
    person.page.get_by_label("Password").fill("avocado")
    person.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(person.page.get_by_role("heading", name="Todos")).to_be_visible()


def test_one_arrives_where_one_wanted_to_go(person: Person) -> None:
    person.go("todo", "/profile")
    person.page.get_by_label("Work email").fill("bob@tables.fake")
    person.page.get_by_role("button", name="Continue").click()
    person.page.get_by_label("Password").fill("avocado")
    person.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(person.page.get_by_role("heading", name="Profile")).to_be_visible()


def test_signing_out_ends_the_session_of_the_app_only(person: Person) -> None:
    person.sign_in("wiki", "bob@tables.fake")
    person.sign_in("todo", "bob@tables.fake", password_asked=False)
    person.sign_out()
    expect(person.page.get_by_role("heading", name="You are signed out of Todo0")).to_be_visible()
    person.go("todo")
    expect(person.page.get_by_label("Work email")).to_be_visible()
    person.go("wiki")
    expect(person.page.get_by_role("button", name="Sign out")).to_be_visible()


def test_signing_out_at_the_idp_too_makes_it_ask_for_the_password_again(person: Person) -> None:
    person.sign_in("wiki", "bob@tables.fake")
    person.sign_out()
    person.page.get_by_role("link", name="Also sign out").click()
    if person.page.get_by_role("button", name="Sign out", exact=True).is_visible():
        person.sign_out()
    expect(person.page.get_by_role("button", name="Sign out")).to_be_hidden()
    person.sign_in("wiki", "bob@tables.fake")
