"""The pages of Wiki0, for their author, a colleague, a stranger and a visitor who is not signed in."""

import re
from html import escape as html_escape

import pytest
from django.db import connection
from django.test import Client
from django.utils.html import escape

from crossapp.requesting_app.errors import Cause
from tenants.models import User
from tests.wiki.conftest import FakeTodo0
from tests.wiki.people import TODO, browser_of
from wiki.models import Article


def test_home_explains_wiki0_and_offers_to_sign_in(server: object) -> None:
    response = browser_of(None).get("/")
    assert response.status_code == 200
    assert b'href="/sign-in"' in response.content
    assert b"ID-JAG" in response.content
    assert b"debug-console" not in response.content


def test_home_offers_to_create_a_page_when_signed_in(browser: Client) -> None:
    response = browser.get("/")
    assert b"Create page" in response.content
    assert b"debug-console" in response.content


@pytest.mark.parametrize("path", ["/pages/", "/pages/1", "/pages/1/edit", "/pages/1/delete", "/debug-console"])
def test_without_a_session_one_is_asked_to_sign_in(server: object, path: str) -> None:
    response = browser_of(None).get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/sign-in?next={path}"


def test_the_list_is_empty_at_first(browser: Client) -> None:
    assert b"No pages yet" in browser.get("/pages/").content


def test_the_list_shows_the_pages_of_the_tenant_and_no_others(
    browser: Client, article: Article, colleague: User, stranger: User
) -> None:
    Article.objects.create(author=colleague, title="Rabbits", content="<p>Follow the white rabbit</p>")
    Article.objects.create(author=stranger, title="Secrets")
    page = browser.get("/pages/").content.decode()
    assert all(
        text in page for text in ("Guacamole", "Avocados", "You", "Rabbits", "Follow the white rabbit", "Trinity")
    )
    assert "Secrets" not in page


def test_the_list_has_pages(browser: Client, bob: User) -> None:
    for number in range(30):
        Article.objects.create(author=bob, title=f"Number {number}")
    assert b"Older" in browser.get("/pages/").content
    assert b"Newer" in browser.get("/pages/?page=2").content
    assert browser.get("/pages/?page=x%00").status_code == 200
    assert browser.get("/pages/?page=99999999999999999999999").status_code == 200


def test_a_page_is_read_by_the_tenant_but_changed_only_by_its_author(article: Article, colleague: User) -> None:
    mine = browser_of(article.author).get(f"/pages/{article.pk}")
    assert b"<p>Avocados</p>" in mine.content
    assert b"Edit</a>" in mine.content
    theirs = browser_of(colleague).get(f"/pages/{article.pk}")
    assert b"<p>Avocados</p>" in theirs.content
    assert b"Edit</a>" not in theirs.content
    assert "no-store" in theirs["Cache-Control"]


@pytest.mark.clause("requirements.md", "XS-24", "another tenant's page does not exist")
@pytest.mark.parametrize("rest", ["", "/edit", "/delete"])
def test_a_page_of_another_tenant_does_not_exist(article: Article, stranger: User, rest: str) -> None:
    browser = browser_of(stranger)
    assert browser.get(f"/pages/{article.pk}{rest}").status_code == 404


@pytest.mark.clause("requirements.md", "XS-24", "a colleague's page cannot be changed")
@pytest.mark.parametrize("rest", ["/edit", "/delete"])
def test_a_colleague_cannot_change_a_page(article: Article, colleague: User, rest: str) -> None:
    browser = browser_of(colleague)
    assert browser.get(f"/pages/{article.pk}{rest}").status_code == 404
    assert browser.post(f"/pages/{article.pk}{rest}", {"title": "x", "version": 1}).status_code == 404
    assert Article.objects.get().title == "Guacamole"


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 19, "9" * 400, "9" * 5000, "1%00", "１"])
def test_no_page_number_is_a_server_error(browser: Client, number: str) -> None:
    assert browser.get(f"/pages/{number}").status_code == 404


@pytest.mark.clause("requirements.md", "XS-05 XS-14", "titles and names are text, also within attributes")
def test_titles_and_names_are_escaped(browser: Client, bob: User) -> None:
    bob.first_name = "\"><i title='B"
    bob.save()
    article = Article.objects.create(author=bob, title="</title><script>x</script>\"' 🥑")
    for path in ("/pages/", f"/pages/{article.pk}", f"/pages/{article.pk}/edit", f"/pages/{article.pk}/delete"):
        page = browser.get(path).content.decode()
        assert "<script>x" not in page and "<i title" not in page
        assert escape(article.title) in page
        assert f'title="{escape(bob.display_name)}"' in page


OUTSIDE = '<script>x</script>"><img src=x onerror=x>'


@pytest.mark.clause("requirements.md", "XS-18", "escaped wherever else a page's text comes up")
def test_titles_are_escaped_in_the_admin_its_search_and_messages(browser: Client, bob: User) -> None:
    article = Article.objects.create(author=bob, title=OUTSIDE)
    operator = User.objects.create_superuser("operator", realm="staff")
    admin = Client(headers={"host": "localhost:8000"})
    admin.force_login(operator, backend="tenants.passwords.RealmBackend")
    pages = [
        admin.get("/admin/wiki/article/", {"q": OUTSIDE}),
        admin.get(f"/admin/wiki/article/{article.pk}/change/"),
        admin.get(f"/admin/wiki/article/{article.pk}/delete/"),
        browser.post(f"/pages/{article.pk}/delete", follow=True),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>x" not in page.content.decode() and "<img src=x" not in page.content.decode()
        assert escape(OUTSIDE) in page.content.decode()


@pytest.mark.clause("requirements.md", "XS-19", "neither the editor's form nor its settings nor JSON can be closed")
@pytest.mark.parametrize("end", ["</script>", "</textarea>", "]]>", "-->", "&lt;/textarea&gt;", "</ScRiPt >"])
def test_content_stays_in_the_editor_and_in_json(browser: Client, bob: User, end: str) -> None:
    text = f"{end}<script>alert(1)</script>{end}"
    article = Article.objects.create(author=bob, title="t")
    with connection.cursor() as cursor:  # as if there were no sanitiser
        cursor.execute("UPDATE wiki_article SET content = %s WHERE id = %s", [f"<p>{text}</p>", article.pk])
    page = browser.get(f"/pages/{article.pk}/edit").content.decode()
    assert "<script>alert" not in page
    form, _, _ = page.partition('id="id_content"')[2].partition("</textarea>")
    assert "&lt;p&gt;" in form and "<" not in form.partition(">")[2]
    answer = browser.get(f"/api/articles/{article.pk}")
    assert answer["Content-Type"].startswith("application/json")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.json()["content"] == f"<p>{text}</p>"  # of type JSON: no page


TEMPLATES = "{{constructor.constructor('x')()}} {{ 7|add:7 }} {% csrf_token %} [[x]] ${7*7} #{7*7} <%= 7*7 %>"


@pytest.mark.clause("requirements.md", "XS-20", "no template of whichever kind is run from a page")
def test_templates_in_a_page_are_text(browser: Client, bob: User) -> None:
    article = Article.objects.create(author=bob, title=TEMPLATES, content=f"<p>{escape(TEMPLATES)}</p>")
    response = browser.get(f"/pages/{article.pk}")
    page = response.content.decode()
    assert page.count(escape(TEMPLATES)) >= 2  # <title> and heading
    assert f"<p>{html_escape(TEMPLATES, quote=False)}</p>" in page
    assert "'unsafe-eval'" not in response["Content-Security-Policy"]


def test_create_page_makes_the_demo_page_with_a_todo_of_its_author(
    browser: Client, bob: User, todo0: FakeTodo0
) -> None:
    url = todo0.add(bob, 7)
    response = browser.post("/pages/create")
    article = Article.objects.get()
    assert response["Location"] == f"/pages/{article.pk}/edit"
    assert f'<a href="{url}" rel="noopener noreferrer nofollow">{url}</a>' in article.content
    assert "Buy avocados" not in article.content
    (call,) = todo0.calls
    assert (call["user"], call["method"], call["path"]) == (bob, "GET", "/todos")


def test_the_demo_page_of_a_user_without_todos_shows_an_example_link(browser: Client, todo0: FakeTodo0) -> None:
    browser.post("/pages/create")
    content = Article.objects.get().content
    assert "you have none yet" in content
    assert f"<code>{TODO}/todos/1</code>" in content


def test_the_demo_page_says_why_it_has_no_todo(browser: Client, todo0: FakeTodo0) -> None:
    todo0.fail(Cause.NOT_ALLOWED)
    browser.post("/pages/create")
    content = Article.objects.get().content
    assert "could not fetch it: Not allowed by your organisation." in content
    assert f"<code>{TODO}/todos/1</code>" in content


def test_a_blank_page_does_not_call_todo0(browser: Client, todo0: FakeTodo0) -> None:
    browser.post("/pages/create", {"blank": "1"})
    assert Article.objects.get().title == "Untitled"
    assert todo0.calls == []


def test_a_page_is_created_by_post_with_the_csrf_token_only(bob: User) -> None:
    assert browser_of(bob).get("/pages/create").status_code == 405
    assert browser_of(bob, enforce_csrf_checks=True).post("/pages/create").status_code == 403
    assert not Article.objects.exists()


def test_the_editor_is_there_with_its_extension_and_no_inline_script(browser: Client, article: Article) -> None:
    response = browser.get(f"/pages/{article.pk}/edit")
    page = response.content.decode()
    assert "data-django-prose-editor-configurable" in page
    assert "wiki/editor_extensions.js" in page
    inline = [tag for tag in page.split("<script")[1:] if "src=" not in tag.partition(">")[0]]
    (importmap,) = inline
    nonce = importmap.partition('nonce="')[2].partition('"')[0]
    assert nonce and f"'nonce-{nonce}'" in response["Content-Security-Policy"]


def test_without_script_the_form_saves(browser: Client, article: Article) -> None:
    data = {"title": "Renamed", "content": "<p>New<script>x</script></p>", "version": "1"}
    response = browser.post(f"/pages/{article.pk}/edit", data)
    assert response["Location"] == f"/pages/{article.pk}"
    article.refresh_from_db()
    assert (article.title, article.content, article.version) == ("Renamed", "<p>New</p>", 2)


@pytest.mark.clause("requirements.md", "XS-26", "without script too")
def test_without_script_a_stale_form_keeps_its_text_and_says_so(browser: Client, article: Article) -> None:
    browser.post(f"/pages/{article.pk}/edit", {"title": "First", "content": "a", "version": "1"})
    response = browser.post(f"/pages/{article.pk}/edit", {"title": "Second", "content": "b", "version": "1"})
    assert response.status_code == 200
    assert b"Another tab or window has changed this page" in response.content
    assert b'value="Second"' in response.content
    assert Article.objects.get().title == "First"


@pytest.mark.parametrize(
    "data",
    [{}, {"title": ""}, {"title": "x" * 201}, {"title": "t", "version": "0"}, {"title": "t", "version": "9" * 99}],
)
def test_a_form_that_is_not_valid_is_shown_again(browser: Client, article: Article, data: dict[str, str]) -> None:
    response = browser.post(f"/pages/{article.pk}/edit", {"content": "x", **data})
    assert response.status_code == 200
    assert Article.objects.get().title == "Guacamole"


def test_a_page_is_deleted_after_a_confirmation(browser: Client, article: Article) -> None:
    assert b"Delete this page?" in browser.get(f"/pages/{article.pk}/delete").content
    assert Article.objects.exists()
    response = browser.post(f"/pages/{article.pk}/delete", follow=True)
    assert "Page “Guacamole” deleted." in response.content.decode()
    assert not Article.objects.exists()


@pytest.mark.clause("requirements.md", "UF-31", "a page holds only its links, also after a user has seen their cards")
def test_a_page_in_the_read_view_holds_the_plain_link_only(
    browser: Client, bob: User, colleague: User, todo0: FakeTodo0
) -> None:
    url = todo0.add(bob, 1)
    article = Article.objects.create(author=bob, title="t", content=f"<p>{url}</p>")
    content = article.content
    ask = {"data": {"urls": [url]}, "content_type": "application/json"}
    assert browser.post("/api/articles/unfurl", **ask).json()["cards"][0]["card"]["title"] == "Buy avocados"
    todo0.calls.clear()
    for viewer in (browser, browser_of(colleague)):
        page = viewer.get(f"/pages/{article.pk}").content.decode()
        assert f'<a href="{url}" rel="noopener noreferrer nofollow">{url}</a>' in page
        assert "Buy avocados" not in page
    assert todo0.calls == []
    assert Article.objects.get().content == content
    (card,) = browser_of(colleague).post("/api/articles/unfurl", **ask).json()["cards"]
    assert (card["card"], card["reason"]["code"]) == (None, "not_found")


@pytest.mark.parametrize("button", [{"blank": "1"}, {}])
def test_a_form_creates_one_page_however_often_it_is_sent(
    browser: Client, todo0: FakeTodo0, button: dict[str, str]
) -> None:
    key = re.findall(r'name="form_key" value="([^"]+)"', browser.get("/pages/").content.decode())[0]
    answers = [browser.post("/pages/create", {**button, "form_key": key}) for _ in range(3)]
    assert {answer["Location"] for answer in answers} == {f"/pages/{Article.objects.get().pk}/edit"}


def test_the_next_form_creates_another_page(browser: Client) -> None:
    for _ in range(2):
        key = re.findall(r'name="form_key" value="([^"]+)"', browser.get("/pages/").content.decode())[0]
        browser.post("/pages/create", {"blank": "1", "form_key": key})
    assert Article.objects.count() == 2


@pytest.mark.parametrize("path", ["/pages/{}", "/pages/{}/edit"])
def test_a_slow_double_click_on_the_button_of_the_page_before_does_not_meet_delete(
    browser: Client, article: Article, path: str
) -> None:
    """That button, Create page, Done or Edit, stands at the right of the first row."""
    page = browser.get(path.format(article.pk)).content.decode()
    head = page.split('class="spread page-head"')[1].split("</div>\n")[0]
    last = re.findall(r"<(?:a|button)[^>]*class=\"button[^>]*>(.*?)</(?:a|button)>", head, re.DOTALL)[-1]
    assert "Delete" not in last


def test_a_form_that_is_sent_after_the_session_returns_what_was_typed(server: object, article: Article) -> None:
    typed = {"title": "Guacamole", "content": "<p>More limes</p>", "version": "1"}
    answer = browser_of(None).post(f"/pages/{article.pk}/edit", typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 401
    assert "&lt;p&gt;More limes&lt;/p&gt;" in answer.content.decode()
