"""From links to cards: whom Todo0 is asked as, what is asked, and what is said when there is no card."""

from typing import Any

import pytest

from crossapp.requesting_app.errors import Cause, CrossAppError, Party
from crossapp.requesting_app.flow import ApiResponse
from crossapp.requesting_app.models import ResourceApp
from tenants.models import User
from tests.wiki.conftest import FakeTodo0
from tests.wiki.people import TODO
from wiki.reasons import NOT_A_TODO_LINK, NOT_FOUND, Reason
from wiki.unfurl import Card, unfurl

THEIR_IDP = "Your organisation's identity provider"
UNUSABLE = Reason("not_set_up", "Todo0's API sent an unusable answer", party="api")
NOT_CONNECTED = Reason("not_allowed", "Wiki0 is not connected to Todo0", party="requesting_app")


def test_a_todo_of_the_viewer_becomes_a_card(bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1, "Buy avocados")
    assert unfurl(user=bob, urls=[url]) == [Card("Todo0", "Buy avocados", "Not started")]


def test_a_completed_todo_says_so(bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1, completed=True)
    assert unfurl(user=bob, urls=[url]) == [Card("Todo0", "Buy avocados", "Completed")]


def test_thirty_links_are_one_request_as_the_viewer_and_for_ids_only(bob: User, todo0: FakeTodo0) -> None:
    urls = [todo0.add(bob, number) for number in range(30, 0, -1)]
    cards = unfurl(user=bob, urls=[*urls, *urls, "https://other.example"])
    assert all(isinstance(card, Card) for card in cards[:60])
    (call,) = todo0.calls
    assert call["user"] == bob
    assert call["resource_app"].key == "todo0"
    assert (call["method"], call["path"]) == ("GET", "/todos")
    assert call["params"] == {"id": list(range(1, 31)), "page_size": 100}


@pytest.mark.clause("requirements.md", "UF-30", "a link to another site causes no request")
def test_nothing_is_asked_when_no_url_is_a_todo_link(bob: User, todo0: FakeTodo0) -> None:
    urls = ["https://x.example", f"{TODO}/todos/1/x", "http://customer2.todo.localhost:8000/todos/1"]
    assert unfurl(user=bob, urls=urls) == [NOT_A_TODO_LINK] * 3
    assert unfurl(user=bob, urls=[]) == []
    assert todo0.calls == []


@pytest.mark.clause(
    "requirements.md", "UF-29", "another user's, another tenant's and a deleted todo get the same answer"
)
def test_another_users_todo_looks_like_a_missing_one(
    bob: User, colleague: User, stranger: User, todo0: FakeTodo0
) -> None:
    of_a_colleague, of_another_tenant = todo0.add(colleague, 1), todo0.add(stranger, 2)
    deleted = todo0.add(bob, 3)
    assert isinstance(unfurl(user=bob, urls=[deleted])[0], Card)
    del todo0.todos[3]
    urls = [of_a_colleague, of_another_tenant, deleted, f"{TODO}/todos/999"]
    assert unfurl(user=bob, urls=urls) == [NOT_FOUND] * 4


def test_a_todo_that_was_not_asked_for_is_not_shown(bob: User, todo0: FakeTodo0) -> None:
    todo0.answer = ApiResponse(200, {"items": [{"id": 2, "task": "Another", "completed": True}], "count": 1})
    assert unfurl(user=bob, urls=[f"{TODO}/todos/1"]) == [NOT_FOUND]


@pytest.mark.parametrize(
    ("step", "cause", "code", "text"),
    [
        ("subject_token", Cause.SIGN_IN_AGAIN, "sign_in_again", "Sign in again to see this"),
        ("refresh", Cause.UNREACHABLE, "no_answer", f"{THEIR_IDP} does not answer"),
        ("token_exchange", Cause.SIGN_IN_AGAIN, "sign_in_again", "Sign in again to see this"),
        ("token_exchange", Cause.NOT_ALLOWED, "not_allowed", "Not allowed by your organisation"),
        ("token_exchange", Cause.UNREACHABLE, "no_answer", f"{THEIR_IDP} does not answer"),
        ("token_exchange", Cause.BAD_ANSWER, "not_set_up", f"{THEIR_IDP} sent an unusable answer"),
        ("token_exchange", Cause.NOT_OFFERED, "not_set_up", f"{THEIR_IDP} does not offer cross-app access"),
        ("token_exchange", Cause.REFUSED, "not_set_up", f"{THEIR_IDP} refused Wiki0's request"),
        ("jwt_bearer", Cause.NOT_ALLOWED, "not_allowed", "You have no access at Todo0"),
        ("jwt_bearer", Cause.UNREACHABLE, "no_answer", "Todo0's authorization server does not answer"),
        (
            "jwt_bearer",
            Cause.BAD_ANSWER,
            "not_set_up",
            "Todo0's authorization server sent an unusable answer",
        ),
        ("jwt_bearer", Cause.NOT_OFFERED, "not_set_up", "Todo0's authorization server does not offer cross-app access"),
        ("jwt_bearer", Cause.REFUSED, "not_set_up", "Todo0 refused the grant"),
        ("api", Cause.UNREACHABLE, "no_answer", "Todo0's API does not answer"),
        ("api", Cause.BAD_ANSWER, "not_set_up", "Todo0's API sent an unusable answer"),
        ("api", Cause.REFUSED, "not_set_up", "Todo0's API refused the access token"),
        ("lease", Cause.UNREACHABLE, "no_answer", "Wiki0 is busy"),
        ("lease", Cause.REFUSED, "not_set_up", "Wiki0 is not set up correctly for Todo0"),
    ],
)
def test_the_reason_names_the_party_and_what_is_wrong_there(
    bob: User, todo0: FakeTodo0, step: str, cause: Cause, code: str, text: str
) -> None:
    todo0.answer = error = CrossAppError(cause, "as the test wants it", step=step)
    reason = Reason(code, text, party=error.party.value)
    assert unfurl(user=bob, urls=[f"{TODO}/todos/1", "x"]) == [reason, NOT_A_TODO_LINK]


def test_a_step_that_wiki0_cannot_take_is_not_blamed_on_its_peer(bob: User, todo0: FakeTodo0) -> None:
    todo0.answer = CrossAppError(Cause.REFUSED, "no key", step="jwt_bearer", party=Party.REQUESTING_APP)
    reason = Reason("not_set_up", "Wiki0 is not set up correctly for Todo0", party="requesting_app")
    assert unfurl(user=bob, urls=[f"{TODO}/todos/1"]) == [reason]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, None, UNUSABLE),
        (403, {"error": "insufficient_scope"}, NOT_FOUND),
        (404, None, NOT_FOUND),
        (410, None, NOT_FOUND),
        (429, None, UNUSABLE),
        (500, None, UNUSABLE),
        (200, None, UNUSABLE),
        (200, [], UNUSABLE),
        (200, "text", UNUSABLE),
        (200, {}, UNUSABLE),
        (200, {"items": {}}, UNUSABLE),
        (200, {"items": []}, NOT_FOUND),
        (200, {"items": [None, 1, "x", [], {}]}, UNUSABLE),
        (200, {"items": [{"id": "1", "task": "x", "completed": True}]}, UNUSABLE),
        (200, {"items": [{"id": True, "task": "x", "completed": True}]}, UNUSABLE),
        (200, {"items": [{"id": 1, "task": None, "completed": True}]}, UNUSABLE),
        (200, {"items": [{"id": 1, "task": "x", "completed": "yes"}]}, UNUSABLE),
        (200, {"items": [{"id": 1, "title": "x", "done": True}]}, UNUSABLE),
        (200, {"items": [{"id": 2, "task": "x", "completed": True}, {"id": 1}]}, NOT_FOUND),
    ],
)
def test_an_answer_of_another_shape_is_no_card(
    bob: User, todo0: FakeTodo0, status: int, body: Any, reason: Reason
) -> None:
    todo0.answer = ApiResponse(status, body)
    assert unfurl(user=bob, urls=[f"{TODO}/todos/1"]) == [reason]


@pytest.mark.clause("requirements.md", "UF-27", "text on one line, in one direction, of limited length")
def test_the_text_of_a_todo_is_cut_and_cannot_turn_the_line_around(bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1, "\u202e<script>\x00\n" + "x" * 1_000_000)
    (card,) = unfurl(user=bob, urls=[url])
    assert isinstance(card, Card)
    assert card.title.startswith("<script> xxx") and len(card.title) == 200 and card.title.endswith("…")


def test_a_disabled_or_missing_resource_app_is_not_asked(bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1)
    ResourceApp.objects.update(enabled=False)
    assert unfurl(user=bob, urls=[url]) == [NOT_CONNECTED]
    ResourceApp.objects.all().delete()
    assert unfurl(user=bob, urls=[url]) == [NOT_CONNECTED]
    assert todo0.calls == []


def test_more_than_a_hundred_todos_at_a_time_are_refused(bob: User, todo0: FakeTodo0) -> None:
    urls = [f"{TODO}/todos/{number}" for number in range(1, 102)]
    with pytest.raises(ValueError, match="At most 100"):
        unfurl(user=bob, urls=urls)
    assert len(unfurl(user=bob, urls=urls[:100])) == 100
