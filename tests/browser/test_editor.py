"""The editor of a page: what is pasted, and what happens to a save that fails."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.people import Person

STORED = "url => fetch(url).then(answer => answer.json()).then(page => page.content)"
LOSE_THE_NEXT_ANSWER = """() => {
  const real = window.fetch;
  window.fetch = async (...request) => {
    window.fetch = real;
    await real(...request);
    throw new TypeError("the connection was lost");
  };
}"""
PASTE_FILE = """([type, html]) => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], "x", { type }));
  if (html) data.setData("text/html", html);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(".ProseMirror").dispatchEvent(event);
}"""


@pytest.fixture
def bob(person: Person) -> Person:
    """Bob with a new, blank page in the editor."""
    person.sign_in("todo", "bob@tables.fake")
    person.sign_in("wiki", "bob@tables.fake", password_asked=False)
    person.go("wiki", "/pages/")
    person.page.get_by_role("button", name="Blank page").click()
    expect(person.editor).to_be_visible()
    return person


def stored(bob: Person) -> str:
    path = bob.page.url.removeprefix(bob.origins["wiki"]).removesuffix("/edit").replace("/pages/", "/api/articles/")
    return str(bob.page.evaluate(STORED, path))


def test_the_caret_stays_behind_what_was_pasted(bob: Person) -> None:
    link = f"{bob.origins['todo']}/todos/1"
    anchor = f'<a href="{link}" rel="noopener noreferrer nofollow">{link}</a>'
    around = [
        ("Before ", " after."),
        ("“", "”"),
        ("「", "」"),
        ("", "。"),
        ("[text](", ")"),
        ("\u200b", "\u200b"),
        ("", ""),
    ]
    for before, after in around:
        bob.paste(f"{before}{link}{after}")
        bob.page.keyboard.type("X")
    bob.wait_until_saved()
    assert stored(bob) == "<p></p>" + "".join(f"<p>{before}{anchor}{after}X</p>" for before, after in around)


def test_a_save_that_fails_is_repeated_without_a_key_pressed(bob: Person, problems: list[str]) -> None:
    failing: list[int] = []

    def fail(route: Route) -> None:
        if not failing or route.request.method != "PUT":
            route.continue_()
        elif failing[0]:
            route.fulfill(status=failing[0], headers={"Retry-After": "1"}, body="<html>no JSON</html>")
        else:
            route.abort()

    bob.page.route("**/api/articles/*", fail)
    for status in (500, 502, 503, 429, 0):
        failing.append(status)
        bob.editor.press_sequentially(f"{status} ")
        expect(bob.page.get_by_role("alert")).to_contain_text("Wiki0 retries automatically")
        failing.clear()
        bob.wait_until_saved()
        expect(bob.page.get_by_role("alert")).to_be_hidden()
    assert stored(bob) == "<p>500 502 503 429 0 </p>"
    problems.clear()


def test_a_save_whose_answer_is_lost_does_not_conflict_with_itself(bob: Person) -> None:
    bob.page.evaluate(LOSE_THE_NEXT_ANSWER)
    bob.editor.press_sequentially("one")
    expect(bob.page.get_by_role("alert")).to_contain_text("Wiki0 does not answer.")
    bob.editor.press_sequentially(" two")
    bob.wait_until_saved()
    expect(bob.page.get_by_role("button", name="Replace it with my text")).to_be_hidden()
    bob.page.wait_for_timeout(1000)
    bob.wait_until_saved()
    assert stored(bob) == "<p>one two</p>"


def test_a_pasted_picture_says_that_a_page_holds_none(bob: Person) -> None:
    for html in ("", '<img src="https://x.example/y.png">'):
        bob.editor.press_sequentially("x")
        bob.wait_until_saved()
        bob.page.evaluate(PASTE_FILE, ["image/png", html])
        expect(bob.page.locator("#save-state")).to_have_text("A page holds no pictures or files: nothing was pasted.")
