"""The life of a todo in Todo0."""

import pytest
from playwright.sync_api import Route, expect

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


def test_a_failed_request_says_so_and_empties_no_text_field(bob: Person, problems: list[str]) -> None:
    bob.add_task("Feed the rabbit")
    status = [0]

    def fail(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
        elif status[0]:
            route.fulfill(status=status[0])
        else:
            route.abort()

    bob.page.route("**/*", fail)
    bob.page.get_by_label("New task").fill("Feed the cat")
    bob.todo("Feed the rabbit").get_by_role("button", name="Rename").click()
    field = bob.page.locator(".rename").get_by_label("Task")
    field.fill("Feed the white rabbit")
    for status[0], says in [
        *((401, "You are no longer signed in."), (403, "in another tab."), (404, "no longer exists")),
        *((0, "Todo0 does not answer."), (500, "Try again"), (503, "Try again"), (429, "Try again")),
    ]:
        for press in (bob.page.get_by_label("New task"), field):
            press.press("Enter")
            expect(bob.page.get_by_role("alert")).to_contain_text(says)
        expect(bob.page.get_by_label("New task")).to_have_value("Feed the cat")
        expect(field).to_have_value("Feed the white rabbit")
    problems.clear()


def test_a_todo_is_added_after_a_sign_in_in_another_tab(bob: Person) -> None:
    bob.go("todo")
    bob.page.get_by_label("New task").fill("Feed the cat")
    other = Person(bob.page.context.new_page(), bob.origins)
    other.sign_in("todo", "bob@tables.fake", password_asked=False)
    bob.page.get_by_role("button", name="Add task").click()
    expect(bob.todo("Feed the cat")).to_be_visible()


def test_a_double_click_adds_one_todo_and_deletes_one(bob: Person) -> None:
    for task in ("One", "Two", "Three"):
        bob.add_task(task)
    bob.page.get_by_label("New task").fill("Four")
    bob.page.get_by_role("button", name="Add task").dblclick()
    expect(bob.todo("Four")).to_have_count(1)
    bob.todo("Four").get_by_role("button", name="Delete").dblclick()
    expect(bob.todo("Four")).to_have_count(0)
    bob.page.reload()
    for task in ("One", "Two", "Three"):
        expect(bob.todo(task)).to_have_count(1)
