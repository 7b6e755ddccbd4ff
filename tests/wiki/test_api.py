"""The API of Wiki0: who may call it, what it takes and what it gives."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from crossapp.requesting_app.errors import Cause
from tenants.models import User
from tests.wiki.conftest import FakeTodo0
from tests.wiki.people import ORIGIN, TODO, browser_of
from wiki.models import Article

JSON = "application/json"
Bearer = Callable[..., Client]


def test_the_list_has_the_pages_of_the_tenant(
    browser: Client, article: Article, colleague: User, stranger: User
) -> None:
    Article.objects.create(author=colleague, title="Rabbits")
    Article.objects.create(author=stranger, title="Secrets")
    answer = browser.get("/api/articles").json()
    assert answer["count"] == 2
    assert [item["title"] for item in answer["items"]] == ["Rabbits", "Guacamole"]
    assert answer["items"][1] | {"created_at": "", "updated_at": ""} == {
        "id": article.pk,
        "url": f"{ORIGIN}/pages/{article.pk}",
        "title": "Guacamole",
        "content": "<p>Avocados</p>",
        "author": "Bob",
        "version": 1,
        "created_at": "",
        "updated_at": "",
    }


@pytest.mark.clause("limits", "", "RS-20")
def test_the_list_has_pages_of_limited_size(browser: Client, bob: User) -> None:
    for number in range(5):
        Article.objects.create(author=bob, title=f"{number}")
    answer = browser.get("/api/articles?page=2&page_size=2").json()
    assert ([item["title"] for item in answer["items"]], answer["count"]) == (["2", "1"], 5)
    for query in ("page_size=101", "page_size=0", "page=0", "page=-1", "page=x", "page=9999999999999999999"):
        assert browser.get(f"/api/articles?{query}").status_code == 422


def test_a_page_is_added_read_changed_and_deleted(browser: Client, bob: User) -> None:
    response = browser.post("/api/articles", {"title": "New", "content": "<p>a<script>x</script></p>"}, JSON)
    assert response.status_code == 201
    number = response.json()["id"]
    assert browser.get(f"/api/articles/{number}").json()["content"] == "<p>a</p>"
    changed = browser.put(f"/api/articles/{number}", {"title": "Renamed"}, JSON).json()
    assert (changed["title"], changed["content"], changed["version"]) == ("Renamed", "<p>a</p>", 2)
    assert browser.delete(f"/api/articles/{number}").status_code == 204
    assert browser.get(f"/api/articles/{number}").status_code == 404
    assert "no-store" in response["Cache-Control"]


@pytest.mark.clause("requirements.md", "XS-26", "of two tabs the second is told, and nothing is lost")
def test_a_change_of_a_version_that_is_no_longer_current_is_refused(browser: Client, article: Article) -> None:
    url = f"/api/articles/{article.pk}"
    assert browser.put(url, {"title": "First tab", "version": 1}, JSON).json()["version"] == 2
    response = browser.put(url, {"title": "Second tab", "version": 1}, JSON)
    assert response.status_code == 409
    assert response.json() == {
        "error": "conflict",
        "error_description": "Another request has changed the page.",
        "version": 2,
    }
    assert Article.objects.get().title == "First tab"
    assert browser.put(url, {"title": "Second tab", "version": 2}, JSON).json()["title"] == "Second tab"


@pytest.mark.clause("requirements.md", "XS-25", "read-only fields are ignored")
@pytest.mark.clause("requirements", "mass assignment", "RS-13 RS-14")
def test_fields_that_are_not_the_callers_to_set_are_ignored(browser: Client, article: Article, stranger: User) -> None:
    extra = {"id": 99, "author": stranger.pk, "author_id": stranger.pk, "tenant": 2, "created_at": "2000-01-01"}
    response = browser.put(f"/api/articles/{article.pk}", {"title": "Mine", **extra}, JSON)
    assert response.status_code == 200
    stored = Article.objects.get()
    assert (stored.pk, stored.author, stored.created_at) == (article.pk, article.author, article.created_at)


@pytest.mark.clause("requirements.md", "XS-24", "only its author changes a page, only its tenant reads it")
@pytest.mark.parametrize("who", ["stranger", "colleague"])
def test_others_cannot_change_a_page(article: Article, who: str, request: pytest.FixtureRequest) -> None:
    browser = browser_of(request.getfixturevalue(who))
    url = f"/api/articles/{article.pk}"
    assert browser.get(url).status_code == (404 if who == "stranger" else 200)
    for response in (browser.put(url, {"title": "x"}, JSON), browser.delete(url)):
        assert response.status_code == 404
        assert response.json()["error"] == "not_found"
    assert Article.objects.get().title == "Guacamole"


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 19, "9" * 400, "9" * 5000, "1.5", "%00"])
@pytest.mark.clause("IDOR", "", "RS-19")
def test_no_page_number_is_a_server_error(browser: Client, number: str) -> None:
    assert browser.get(f"/api/articles/{number}").status_code == 404


@pytest.mark.clause("requirements.md", "XS-23", "content of another type or size is refused")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 422),
        ("null", 422),
        ("[]", 422),
        ("1", 422),
        ("{", 422),
        ("{}", 422),
        ('{"title": null}', 422),
        ('{"title": 1}', 422),
        ('{"title": ["x"]}', 422),
        ('{"title": ""}', 422),
        (json.dumps({"title": "x" * 201}), 422),
        ('{"title": "x", "content": null}', 422),
        ('{"title": "x", "content": []}', 422),
        ('{"title": "x", "content": 1}', 422),
        ('{"title": "x", "title": "y"}', 422),
        ('{"title": NaN}', 422),
        ('{"title": "\\ud800"}', 422),
        ('{"title": "x", "content": "\\ud800"}', 422),
        ("[" * 100_000, 422),
        (json.dumps({"title": "x", "content": "x" * 200_001}), 422),
        (json.dumps({"title": "x", "content": "x" * 20_000_000}), 413),
        (b"\xff\xfe", 422),
    ],
)
@pytest.mark.clause("RFC 8259", "4", "RS-17")
def test_a_body_of_another_shape_is_refused(browser: Client, body: str | bytes, status: int) -> None:
    response = browser.post("/api/articles", body, JSON)
    assert response.status_code in (status, 400)
    assert set(response.json()) == {"error", "error_description"}
    assert not Article.objects.exists()


def test_a_form_is_no_json(browser: Client) -> None:
    response = browser.post("/api/articles", {"title": "x"})
    assert (response.status_code, response.json()["error"]) == (415, "invalid_request")
    assert browser.post("/api/articles", '{"title": "x"}', "text/plain").status_code == 415


def test_text_with_nul_and_control_characters_is_stored_without_them(browser: Client) -> None:
    answer = browser.post("/api/articles", {"title": "a\x00b", "content": "<p>c\x00d</p>"}, JSON).json()
    assert (answer["title"], answer["content"]) == ("a b", "<p>cd</p>")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/articles"),
        ("post", "/api/articles"),
        ("post", "/api/articles/demo"),
        ("post", "/api/articles/unfurl"),
        ("get", "/api/articles/1"),
        ("put", "/api/articles/1"),
        ("delete", "/api/articles/1"),
        ("get", "/api/tokens"),
        ("get", "/api/users/me"),
        ("get", "/api/nothing"),
    ],
)
def test_without_session_or_token_the_answer_is_401(server: object, method: str, path: str) -> None:
    client = browser_of(None)
    response = client.generic(method.upper(), path, "{}" if method in ("post", "put") else "", content_type=JSON)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert "resource_metadata=" in response["WWW-Authenticate"]


@pytest.mark.clause("CSRF", "", "RS-18")
def test_a_session_needs_the_csrf_token_to_change_anything(bob: User, article: Article) -> None:
    browser = browser_of(bob, enforce_csrf_checks=True)
    assert browser.get("/api/articles").status_code == 200
    for response in (
        browser.post("/api/articles", {"title": "x"}, JSON),
        browser.post("/api/articles/demo", content_type=JSON),
        browser.post("/api/articles/unfurl", {"urls": []}, JSON),
        browser.put(f"/api/articles/{article.pk}", {"title": "x"}, JSON),
        browser.delete(f"/api/articles/{article.pk}"),
    ):
        assert response.status_code == 403
    assert Article.objects.get().title == "Guacamole"


@pytest.mark.clause("RFC 6750", "3.1", "RS-08 RS-09")
def test_a_token_reads_with_read_and_changes_with_write(bearer: Bearer, article: Article) -> None:
    url = f"/api/articles/{article.pk}"
    reader, writer = bearer("read"), bearer("write")
    assert reader.get("/api/articles").json()["count"] == 1
    assert reader.get(url).status_code == 200
    for response in (
        reader.put(url, {"title": "x"}, JSON),
        reader.delete(url),
        reader.post("/api/articles", {"title": "x"}, JSON),
        reader.post("/api/articles/demo", content_type=JSON),
        writer.get("/api/articles"),
        writer.get(url),
        writer.get("/api/users/me"),
    ):
        assert response.status_code == 403
        assert response.json()["error"] == "insufficient_scope"
    renamed = writer.put(url, {"title": "Renamed"}, JSON)
    assert (renamed.status_code, renamed.content) == (204, b"")
    assert reader.get(url).json()["title"] == "Renamed"
    both = bearer("read write").put(url, {"title": "Guacamole"}, JSON)
    assert (both.status_code, both.json()["content"]) == (200, "<p>Avocados</p>")


def test_a_token_gets_no_card_no_recorded_exchange_and_asks_nothing_of_todo0(
    bearer: Bearer, bob: User, todo0: FakeTodo0
) -> None:
    url = todo0.add(bob, 1)
    client = bearer("read write")
    assert client.post("/api/articles/unfurl", {"urls": [url]}, JSON).status_code == 403
    assert client.get("/api/tokens").status_code == 403
    response = client.post("/api/articles/demo", content_type=JSON)
    assert response.status_code == 201
    assert "Todo0 is asked only for a signed-in user." in response.json()["content"]
    assert todo0.calls == []


def test_the_demo_page_of_a_session_has_a_todo(browser: Client, bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1)
    assert url in browser.post("/api/articles/demo", content_type=JSON).json()["content"]


def test_who_i_am(browser: Client, bob: User) -> None:
    assert browser.get("/api/users/me").json() == {
        "id": bob.pk,
        "name": "Bob",
        "email": "bob@tables.fake",
        "organisation": "Org customer1",
    }


def _unfurl(browser: Client, urls: Any) -> Any:
    return browser.post("/api/articles/unfurl", {"urls": urls}, JSON)


def test_unfurl_answers_a_card_or_a_reason_for_each_url(browser: Client, bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1)
    response = _unfurl(browser, [url, f"{TODO}/todos/2", "https://x.example", url])
    card = {"url": url, "card": {"app": "Todo0", "title": "Buy avocados", "status": "Not started"}, "reason": None}
    no_failure = {"party": "", "step": "", "reference": ""}
    assert response.json() == {
        "cards": [
            card,
            {
                "url": f"{TODO}/todos/2",
                "card": None,
                "reason": {"code": "not_found", "text": "Not found, or not yours", **no_failure},
            },
            {
                "url": "https://x.example",
                "card": None,
                "reason": {"code": "not_a_todo_link", "text": "Not a link to a todo", **no_failure},
            },
            card,
        ]
    }
    assert "no-store" in response["Cache-Control"]
    assert len(todo0.calls) == 1


def test_each_viewer_of_a_page_gets_their_own_card(bob: User, colleague: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1)
    assert _unfurl(browser_of(bob), [url]).json()["cards"][0]["card"]
    assert _unfurl(browser_of(colleague), [url]).json()["cards"][0]["reason"]["code"] == "not_found"
    assert [call["user"] for call in todo0.calls] == [bob, colleague]


@pytest.mark.parametrize(
    ("cause", "code", "text"),
    [
        (Cause.SIGN_IN_AGAIN, "sign_in_again", "Sign in again to see this"),
        (Cause.NOT_ALLOWED, "not_allowed", "Not allowed by your organisation"),
        (Cause.UNREACHABLE, "no_answer", "Your organisation's identity provider does not answer"),
    ],
)
def test_unfurl_explains_a_failure(browser: Client, todo0: FakeTodo0, cause: Cause, code: str, text: str) -> None:
    todo0.fail(cause)
    (card,) = _unfurl(browser, [f"{TODO}/todos/1"]).json()["cards"]
    where = {"party": "identity_provider", "step": "token_exchange", "reference": ""}
    assert (card["card"], card["reason"]) == (None, {"code": code, "text": text, **where})


@pytest.mark.parametrize(
    "urls",
    [None, "x", 1, {}, [1], [None], [["x"]], [f"{TODO}/todos/1"] * 5000, [f"{TODO}/todos/{n}" for n in range(101)]],
)
def test_unfurl_refuses_what_is_no_short_list_of_urls(browser: Client, todo0: FakeTodo0, urls: Any) -> None:
    assert _unfurl(browser, urls).status_code == 422
    assert browser.post("/api/articles/unfurl", {"__proto__": 1}, JSON).status_code == 422
    assert todo0.calls == []


def test_unfurl_is_no_get(browser: Client) -> None:
    assert browser.get("/api/articles/unfurl").status_code == 405


def test_the_documentation_is_open_and_without_inline_script(server: object) -> None:
    client = browser_of(None)
    page = client.get("/api/docs").content.decode()
    scripts = [tag.partition(">")[0] for tag in page.split("<script")[1:]]
    assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)
    assert "/api/articles/unfurl" in client.get("/api/openapi.json").json()["paths"]


SESSION: list[dict[str, list[str]]] = [{"session": []}]
OPERATIONS = [
    ("get", "/users/me", "read", set()),
    ("get", "/articles", "read", {"422"}),
    ("post", "/articles", "write", {"400", "413", "415", "422"}),
    ("post", "/articles/demo", "write", set()),
    ("post", "/articles/unfurl", None, {"400", "413", "415", "422"}),
    ("get", "/articles/{article_id}", "read", {"404"}),
    ("put", "/articles/{article_id}", "write", {"400", "404", "409", "413", "415", "422"}),
    ("delete", "/articles/{article_id}", "write", {"404"}),
    ("get", "/tokens", None, {"404"}),
]


def test_every_operation_is_documented(browser: Client) -> None:
    paths = browser.get("/api/openapi.json").json()["paths"]
    found = {(method, path) for path, methods in paths.items() for method in methods}
    assert found == {(method, f"/api{path}") for method, path, *_ in OPERATIONS}


@pytest.mark.parametrize(("method", "path", "scope", "errors"), OPERATIONS)
def test_the_documentation_says_who_may_call_and_what_may_go_wrong(
    browser: Client, method: str, path: str, scope: str | None, errors: set[str]
) -> None:
    operation = browser.get("/api/openapi.json").json()["paths"][f"/api{path}"][method]
    assert operation["security"] == ([{"access_token": [scope]}] if scope else []) + SESSION
    assert operation["summary"]
    assert operation["description"].endswith(f"An access token: {f'scope `{scope}`' if scope else 'refused'}.")
    assert operation["tags"]
    found = {status for status in operation["responses"] if status >= "400"}
    assert found == {"401", "403", "429"} | errors
    schemas = {operation["responses"][status]["content"]["application/json"]["schema"]["$ref"] for status in found}
    assert schemas - {"#/components/schemas/ConflictOut"} == {"#/components/schemas/ErrorOut"}


@pytest.mark.parametrize(("method", "path", "scope", "errors"), OPERATIONS)
def test_a_token_with_the_other_scope_or_none_is_refused_everywhere(
    bearer: Bearer, article: Article, method: str, path: str, scope: str | None, errors: set[str]
) -> None:
    address, before = f"/api{path}".replace("{article_id}", str(article.pk)), Article.objects.values().get()
    for scopes in {"read": ["write", ""], "write": ["read", ""], None: ["read write", ""]}[scope]:
        response = bearer(scopes).generic(method.upper(), address, '{"title": "x", "urls": []}', JSON)
        expected = "insufficient_scope" if scope else "forbidden"
        assert (response.status_code, response.json()["error"]) == (403, expected)
    assert Article.objects.values().get() == before


def test_the_decoded_tokens_are_a_thing_of_the_demo(browser: Client, settings: Settings) -> None:
    assert browser.get("/api/tokens").json() == {"id_token": None, "id_jag": None, "access_token": None}
    settings.DEMO = False
    assert browser.get("/api/tokens").status_code == 404


def test_a_change_that_is_sent_again_is_stored_once_and_conflicts_with_nothing(
    browser: Client, article: Article
) -> None:
    body = {"content": "<p>More limes</p>", "version": article.version, "change": "1-2-3-4"}
    path = f"/api/articles/{article.pk}"
    first, again = (browser.put(path, body, content_type="application/json") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["version"] == article.version + 1
    later = browser.put(path, body | {"version": article.version + 1, "change": "5"}, content_type="application/json")
    assert later.json()["version"] == article.version + 2
    assert browser.put(path, body, content_type="application/json").status_code == 409


@pytest.mark.parametrize("change", ["", "x" * 65, 1])
def test_the_name_of_a_change_is_a_short_text(browser: Client, article: Article, change: object) -> None:
    answer = browser.put(f"/api/articles/{article.pk}", {"change": change}, content_type="application/json")
    assert answer.status_code == 422
    assert "change" in answer.json()["error_description"]
