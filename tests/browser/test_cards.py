"""A link to a todo, pasted into a page of Wiki0, is a live card, for those who may see the todo."""

import pytest
from playwright.sync_api import expect

from crossapp.requesting_app.models import StoredAccessToken
from tests.browser.conftest import NewPerson
from tests.browser.people import Person


@pytest.fixture
def bob(person: Person) -> Person:
    person.sign_in("todo", "bob@tables.fake")
    person.sign_in("wiki", "bob@tables.fake", password_asked=False)
    return person


def test_create_page_explains_the_trick_with_a_todo_of_ones_own(bob: Person) -> None:
    bob.create_page()
    card = bob.page.locator(".todo-card").first
    expect(card).to_contain_text("Todo0")
    expect(card.locator(".badge")).to_be_visible()


def test_a_pasted_link_becomes_a_card_that_follows_the_todo(bob: Person) -> None:
    link = bob.add_task("Feed the rabbit")
    bob.create_page()
    bob.paste(link)
    expect(bob.card(link)).to_contain_text("Feed the rabbit")
    expect(bob.card(link)).to_contain_text("Not started")
    bob.wait_until_saved()
    bob.page.get_by_role("button", name="Done").click()
    expect(bob.card(link)).to_contain_text("Not started")
    page_of_the_wiki = bob.page.url

    bob.complete("Feed the rabbit")
    bob.page.goto(page_of_the_wiki)
    expect(bob.card(link)).to_contain_text("Completed")


def test_a_link_within_text_becomes_a_card_too(bob: Person) -> None:
    link = bob.add_task("Feed the rabbit")
    bob.create_page()
    bob.paste(f"Look at {link}, please.")
    expect(bob.card(link)).to_contain_text("Feed the rabbit")
    expect(bob.editor).to_contain_text("Look at")
    expect(bob.editor).to_contain_text(", please.")


def test_a_typed_link_becomes_a_card_too(bob: Person) -> None:
    link = bob.add_task("Feed the rabbit")
    bob.create_page()
    bob.paste("Look at ")
    bob.page.keyboard.type(f"{link} ")
    expect(bob.card(link)).to_contain_text("Feed the rabbit")


def test_a_page_with_many_links_makes_one_exchange(bob: Person) -> None:
    links = [bob.add_task(f"Task {number}") for number in range(3)]
    StoredAccessToken.objects.all().delete()
    bob.create_page()
    for link in links:
        bob.paste(link)
    bob.wait_until_saved()
    bob.page.get_by_role("button", name="Done").click()
    for link in links:
        expect(bob.card(link)).to_contain_text("Task")
    assert StoredAccessToken.objects.count() == 1


def test_bob_cannot_see_johns_todo_by_pasting_its_link(bob: Person, new_person: NewPerson) -> None:
    john = new_person()
    john.sign_in("todo", "john@tables.fake2")
    link = john.add_task("A secret of John")
    bob.create_page()
    bob.paste(link)
    expect(bob.plain_link(link)).to_contain_text("Not found, or not yours")
    bob.wait_until_saved()
    bob.page.reload()
    expect(bob.plain_link(link)).to_contain_text("Not found, or not yours")
    expect(bob.page.get_by_text("A secret of John")).to_have_count(0)


def test_the_debug_console_shows_claims_and_no_token(bob: Person) -> None:
    bob.create_page()
    expect(bob.page.locator(".todo-card .badge").first).to_be_visible()
    bob.page.get_by_role("button", name="Done").click()
    bob.page.get_by_role("button", name="Debug console").click()
    console = bob.page.get_by_role("dialog")
    for text in ("ID token", "ID-JAG", "Access token", "wiki0-at-todo0", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        expect(console).to_contain_text(text)
    assert "eyJ" not in console.inner_text()


def test_a_page_is_renamed_listed_and_deleted(bob: Person) -> None:
    bob.create_page()
    bob.page.get_by_label("Title").fill("All about rabbits")
    bob.wait_until_saved()
    bob.page.get_by_role("button", name="Done").click()
    bob.page.get_by_role("link", name="Pages", exact=True).click()
    bob.page.get_by_role("link", name="All about rabbits").click()
    bob.page.get_by_role("link", name="Delete").click()
    bob.page.get_by_role("button", name="Delete page").click()
    expect(bob.page.get_by_role("heading", name="Pages")).to_be_visible()
    expect(bob.page.get_by_role("link", name="All about rabbits")).to_have_count(0)
