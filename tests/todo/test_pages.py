"""The pages of Todo0, with htmx and without JavaScript."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tenants.models import IdPConnection, User
from tests.support.kept_rows import forget_rows
from tests.todo.people import HOST, ORIGIN, browser_of, make_user
from todo.models import Todo

HTMX = {"HX-Request": "true", "HX-Current-URL": f"{ORIGIN}/"}


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def test_the_list_shows_open_tasks_first_and_newest_first(browser: Client, bob: User) -> None:
    for task, completed in [("old", False), ("done", True), ("new", False)]:
        Todo.objects.create(owner=bob, task=task, completed=completed)
    tasks = re.findall(r'class="todo-task[^>]*>([^<]+)</a>', text_of(browser.get("/")))
    assert tasks == ["new", "old", "done"]


def test_the_list_is_only_of_who_is_signed_in(browser: Client, todo: Todo, colleague: User) -> None:
    assert "Call the dentist" in text_of(browser.get("/"))
    assert "Call the dentist" not in text_of(browser_of(colleague).get("/"))


def test_an_empty_list_says_how_to_begin(browser: Client) -> None:
    assert "Nothing to do" in text_of(browser.get("/"))


def test_adding_a_task_without_htmx_redirects_to_the_list_and_says_so(browser: Client, bob: User) -> None:
    response = browser.post("/", {"task": "  Buy avocados  "}, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "Task added." in text_of(response)
    assert [todo.task for todo in Todo.objects.of(bob)] == ["Buy avocados"]


def test_adding_a_task_with_htmx_answers_with_the_parts_that_change(browser: Client) -> None:
    response = browser.post("/", {"task": "Buy avocados"}, headers=HTMX)
    page = text_of(response)
    assert response.status_code == 200
    assert "<html" not in page
    assert re.findall(r'id="(todos|add|status)"\s+[^>]*hx-swap-oob', page) == ["todos", "add", "status"]
    assert "Buy avocados" in page
    assert "Task added." in page
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("", "Enter a task."),
        (" \t ", "Enter a task."),
        ("y" * 501, "A task may have at most 500 characters; this one has 501."),
        ("one\ntwo", "A task must be one line without control characters."),
        ("bell\x07", "A task must be one line without control characters."),
        ("nul\x00", "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_refused_task_is_kept_with_the_reason(
    browser: Client, task: str, reason: str, headers: dict[str, str]
) -> None:
    response = browser.post("/", {"task": task}, headers=headers)
    assert response.status_code == 200
    assert reason in text_of(response)
    assert not task.strip() or f'value="{task}"' in text_of(response)
    assert not Todo.objects.exists()


def test_a_task_of_500_characters_of_any_script_is_kept_and_escaped(browser: Client) -> None:
    task = "<script>alert(1)</script> שלום 🥑 ".ljust(500, "é")
    browser.post("/", {"task": task})
    assert Todo.objects.get().task == task
    assert b"<script>alert" not in browser.get("/").content


def test_the_checkbox_says_the_state_it_wants(browser: Client, todo: Todo) -> None:
    for _ in range(2):
        response = browser.post(f"/todos/{todo.pk}/complete", {"completed": "on"}, follow=True)
        todo.refresh_from_db()
        assert todo.completed
    assert "Task completed." in text_of(response)
    browser.post(f"/todos/{todo.pk}/complete")
    todo.refresh_from_db()
    assert not todo.completed


def test_completing_with_htmx_answers_with_the_list(browser: Client, todo: Todo) -> None:
    page = text_of(browser.post(f"/todos/{todo.pk}/complete", {"completed": "on"}, headers=HTMX))
    assert 'id="group-done"' in page
    assert 'id="group-open"' not in page
    assert "Task completed." in page


def test_completing_on_the_todos_own_page_stays_there(browser: Client, todo: Todo) -> None:
    address = f"/todos/{todo.pk}/complete"
    assert browser.post(address, {"completed": "on", "on": "detail"})["Location"] == f"/todos/{todo.pk}"
    page = text_of(browser.post(address, {"completed": "on", "on": "detail"}, headers=HTMX))
    assert 'id="todos"' not in page
    assert "badge-done" in page


def test_completing_does_not_undo_a_rename_made_meanwhile(browser: Client, todo: Todo) -> None:
    before = todo.updated_at
    Todo.objects.filter(pk=todo.pk).change(task="Call the surgeon")
    browser.post(f"/todos/{todo.pk}/complete", {"completed": "on"})
    todo.refresh_from_db()
    assert (todo.task, todo.completed) == ("Call the surgeon", True)
    assert todo.updated_at > before


def test_renaming_asks_in_place_with_htmx_and_on_a_page_without(browser: Client, todo: Todo) -> None:
    part = text_of(browser.get(f"/todos/{todo.pk}/rename", headers=HTMX))
    page = text_of(browser.get(f"/todos/{todo.pk}/rename"))
    assert "<html" not in part
    assert "<html" in page
    for answer in (part, page):
        assert f'id="task-{todo.pk}"' in answer
        assert 'value="Call the dentist"' in answer


def test_renaming_saves_and_returns_to_where_it_began(browser: Client, todo: Todo) -> None:
    address = f"/todos/{todo.pk}/rename"
    assert browser.post(address, {"task": " Call Ann "})["Location"] == "/"
    assert browser.post(address, {"task": "Call Ann", "on": "detail"})["Location"] == f"/todos/{todo.pk}"
    todo.refresh_from_db()
    assert todo.task == "Call Ann"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_refused_name_is_kept_with_the_reason(browser: Client, todo: Todo, headers: dict[str, str]) -> None:
    page = text_of(browser.post(f"/todos/{todo.pk}/rename", {"task": "y" * 501}, headers=headers))
    assert "A task may have at most 500 characters" in page
    assert "y" * 501 in page
    todo.refresh_from_db()
    assert todo.task == "Call the dentist"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_deleting_removes_it_and_says_so(browser: Client, todo: Todo, headers: dict[str, str]) -> None:
    response = browser.post(f"/todos/{todo.pk}/delete", headers=headers, follow=True)
    assert "Task deleted." in text_of(response)
    assert "Nothing to do" in text_of(response)
    assert not Todo.objects.exists()


def test_the_page_of_a_todo_shows_its_state_and_its_link(browser: Client, todo: Todo) -> None:
    page = text_of(browser.get(f"/todos/{todo.pk}"))
    assert "Call the dentist" in page
    assert "Not started" in page
    assert f'data-copy="{ORIGIN}/todos/{todo.pk}"' in page
    assert f'<a class="button button-quiet button-small" href="{ORIGIN}/todos/{todo.pk}">Copy link</a>' in page


def test_the_profile_shows_the_account_and_where_it_comes_from(browser: Client) -> None:
    page = text_of(browser.get("/profile"))
    for fact in (
        "Bob Tables",
        "bob@customer1.example",
        "Org customer1",
        "sub-bob",
        "http://customer1.idp.localhost:8000",
    ):
        assert fact in page


def test_a_second_account_of_the_same_person_is_told_apart_by_its_profile(bob: User) -> None:
    """A pairwise subject, or another IdP, makes a second account: it is younger and has no todos."""
    Todo.objects.create(owner=bob, task="Call the dentist")
    User.objects.update(date_joined="2026-03-14T00:00:00Z")
    second = make_user(bob.tenant, "bob-2")
    User.objects.filter(pk=second.pk).update(date_joined="2026-11-30T00:00:00Z", issuer="https://new-idp.example")
    pages = []
    for user, issuer in ((bob, "http://customer1.idp.localhost:8000"), (second, "https://new-idp.example")):
        IdPConnection.objects.update(issuer=issuer)
        forget_rows()
        pages.append(re.sub(r"(<[^>]*>|\s)+", " ", text_of(browser_of(User.objects.get(pk=user.pk)).get("/profile"))))
    assert "Account from http://customer1.idp.localhost:8000 since 14 Mar 2026 Todos 1 " in pages[0]
    assert "Account from https://new-idp.example since 30 Nov 2026 Todos 0 " in pages[1]


PAGES = ["/", "/profile", "/todos/1", "/todos/1/rename"]


@pytest.mark.parametrize("page", PAGES)
def test_an_anonymous_visitor_is_sent_to_sign_in(page: str) -> None:
    response = Client(headers={"host": HOST}).get(page)
    assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={page}")


def test_an_anonymous_change_returns_to_the_list_after_signing_in(todo: Todo) -> None:
    response = Client(headers={"host": HOST}).post(f"/todos/{todo.pk}/delete")
    assert (response.status_code, response["Location"]) == (302, "/sign-in?next=/")
    assert Todo.objects.exists()


@pytest.mark.parametrize(
    ("current", "following"),
    [(f"{ORIGIN}/todos/1", "/todos/1"), ("http://evil.example/x", "/"), ("http://[", "/")],
    ids=["ours", "evil", "no address"],
)
def test_htmx_sends_an_anonymous_visitor_to_sign_in_by_a_header(todo: Todo, current: str, following: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": current}
    response = Client(headers={"host": HOST}).post(f"/todos/{todo.pk}/delete", headers=headers)
    assert (response.status_code, response["HX-Redirect"]) == (200, f"/sign-in?next={following}")
    assert Todo.objects.exists()


def test_a_page_that_is_no_address_shows_the_first_todos(browser: Client, todo: Todo) -> None:
    response = browser.get("/", headers={"HX-Request": "true", "HX-Current-URL": "http://["})
    assert (response.status_code, "Call the dentist" in text_of(response)) == (200, True)


def test_pages_are_kept_out_of_caches(browser: Client) -> None:
    assert "no-store" in browser.get("/")["Cache-Control"]


@pytest.mark.parametrize("action", ["", "/complete", "/rename", "/delete"])
@pytest.mark.parametrize("whose", ["colleague", "stranger", "no owner"])
def test_what_belongs_to_others_does_not_exist(
    browser: Client, colleague: User, stranger: User, action: str, whose: str
) -> None:
    owner = {"colleague": colleague, "stranger": stranger}.get(whose)
    pk = Todo.objects.create(owner=owner, task="Mine").pk if owner else 999
    method = browser.get if action in ("", "/rename") else browser.post
    assert method(f"/todos/{pk}{action}").status_code == 404
    assert browser.post(f"/todos/{pk}/rename", {"task": "Yours"}).status_code == 404
    assert not owner or Todo.objects.get(pk=pk).task == "Mine"


@pytest.mark.parametrize(
    "pk", ["0", "-1", "01", "1e3", "0x10", "1.0", "１", "9223372036854775808", "9" * 5000, "1;DROP", "abc"]
)
def test_an_odd_number_is_not_found(browser: Client, todo: Todo, pk: str) -> None:
    assert browser.get(f"/todos/{pk}").status_code == 404
    assert browser.post(f"/todos/{pk}/delete").status_code == 404


@pytest.mark.parametrize("action", ["complete", "delete"])
def test_nothing_changes_by_get(browser: Client, todo: Todo, action: str) -> None:
    assert browser.get(f"/todos/{todo.pk}/{action}").status_code == 405
    browser.get(f"/todos/{todo.pk}/rename?task=Other")
    browser.get("/?task=Other")
    assert [(each.task, each.completed) for each in Todo.objects.all()] == [("Call the dentist", False)]


@pytest.mark.parametrize("address", ["/", "/todos/{}/complete", "/todos/{}/rename", "/todos/{}/delete"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_post_without_csrf_token_is_refused(bob: User, todo: Todo, address: str, headers: dict[str, str]) -> None:
    browser = browser_of(bob, enforce_csrf_checks=True)
    response = browser.post(address.format(todo.pk), {"task": "Other", "completed": "on"}, headers=headers)
    assert response.status_code == 403
    assert [(each.task, each.completed) for each in Todo.objects.all()] == [("Call the dentist", False)]


def test_the_token_in_the_form_lets_a_post_through_but_not_from_another_site(bob: User, todo: Todo) -> None:
    browser = browser_of(bob, enforce_csrf_checks=True)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text_of(browser.get("/")))
    assert token
    data = {"csrfmiddlewaretoken": token[1], "completed": "on"}
    address = f"/todos/{todo.pk}/complete"
    for origin in ("http://wiki.localhost:8000", "http://evil.example", "null"):
        assert browser.post(address, data, headers={"origin": origin}).status_code == 403
    assert browser.post(address, data, headers={"origin": ORIGIN}).status_code == 302


def test_an_account_of_another_realm_is_anonymous_here(bob: User, todo: Todo) -> None:
    User.objects.filter(pk=bob.pk).update(realm="wiki")
    assert browser_of(bob).get("/")["Location"] == "/sign-in?next=/"


def test_pages_have_no_inline_script_handler_or_style(browser: Client, todo: Todo) -> None:
    for page in ("/", "/profile", f"/todos/{todo.pk}", f"/todos/{todo.pk}/rename"):
        html = text_of(browser.get(page))
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:|<style", html)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_form_adds_one_task_however_often_it_is_sent(browser: Client, bob: User, headers: dict[str, str]) -> None:
    keys = re.findall(r'name="form_key" value="([^"]+)"', text_of(browser.get("/")) + text_of(browser.get("/")))
    assert len(set(keys)) == 2
    for key in (keys[0], keys[0], keys[1]):
        browser.post("/", {"task": "Buy avocados", "form_key": key}, headers=headers)
    assert [todo.task for todo in Todo.objects.of(bob)] == ["Buy avocados"] * 2


@pytest.mark.parametrize("key", ["", "no key", "0"])
def test_without_a_key_each_request_adds_a_task(browser: Client, bob: User, key: str) -> None:
    for _ in range(2):
        assert browser.post("/", {"task": "Buy avocados", "form_key": key}).status_code == 302
    assert Todo.objects.of(bob).count() == 2


def test_the_key_of_one_person_hides_no_task_of_another(browser: Client, bob: User, colleague: User) -> None:
    for person in (browser, browser_of(colleague)):
        person.post("/", {"task": "Buy avocados", "form_key": "8e27c6e4-4c1d-4b1b-9a52-0c8f2d2f7b6e"})
    assert (Todo.objects.of(bob).count(), Todo.objects.of(colleague).count()) == (1, 1)


SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Referer": f"{ORIGIN}/?page=2"}


def test_a_form_that_is_sent_after_the_session_returns_what_was_typed(browser: Client) -> None:
    answer = Client(headers={"host": HOST}).post("/", {"task": "Buy <b>avocados</b>"}, headers=SAME_ORIGIN)
    assert answer.status_code == 401
    assert "You are no longer signed in" in text_of(answer)
    assert "Buy &lt;b&gt;avocados" in answer.content.decode()
    assert 'href="/sign-in?next=/%3Fpage%3D2"' in answer.content.decode()


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_a_form_of_another_site_leads_to_the_sign_in_and_shows_nothing(browser: Client, site: str) -> None:
    answer = Client(headers={"host": HOST}).post("/", {"task": "Buy avocados"}, headers={"Sec-Fetch-Site": site})
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/")


def test_with_htmx_a_request_after_the_session_is_refused_and_leaves_the_page(browser: Client) -> None:
    answer = Client(headers={"host": HOST}).post("/", {"task": "Buy avocados"}, headers=HTMX)
    assert (answer.status_code, answer.content) == (401, b"")
    assert "HX-Redirect" not in answer
