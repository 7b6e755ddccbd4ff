"""A link to a todo, pasted into a page of Wiki0, is a live card, for those who may see the todo."""

import pytest
from playwright.sync_api import Locator, expect

from audit.models import Act, AuditEvent
from crossapp.requesting_app.models import StoredAccessToken
from idp.models import CrossAppPolicy
from tenants.models import User
from tests.browser.conftest import NewPerson
from tests.browser.people import Person
from todo.models import Todo
from wiki.models import Article


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


def test_a_card_within_text_wraps_like_text_on_a_phone(bob: Person, width: str) -> None:
    link = bob.add_task("Feed the white rabbit and every other rabbit that comes along before noon")
    bob.create_page()  # it names the first todo within a sentence
    bob.paste(link)
    within = bob.page.locator(f".todo-link:not(.todo-link-alone) > [href='{link}']")
    alone = bob.page.locator(f".todo-link-alone > [href='{link}']")
    for card in (within, alone):
        expect(card.locator(".badge")).to_have_count(1)
    assert (pieces(within) > 1, pieces(alone)) == (width == "phone", 1)
    bob.page.get_by_role("button", name="Done").click()
    expect(bob.editor).to_have_count(0)
    for card in (within, alone):
        expect(card.locator(".badge")).to_have_count(1)
    assert (pieces(within) > 1, pieces(alone)) == (width == "phone", 1)


def pieces(card: Locator) -> int:
    """Return of how many boxes a card consists, one on each line."""
    return int(card.evaluate("card => card.getClientRects().length"))


def test_words_become_a_link_by_pasting_one_over_them_or_by_the_dialog(bob: Person) -> None:
    link = bob.add_task("Feed the rabbit")
    bob.create_page()
    bob.paste("the rabbit")
    bob.page.keyboard.press("Shift+Home")
    bob.page.evaluate("text => navigator.clipboard.writeText(text)", link)
    bob.page.keyboard.press("Control+v")
    expect(bob.card(link)).to_contain_text("Feed the rabbit")
    bob.paste("other rabbits")
    bob.page.keyboard.press("Shift+Home")
    bob.page.get_by_role("button", name="Link", exact=True).click()
    dialog = bob.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Add a link")
    dialog.get_by_label("Address").fill("rabbits.example/white")
    dialog.get_by_role("button", name="Add link").click()
    expect(bob.editor.get_by_role("link", name="other rabbits")).to_be_visible()
    bob.page.get_by_role("button", name="Done").click()
    expect(bob.editor).to_have_count(0)
    stored = Article.objects.latest("pk").content
    for href, words in ((link, "the rabbit"), ("https://rabbits.example/white", "other rabbits")):
        assert f'<a href="{href}" rel="noopener noreferrer nofollow">{words}</a>' in stored


def test_without_javascript_a_page_is_edited_and_says_how(new_person: NewPerson) -> None:
    bob = new_person(java_script_enabled=False)
    bob.sign_in("wiki", "bob@tables.fake")
    bob.go("wiki")
    bob.page.get_by_role("button", name="Create page").click()
    expect(bob.page.get_by_text("nothing is saved before you press Save")).to_be_visible()
    expect(bob.page.get_by_text("The page saves automatically.")).to_be_hidden()
    for gone in ("Done", "Debug console"):
        expect(bob.page.get_by_role("button", name=gone)).to_have_count(0)
    bob.page.get_by_label("Text").fill("<p>Without <strong>script</strong></p>")
    bob.page.get_by_role("button", name="Save").click()
    expect(bob.page.get_by_text("Without script")).to_be_visible()


def test_a_typed_link_becomes_a_card_too(bob: Person) -> None:
    link = bob.add_task("Feed the rabbit")
    bob.create_page()
    bob.paste("Look at ")
    bob.page.keyboard.type(f"{link} ")
    expect(bob.card(link)).to_contain_text("Feed the rabbit")


def test_the_first_view_of_a_page_with_thirty_links_makes_one_request_and_one_exchange(bob: Person) -> None:
    owner = Todo.objects.filter(owner__email="bob@tables.fake")[0].owner
    todos = [Todo.objects.create(owner=owner, task=f"Task {number}") for number in range(30)]
    links = [f"{bob.origins['todo']}/todos/{todo.pk}" for todo in todos]
    author = User.objects.get(realm="wiki", email="bob@tables.fake")
    article = Article.objects.create(author=author, content="".join(f"<p>{link}</p>" for link in links))
    asked: list[str] = []
    bob.page.on("request", lambda request: asked.append(request.url))
    bob.go("wiki", f"/pages/{article.pk}")
    expect(bob.page.locator(".todo-card .badge")).to_have_count(30)
    assert [card.split()[:3] for card in bob.page.locator(".todo-card").all_inner_texts()] == [
        ["Todo0", "Task", str(number)] for number in range(30)
    ]
    assert [url for url in asked if "/api/" in url] == [f"{bob.origins['wiki']}/api/articles/unfurl"]
    assert AuditEvent.objects.filter(act=Act.TOKEN_EXCHANGE).count() == 1
    assert AuditEvent.objects.filter(act=Act.REDEMPTION).count() == 1


def test_thirty_links_that_fail_say_whose_fault_it_is_and_show_their_reference_once(bob: Person) -> None:
    CrossAppPolicy.objects.update(enabled=False)
    author = User.objects.get(realm="wiki", email="bob@tables.fake")
    links = [f"{bob.origins['todo']}/todos/{number}" for number in range(1, 31)]
    article = Article.objects.create(author=author, content="".join(f"<p>{link}</p>" for link in links))
    bob.go("wiki", f"/pages/{article.pk}")
    expect(bob.page.get_by_text("Not allowed by your organisation")).to_have_count(30)
    [row] = AuditEvent.objects.filter(act=Act.CROSS_APP_ACCESS)
    references = bob.page.get_by_text(f"Reference {row.request_id[:8]}")
    expect(references).to_have_count(30)
    expect(references.locator("visible=true")).to_have_count(1)


def test_links_added_one_by_one_make_one_exchange(bob: Person) -> None:
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


@pytest.mark.clause("requirements.md", "DC-15", "no token is kept where a script of the page could find it")
def test_the_debug_console_shows_claims_and_no_token(bob: Person) -> None:
    bob.create_page()
    expect(bob.page.locator(".todo-card .badge").first).to_be_visible()
    bob.page.get_by_role("button", name="Done").click()
    bob.page.get_by_role("button", name="Debug console").click()
    console = bob.page.get_by_role("dialog")
    for text in ("ID token", "ID-JAG", "Access token", "wiki0-at-todo0", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        expect(console).to_contain_text(text)
    assert "eyJ" not in console.inner_text()
    bob.page.get_by_role("button", name="Close").click()
    assert bob.page.evaluate(BUTTON_COVERS) == []
    for stored in (bob.page.evaluate(STORED), bob.page.url):
        assert "eyJ" not in stored
    assert bob.page.context.storage_state(indexed_db=True)["origins"] == []


# What of the page's text lies under the button of the console, when the page is scrolled to its beginning.
BUTTON_COVERS = """() => {
    scrollTo(0, 0);
    const button = document.getElementById("debug-console-button").getBoundingClientRect();
    const covered = ({ top, bottom, left, right }) =>
        top < button.bottom && bottom > button.top && left < button.right && right > button.left;
    return [...document.querySelectorAll("main p, main li, main h1, main h2")]
        .filter((element) => covered(element.getBoundingClientRect()))
        .map((element) => element.textContent);
}"""
STORED = "() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href])"


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
