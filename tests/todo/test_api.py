"""The API of Todo0: what it reads, writes and refuses, for a session and for a token."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import Settings

from tenants.models import User
from tests.todo.people import ORIGIN, browser_of
from todo.models import Todo

Bearer = Callable[..., Client]
MORE = "fields=__all__&expand=owner&search=his&q=hers&limit=1000&offset=0"
FIELDS = {"id", "task", "completed", "created_at", "updated_at", "url"}


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    """Send `body` as JSON; text is sent as it is."""
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.generic(method, f"/api{path}", data, content_type="application/json")


def assert_refused(response: Any, status: int, error: str, description: str = "") -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert set(response.json()) == {"error", "error_description"}
    assert description in response.json()["error_description"]


@pytest.fixture(params=["session", "bearer"])
def api(request: pytest.FixtureRequest, browser: Client, bearer: Bearer) -> Client:
    return browser if request.param == "session" else bearer()


# --- Reading


@pytest.mark.clause("requirements", "", "RS-23")
def test_a_todo_has_exactly_the_documented_fields(api: Client, todo: Todo) -> None:
    response = api.get(f"/api/todos/{todo.pk}")
    body = response.json()
    assert response.status_code == 200
    assert set(body) == FIELDS
    assert body["id"] == todo.pk
    assert (body["task"], body["completed"]) == ("Call the dentist", False)
    assert body["url"] == f"{ORIGIN}/todos/{todo.pk}"
    assert datetime.fromisoformat(body["created_at"]).tzinfo


@pytest.mark.clause("IDOR", "", "RS-11 RS-12 RS-21")
def test_the_list_is_ones_own_with_open_ones_first(api: Client, bob: User, colleague: User, stranger: User) -> None:
    for owner, task, completed in [
        (bob, "old", False),
        (bob, "done", True),
        (bob, "new", False),
        (colleague, "hers", False),
        (stranger, "his", False),
    ]:
        Todo.objects.create(owner=owner, task=task, completed=completed)
    body = api.get(f"/api/todos?user={stranger.pk}&owner={stranger.pk}&ordering=owner__password&{MORE}").json()
    assert [item["task"] for item in body["items"]] == ["new", "old", "done"]
    assert body["count"] == 3
    assert all(set(item) == FIELDS for item in body["items"])


def test_the_list_can_be_asked_for_some_ids(api: Client, bob: User, stranger: User) -> None:
    mine = [Todo.objects.create(owner=bob, task=str(number)).pk for number in range(3)]
    his = Todo.objects.create(owner=stranger, task="his").pk
    query = f"id={mine[0]}&id={mine[2]}&id={his}&id=0&id={2**63}&id={10**25}"
    body = api.get(f"/api/todos?{query}").json()
    assert {item["id"] for item in body["items"]} == {mine[0], mine[2]}
    assert body["count"] == 2


def test_ids_that_find_nothing_are_an_empty_list(api: Client, todo: Todo) -> None:
    assert api.get(f"/api/todos?id={2**63}").json() == {"items": [], "count": 0}


@pytest.mark.parametrize(("value", "tasks"), [("true", ["done"]), ("false", ["open"])])
def test_the_list_can_be_asked_for_completed_ones(api: Client, bob: User, value: str, tasks: list[str]) -> None:
    Todo.objects.create(owner=bob, task="open")
    Todo.objects.create(owner=bob, task="done", completed=True)
    assert [item["task"] for item in api.get(f"/api/todos?completed={value}").json()["items"]] == tasks


def test_the_list_comes_in_pages(api: Client, bob: User) -> None:
    for number in range(5):
        Todo.objects.create(owner=bob, task=str(number))
    pages = [api.get(f"/api/todos?page={page}&page_size=2").json() for page in (1, 2, 3, 4, 1_000_000)]
    assert [[item["task"] for item in page["items"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"], [], []]
    assert {page["count"] for page in pages} == {5}


def test_a_page_holds_a_hundred_unless_asked_for_less(api: Client, bob: User) -> None:
    Todo.objects.bulk_create([Todo(owner=bob, task="x") for _ in range(101)])
    body = api.get("/api/todos").json()
    assert (len(body["items"]), body["count"]) == (100, 101)


@pytest.mark.parametrize(
    "query",
    [
        *(
            "page=0",
            "page=-1",
            "page=1000001",
            "page=1000000000",
            "page=abc",
            "page_size=0",
            "page_size=101",
            "page_size=1000000",
        ),
        *("id=abc", "id=-1", "id=1.0", "id=１", "id=", "id=" + "1" * 31, "&".join(f"id={n}" for n in range(101))),
        *("completed=yes", "completed=1", "completed=", "completed=True"),
    ],
)
@pytest.mark.clause("limits", "", "RS-20")
def test_an_odd_filter_is_refused(api: Client, query: str) -> None:
    assert_refused(api.get(f"/api/todos?{query}"), 422, "invalid_request")


def test_users_me_says_who_calls(api: Client, bob: User) -> None:
    assert api.get("/api/users/me").json() == {
        "id": bob.pk,
        "name": "Bob Tables",
        "email": "bob@customer1.example",
        "organisation": "Org customer1",
    }


# --- Writing


@pytest.mark.clause("requirements", "", "RS-23")
def test_post_adds_a_todo_of_the_caller(api: Client, bob: User) -> None:
    response = send(api, "POST", "/todos", {"task": "  Buy avocados 🥑 "})
    assert response.status_code == 201
    assert set(response.json()) == FIELDS
    todo = Todo.objects.get()
    assert (todo.owner_id, todo.task, todo.completed) == (bob.pk, "Buy avocados 🥑", False)
    assert response.json()["url"] == todo.url


def test_put_replaces_both_fields(api: Client, todo: Todo) -> None:
    response = send(api, "PUT", f"/todos/{todo.pk}", {"task": "Call Ann", "completed": True})
    assert response.status_code == 200
    assert (response.json()["task"], response.json()["completed"]) == ("Call Ann", True)
    assert response.json()["updated_at"] > response.json()["created_at"]
    todo.refresh_from_db()
    assert (todo.task, todo.completed) == ("Call Ann", True)


@pytest.mark.parametrize("body", [{"task": "Call Ann"}, {"completed": True}, {}])
def test_put_needs_both_fields(api: Client, todo: Todo, body: dict[str, Any]) -> None:
    assert_refused(send(api, "PUT", f"/todos/{todo.pk}", body), 422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "task", "completed"),
    [
        ({"completed": True}, "Call the dentist", True),
        ({"task": "Call Ann"}, "Call Ann", False),
        ({}, "Call the dentist", False),
    ],
)
def test_patch_changes_what_it_names(api: Client, todo: Todo, body: dict[str, Any], task: str, completed: bool) -> None:
    response = send(api, "PATCH", f"/todos/{todo.pk}", body)
    assert response.status_code == 200
    todo.refresh_from_db()
    assert (response.json()["task"], response.json()["completed"]) == (todo.task, todo.completed) == (task, completed)


def test_delete_removes_it(api: Client, todo: Todo) -> None:
    response = send(api, "DELETE", f"/todos/{todo.pk}")
    assert (response.status_code, response.content) == (204, b"")
    assert not Todo.objects.exists()
    assert_refused(send(api, "DELETE", f"/todos/{todo.pk}"), 404, "not_found")


# --- Other people's


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.clause("IDOR", "", "RS-11 RS-12")
def test_what_belongs_to_others_reads_like_what_does_not_exist(
    api: Client, colleague: User, stranger: User, method: str
) -> None:
    answers = []
    for owner in (colleague, stranger):
        pk = Todo.objects.create(owner=owner, task="Mine").pk
        answers.append(send(api, method, f"/todos/{pk}", {"task": "Yours", "completed": True}))
        assert [Todo.objects.get(pk=pk).task, Todo.objects.get(pk=pk).completed] == ["Mine", False]
    answers.append(send(api, method, "/todos/999", {"task": "Yours", "completed": True}))
    for answer in answers:
        assert_refused(answer, 404, "not_found")
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "pk",
    [
        *("0", "-1", "01", "1e3", "0x10", "1.0", "１", "9223372036854775808", "9" * 5000, "1;DROP", "1/x", "1/"),
        *("abc", "call-the-dentist", "0190b7c4-7d3b-7cc1-8b1e-2f4f8d1c9a55"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.clause("IDOR", "", "RS-12 RS-19")
def test_an_odd_number_is_not_found(api: Client, todo: Todo, method: str, pk: str) -> None:
    answer = send(api, method, f"/todos/{pk}", {"task": "Other", "completed": True})
    assert_refused(answer, 404, "not_found")
    todo.refresh_from_db()
    assert todo.task == "Call the dentist"


def test_an_unknown_path_is_not_found_in_json(api: Client) -> None:
    assert_refused(api.get("/api/nothing"), 404, "not_found")


# --- Bodies


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("", "Enter a task."),
        (" \t", "Enter a task."),
        ("y" * 501, "at most 500 characters"),
        ("nul\x00", "without control characters"),
        ("one\ntwo", "without control characters"),
        (1, "string"),
        (["x"], "string"),
        ({"x": 1}, "string"),
        (None, "string"),
        (True, "string"),
    ],
)
@pytest.mark.clause("requirements", "", "RS-15")
def test_a_task_is_one_line_of_text(api: Client, todo: Todo, task: Any, reason: str) -> None:
    body = {"task": task, "completed": False}
    assert_refused(send(api, "POST", "/todos", body), 422, "invalid_request", reason)
    assert_refused(send(api, "PUT", f"/todos/{todo.pk}", body), 422, "invalid_request", reason)
    assert_refused(send(api, "PATCH", f"/todos/{todo.pk}", {"task": task}), 422, "invalid_request", reason)
    assert [each.task for each in Todo.objects.all()] == ["Call the dentist"]


@pytest.mark.parametrize(
    "task",
    ["<script>alert(1)</script>", "שלום\u202e abc", "\u202egnp.exe", "a\u200bb", "'; DROP TABLE", "{{ 7*7 }}", "&lt;"],
)
@pytest.mark.clause("requirements", "", "RS-15")
def test_other_text_is_kept_as_it_is_and_shown_as_text(api: Client, browser: Client, task: str) -> None:
    body = send(api, "POST", "/todos", {"task": task}).json()
    assert body["task"] == Todo.objects.get().task == task
    for page in ("/", f"/todos/{body['id']}"):
        content = browser.get(page).content.decode()
        assert escape(task) in content
        assert escape(task) == task or task not in content


@pytest.mark.parametrize("completed", ["false", "true", "yes", 1, 0, None, [], {}])
@pytest.mark.clause("requirements", "", "RS-16")
def test_completed_is_true_or_false(api: Client, todo: Todo, completed: Any) -> None:
    body = {"task": "Other", "completed": completed}
    assert_refused(send(api, "POST", "/todos", body), 422, "invalid_request", "boolean")
    assert_refused(send(api, "PUT", f"/todos/{todo.pk}", body), 422, "invalid_request", "boolean")
    assert_refused(send(api, "PATCH", f"/todos/{todo.pk}", {"completed": completed}), 422, "invalid_request", "boolean")
    assert Todo.objects.filter(completed=False, task="Call the dentist").count() == Todo.objects.count() == 1


@pytest.mark.parametrize(
    "name", ["id", "owner", "owner_id", "user", "tenant", "created_at", "url", "is_admin", "_method", "x"]
)
@pytest.mark.clause("requirements", "mass assignment", "RS-13")
def test_read_only_fields_are_refused(api: Client, todo: Todo, stranger: User, name: str) -> None:
    body = {"task": "Other", "completed": True, name: stranger.pk}
    before = Todo.objects.values().get()
    assert_refused(send(api, "POST", "/todos", body), 422, "invalid_request")
    assert_refused(send(api, "PUT", f"/todos/{todo.pk}", body), 422, "invalid_request")
    assert_refused(send(api, "PATCH", f"/todos/{todo.pk}", body), 422, "invalid_request")
    assert Todo.objects.values().get() == before


@pytest.mark.clause("requirements", "mass assignment", "RS-14")
def test_a_put_with_the_id_of_another_todo_changes_neither(api: Client, bob: User, todo: Todo) -> None:
    other = Todo.objects.create(owner=bob, task="Call Ann")
    body = {"id": other.pk, "task": "Other", "completed": True}
    assert_refused(send(api, "PUT", f"/todos/{todo.pk}", body), 422, "invalid_request", "id")
    assert set(Todo.objects.values_list("task", "completed")) == {("Call the dentist", False), ("Call Ann", False)}


@pytest.mark.clause("requirements", "", "RS-21")
def test_no_parameter_shows_more_of_a_todo(api: Client, todo: Todo) -> None:
    plain = api.get(f"/api/todos/{todo.pk}")
    more = api.get(f"/api/todos/{todo.pk}?ordering=owner__password&{MORE}")
    assert more.json() == plain.json()


@pytest.mark.clause("RFC 9110", "13.1.1", "RS-22: the last write wins, and the documentation says so")
def test_the_last_write_wins_field_by_field(api: Client, todo: Todo) -> None:
    """Two callers have read the todo; each changes what it means to, and neither undoes the other's."""
    for body in ({"task": "Call Ann"}, {"completed": True}):
        stale = {"if-match": '"of-a-while-ago"', "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}
        response = api.generic("PATCH", f"/api/todos/{todo.pk}", json.dumps(body), "application/json", headers=stale)
        assert response.status_code == 200
        assert "ETag" not in response
    todo.refresh_from_db()
    assert (todo.task, todo.completed) == ("Call Ann", True)
    assert "The last write wins." in api.get("/api/openapi.json").json()["info"]["description"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"task"',
        b"\xff\xfe\xfa",
        b'{"task": "x", "task": "y"}',
        b'{"task": NaN}',
        b'{"task": "x", "completed": Infinity}',
        b'{"task": "\\ud800"}',
        b'{"task": "x", "\\ud800": 1}',
        b'{"task": ' + b"[" * 10_000,
        b'{"task": ' + b"[" * 8000 + b"]" * 8000 + b"}",
        b'{"task": ' + b"9" * 5000 + b"}",
        '{"task": "é"}'.encode("latin-1"),
        '{"task": "x"}'.encode("utf-16"),
    ],
)
@pytest.mark.clause("RFC 8259", "4", "RS-17")
def test_a_broken_body_is_refused(api: Client, body: bytes) -> None:
    response = send(api, "POST", "/todos", body)
    assert response.status_code in (400, 422)
    assert_refused(response, response.status_code, "invalid_request")
    assert not Todo.objects.exists()


def test_the_answer_says_what_is_wrong_with_the_json(api: Client) -> None:
    refused = send(api, "POST", "/todos", b'{"task": "x", "task": "y"}')
    assert_refused(refused, 400, "invalid_request", "an object has two members with one name")


@pytest.mark.clause("RFC 9110", "15.5.14", "RS-15 RS-17")
def test_a_big_body_is_refused_unread(api: Client) -> None:
    assert_refused(send(api, "POST", "/todos", {"task": "x" * 20_000}), 413, "invalid_request", "16384 bytes")
    for megabytes in (5, 10):
        assert_refused(send(api, "POST", "/todos", {"task": "x" * megabytes * 2**20}), 413, "invalid_request")
    assert not Todo.objects.exists()


@pytest.mark.clause("RFC 8259", "8.1", "RS-17")
def test_json_is_utf_8_whatever_charset_it_claims(api: Client) -> None:
    for charset in ("latin-1", "utf-16", "nonsense"):
        content_type = f"application/json; charset={charset}"
        assert api.generic("POST", "/api/todos", '{"task": "é"}'.encode("latin-1"), content_type).status_code == 400
        assert api.generic("POST", "/api/todos", '{"task": "é"}'.encode(), content_type).json()["task"] == "é"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.clause("RFC 9110", "15.5.16", "RS-18")
def test_a_body_that_does_not_say_it_is_json_is_refused(api: Client, content_type: str) -> None:
    response = api.generic("POST", "/api/todos", '{"task": "x"}', content_type=content_type)
    assert_refused(response, 415, "invalid_request", "application/json")
    assert not Todo.objects.exists()


FORMS = {
    "application/x-www-form-urlencoded": b"task=x&completed=true",
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="task"\r\n\r\nx\r\n--x--\r\n',
    "text/plain": b'{"task": "x", "completed": true}',
}


@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.clause("CSRF", "", "RS-18")
def test_no_form_of_a_foreign_page_changes_anything(bob: User, todo: Todo, content_type: str) -> None:
    before = Todo.objects.values().get()
    browser = browser_of(bob, enforce_csrf_checks=True)
    browser.get("/")
    anybody = Client(headers={"host": "todo.localhost:8000"}, enforce_csrf_checks=True)
    for method, path in (("POST", "/todos"), ("PUT", f"/todos/{todo.pk}"), ("DELETE", f"/todos/{todo.pk}")):
        form = (method, f"/api{path}", FORMS[content_type], content_type)
        assert_refused(browser.generic(*form, headers={"origin": "https://evil.example"}), 403, "csrf_failed")
        with_token = {"origin": "https://evil.example", "x-csrftoken": browser.cookies["idjag_csrf"].value}
        assert_refused(browser.generic(*form, headers=with_token), 403, "csrf_failed", "come from this site")
        assert_refused(anybody.generic(*form), 401, "unauthorized")
        own = browser.generic(*form, headers={"x-csrftoken": browser.cookies["idjag_csrf"].value})
        assert_refused(own, 415, "invalid_request", "application/json")
    assert Todo.objects.values().get() == before


# --- Who calls


@pytest.mark.clause("CSRF", "", "RS-18")
def test_a_session_call_that_changes_something_needs_the_csrf_token(bob: User, todo: Todo) -> None:
    browser = browser_of(bob, enforce_csrf_checks=True)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        path = "/todos" if method == "POST" else f"/todos/{todo.pk}"
        assert_refused(send(browser, method, path, {"task": "Other", "completed": True}), 403, "csrf_failed")
    assert [each.task for each in Todo.objects.all()] == ["Call the dentist"]


def test_a_session_call_with_the_csrf_token_goes_through(bob: User) -> None:
    browser = browser_of(bob, enforce_csrf_checks=True)
    browser.get("/")
    token = browser.cookies["idjag_csrf"].value
    response = browser.post("/api/todos", {"task": "x"}, "application/json", headers={"X-CSRFToken": token})
    assert response.status_code == 201


def test_a_bearer_call_needs_no_csrf_token_and_no_session(bearer: Bearer) -> None:
    client = bearer()
    client.handler.enforce_csrf_checks = True
    assert send(client, "POST", "/todos", {"task": "x"}).status_code == 201


@pytest.mark.parametrize("path", ["/todos", "/todos/1", "/users/me", "/nothing"])
def test_without_credentials_the_answer_is_a_challenge_that_points_to_the_metadata(path: str) -> None:
    response = Client(headers={"host": "todo.localhost:8000"}).get(f"/api{path}")
    assert_refused(response, 401, "unauthorized")
    challenge = response["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert f'resource_metadata="{ORIGIN}/.well-known/oauth-protected-resource/api"' in challenge


def test_an_unknown_token_is_refused_even_beside_a_session(browser: Client) -> None:
    response = browser.get("/api/todos", headers={"Authorization": "Bearer nonsense"})
    assert_refused(response, 401, "invalid_token")
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.clause("RFC 6750", "3.1", "RS-08")
def test_the_scope_read_reads_and_does_not_write(bearer: Bearer, todo: Todo) -> None:
    client = bearer("read")
    assert client.get("/api/todos").status_code == 200
    assert client.get(f"/api/todos/{todo.pk}").status_code == 200
    assert client.get("/api/users/me").status_code == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        path = "/todos" if method == "POST" else f"/todos/{todo.pk}"
        response = send(client, method, path, {"task": "Other", "completed": True})
        assert_refused(response, 403, "insufficient_scope", "write")
        assert 'error="insufficient_scope"' in response["WWW-Authenticate"]
    response = client.get(f"/api/todos/{todo.pk}?_method=DELETE", headers={"X-HTTP-Method-Override": "DELETE"})
    assert response.status_code == 200
    assert [each.task for each in Todo.objects.all()] == ["Call the dentist"]


@pytest.mark.clause("RFC 6750", "3.1", "RS-09")
def test_the_scope_write_writes_and_tells_no_more_than_it_wrote(bearer: Bearer, todo: Todo) -> None:
    client = bearer("write")
    for path in ("/todos", f"/todos/{todo.pk}", "/users/me"):
        assert_refused(client.get(f"/api{path}"), 403, "insufficient_scope", "read")
    response = send(client, "PATCH", f"/todos/{todo.pk}", {"completed": True})
    assert (response.status_code, response.content) == (204, b"")
    todo.refresh_from_db()
    assert todo.completed
    assert send(client, "PUT", f"/todos/{todo.pk}", {"task": "Call Ann", "completed": True}).status_code == 200
    assert send(client, "POST", "/todos", {"task": "x"}).status_code == 201
    assert send(client, "DELETE", f"/todos/{todo.pk}").status_code == 204


def test_a_token_without_scope_does_nothing(bearer: Bearer) -> None:
    assert_refused(bearer("").get("/api/todos"), 403, "insufficient_scope")


def test_a_token_for_another_resource_is_refused(bearer: Bearer) -> None:
    assert_refused(bearer(resource=["http://wiki.localhost:8000/api"]).get("/api/todos"), 401, "invalid_token")


@pytest.mark.parametrize("whose", ["user", "tenant"])
def test_a_token_stops_when_its_people_do(bearer: Bearer, bob: User, whose: str) -> None:
    client = bearer()
    assert client.get("/api/todos").status_code == 200
    row = bob if whose == "user" else bob.tenant
    row.is_active = False
    row.save()
    assert_refused(client.get("/api/todos"), 401, "invalid_token")


# --- Answers


def too_often(client: Client, settings: Settings) -> Any:
    settings.LIMITS = settings.LIMITS | {"API": "1/minute"}
    return [client.get("/api/todos") for _ in range(2)][1]


def broken(client: Client, settings: Settings) -> Any:
    client.raise_request_exception = False
    with patch("todo.api.Todo.objects", None):
        return client.get("/api/todos")


ERRORS: dict[int, Callable[[Client, Settings], Any]] = {
    400: lambda client, settings: send(client, "POST", "/todos", "{"),
    401: lambda client, settings: client.get("/api/todos", headers={"authorization": "Bearer x"}),
    403: lambda client, settings: send(client, "POST", "/todos", {"task": "x"}),
    404: lambda client, settings: client.get("/api/todos/999"),
    405: lambda client, settings: send(client, "POST", "/todos/1", {}),
    413: lambda client, settings: send(client, "POST", "/todos", {"task": "x" * 20_000}),
    415: lambda client, settings: client.post("/api/todos", {"task": "x"}),
    422: lambda client, settings: client.get("/api/todos?page=0"),
    429: too_often,
    500: broken,
}


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.clause("requirements", "", "RS-24")
def test_every_error_is_json_that_tells_nothing_of_the_inside(bearer: Bearer, settings: Settings, status: int) -> None:
    client = bearer("read" if status == 403 else "read write")
    response = ERRORS[status](client, settings)
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert set(response.json()) == {"error", "error_description"}
    assert re.fullmatch("[a-z_]+", response.json()["error"])
    assert 0 < len(response.json()["error_description"]) < 200
    assert response["Cache-Control"] == "no-store"
    for inside in ("Traceback", ".py", "AttributeError", "ninja", "pydantic", "DEBUG", "<"):
        assert inside not in response.content.decode()


@pytest.mark.parametrize("path", ["/todos", "/todos/999", "/nothing"])
@pytest.mark.clause("RFC 6750", "5.3", "RS-27")
def test_no_answer_stays_in_a_cache(api: Client, path: str) -> None:
    response = api.get(f"/api{path}")
    assert response["Cache-Control"] == "no-store"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in response["Vary"].split(",")}


def test_the_api_describes_itself(api: Client) -> None:
    schema = api.get("/api/openapi.json").json()
    assert set(schema["paths"]) == {"/api/todos", "/api/todos/{todo_id}", "/api/users/me"}
    assert set(schema["components"]["schemas"]["TodoOut"]["properties"]) == FIELDS
    schemes = schema["components"]["securitySchemes"]
    assert (schemes["access_token"]["scheme"], schemes["access_token"]["bearerFormat"]) == ("bearer", "JWT")
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "idjag_session")


OPERATIONS = [
    ("get", "/users/me", "read", set()),
    ("get", "/todos", "read", {"422"}),
    ("post", "/todos", "write", {"400", "413", "415", "422"}),
    ("get", "/todos/{todo_id}", "read", {"404"}),
    ("put", "/todos/{todo_id}", "write", {"400", "404", "413", "415", "422"}),
    ("patch", "/todos/{todo_id}", "write", {"400", "404", "413", "415", "422"}),
    ("delete", "/todos/{todo_id}", "write", {"404"}),
]


@pytest.mark.parametrize(("method", "path", "scope", "errors"), OPERATIONS)
def test_the_documentation_says_who_may_call_and_what_may_go_wrong(
    browser: Client, bearer: Bearer, method: str, path: str, scope: str, errors: set[str]
) -> None:
    schema = browser.get("/api/openapi.json").json()
    operation = schema["paths"][f"/api{path}"][method]
    assert operation["security"] == [{"access_token": [scope]}, {"session": []}]
    assert operation["summary"]
    assert operation["description"].endswith(f".\n\nAn access token: scope `{scope}`.")
    assert operation["tags"]
    found = {status for status in operation["responses"] if status >= "400"}
    assert found == {"401", "403", "429"} | errors
    for status in found:
        answer = operation["responses"][status]
        assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorOut"}
        assert answer["description"].endswith((".", "`."))
    other = bearer({"read": "write", "write": "read"}[scope])
    refused = send(other, method.upper(), path.replace("{todo_id}", "1"), {"task": "x", "completed": True})
    assert_refused(refused, 403, "insufficient_scope", scope)


def test_the_documentation_has_no_inline_script() -> None:
    page = Client(headers={"host": "todo.localhost:8000"}).get("/api/docs").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert "cdn" not in page
    assert "<script>" not in page
