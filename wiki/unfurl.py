"""Turns todo links into cards for one viewer: asks Todo0's API with the viewer's token at each call, stores nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from base.recent_rows import recent
from base.text import one_line
from crossapp.requesting_app import flow
from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.models import ResourceApp
from tenants.models import User
from wiki import debug_console
from wiki.links import todo_id

MAX_URLS = 100
RESOURCE_APP = "todo0"
_MAX_TASK = 200


@dataclass(frozen=True)
class Card:
    """The data of a todo that its viewer may see."""

    app: str
    title: str
    status: str


@dataclass(frozen=True)
class Reason:
    """The reason for a missing card, and the parameters of a sign-in that would bring it (RFC 9470 section 4)."""

    code: str
    text: str
    sign_in_parameters: Mapping[str, str] = field(default_factory=dict, compare=False)


NOT_A_TODO_LINK = Reason("not_a_todo_link", "Not a link to a todo")
SIGN_IN_AGAIN = Reason("sign_in_again", "Sign in again to see this")
NOT_ALLOWED = Reason("not_allowed", "Not allowed by your organisation")
NOT_FOUND = Reason("not_found", "Not found, or not yours")
NOT_SET_UP = Reason("not_set_up", "Todo0 is not set up correctly here")
NO_ANSWER = Reason("no_answer", "Todo0 does not answer")

_REASONS = {
    Cause.SIGN_IN_AGAIN: SIGN_IN_AGAIN,
    Cause.NOT_ALLOWED: NOT_ALLOWED,
    Cause.REFUSED: NOT_SET_UP,
    Cause.UNREACHABLE: NO_ANSWER,
}


class TodosUnavailable(Exception):
    """Todo0's API returned no todos; `reason` is the explanation for the viewer."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason


def unfurl(*, user: User, urls: Sequence[str]) -> list[Card | Reason]:
    """Return a card, or the reason for its absence, for each of `urls` in order, with one API request for all.

    At most `MAX_URLS` distinct todos are asked for; raises ValueError for more.
    """
    ids = [todo_id(url) for url in urls]
    wanted = sorted({number for number in ids if number is not None})
    if len(wanted) > MAX_URLS:
        raise ValueError(f"At most {MAX_URLS} todos at a time.")
    try:
        cards = _cards(ask_for_todos(user=user, ids=wanted)) if wanted else {}
    except TodosUnavailable as unavailable:
        return [NOT_A_TODO_LINK if number is None else unavailable.reason for number in ids]
    return [NOT_A_TODO_LINK if number is None else cards.get(number, NOT_FOUND) for number in ids]


def ask_for_todos(*, user: User, ids: Sequence[int] = (), page_size: int = MAX_URLS) -> list[dict[str, Any]]:
    """Return the todos of `user` that Todo0's API lists, those of `ids` if given. Raises `TodosUnavailable`.

    Only well-formed todos are returned: with an integer `id`, a text `task` and a truth value `completed`.
    """
    resource_app = _resource_app(RESOURCE_APP)
    if resource_app is None or not resource_app.enabled:
        raise TodosUnavailable(NOT_ALLOWED)
    params = {"id": list(ids), "page_size": page_size} if ids else {"page_size": page_size}
    try:
        with debug_console.recording_together():
            answer = flow.call_api(user=user, resource_app=resource_app, method="GET", path="/todos", params=params)
    except CrossAppError as error:
        reason = replace(_REASONS.get(error.cause, NO_ANSWER), sign_in_parameters=error.sign_in_parameters)
        raise TodosUnavailable(reason) from error
    if answer.status in (403, 404, 410):  # forbidden and missing todos look the same
        raise TodosUnavailable(NOT_FOUND)
    if answer.status != 200 or not isinstance(answer.body, dict) or not isinstance(answer.body.get("items"), list):
        raise TodosUnavailable(NO_ANSWER)
    return [item for item in answer.body["items"] if _is_todo(item)]


@recent(ResourceApp)
def _resource_app(key: str) -> ResourceApp | None:
    return ResourceApp.objects.filter(key=key).first()


def _is_todo(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and type(item.get("id")) is int
        and isinstance(item.get("task"), str)
        and isinstance(item.get("completed"), bool)
    )


def _cards(todos: Iterable[dict[str, Any]]) -> dict[int, Card | Reason]:
    return {
        todo["id"]: Card(
            app="Todo0",
            title=one_line(todo["task"], _MAX_TASK),
            status="Completed" if todo["completed"] else "Not started",
        )
        for todo in todos
    }
