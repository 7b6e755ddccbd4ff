"""The life of a todo in Todo0."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.people import Person


@pytest.fixture
def bob(person: Person) -> Person:
    person.sign_in("todo", "bob@tables.fake")
    return person


def test_a_todo_is_added_completed_renamed_and_deleted(bob: Person) -> None:
    bob.add_task("Feed the rabbit")
    bob.todo("Feed the rabbit").get_by_role("checkbox").check()
    expect(bob.page.get_by_role("status")).to_contain_text("Task completed.")
    expect(bob.todo("Feed the rabbit").get_by_role("checkbox")).to_be_checked()

    bob.todo("Feed the rabbit").get_by_role("button", name="Rename").click()
    field = bob.page.locator(".rename").get_by_label("Task")
    field.fill("Feed the white rabbit")
    field.press("Enter")
    expect(bob.todo("Feed the white rabbit").get_by_role("checkbox")).to_be_checked()

    bob.todo("Feed the white rabbit").get_by_role("button", name="Delete").click()
    expect(bob.todo("Feed the white rabbit")).to_have_count(0)
    bob.page.reload()
    expect(bob.todo("Feed the white rabbit")).to_have_count(0)


def test_the_page_is_never_reloaded_for_that(bob: Person) -> None:
    bob.page.evaluate("window.same = true")
    bob.page.get_by_label("New task").fill("Feed the rabbit")
    bob.page.get_by_role("button", name="Add task").click()
    bob.todo("Feed the rabbit").get_by_role("checkbox").check()
    expect(bob.page.get_by_role("status")).to_contain_text("Task completed.")
    assert bob.page.evaluate("window.same") is True


def test_open_todos_come_first(bob: Person) -> None:
    bob.add_task("First")
    bob.complete("First")
    bob.add_task("Second")
    tasks = bob.page.locator("#todos").get_by_role("link").all_inner_texts()
    assert tasks.index("Second") < tasks.index("First")


def test_copy_link_copies_the_link_of_the_todos_page(bob: Person) -> None:
    link = bob.add_task("Feed the rabbit")
    bob.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bob.todo("Feed the rabbit").get_by_role("button", name="Copy link").click()
    expect(bob.page.get_by_role("status")).to_contain_text("Copied")
    assert bob.page.evaluate("navigator.clipboard.readText()") == link
    bob.page.goto(link)
    expect(bob.page.get_by_role("heading", name="Feed the rabbit")).to_be_visible()
    expect(bob.page.get_by_text("Not started")).to_be_visible()


def test_everything_works_without_javascript(new_person: NewPerson) -> None:
    bob = new_person(java_script_enabled=False)
    bob.sign_in("todo", "bob@tables.fake")
    bob.add_task("Feed the rabbit")
    bob.todo("Feed the rabbit").get_by_role("checkbox").check()
    bob.todo("Feed the rabbit").get_by_role("button", name="Save").click()
    expect(bob.todo("Feed the rabbit").get_by_role("checkbox")).to_be_checked()
    bob.todo("Feed the rabbit").get_by_role("button", name="Delete").click()
    expect(bob.todo("Feed the rabbit")).to_have_count(0)
