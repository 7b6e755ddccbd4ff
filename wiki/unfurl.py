"""Turns todo links into cards for one viewer: asks Todo0's API with the viewer's token at each call, stores nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from base.recent_rows import recent
from base.text import one_line
from crossapp.requesting_app import flow
from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.models import ResourceApp
from tenants.models import User
from wiki import debug_console
from wiki.links import todo_id
from wiki.reasons import NOT_A_TODO_LINK, NOT_FOUND, Reason, reason_for

MAX_URLS = 100
RESOURCE_APP = "todo0"
_MAX_TASK = 200


@dataclass(frozen=True)
class Card:
    """The data of a todo that its viewer may see."""

    app: str
    title: str
    status: str


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
    resource_app = _resource_app(RESOURCE_APP) or ResourceApp(key=RESOURCE_APP, enabled=False)
    params = {"id": list(ids), "page_size": page_size} if ids else {"page_size": page_size}
    try:
        return _todos(user, resource_app, params)
    except CrossAppError as error:
        raise TodosUnavailable(reason_for(error)) from error


def _todos(user: User, resource_app: ResourceApp, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the well-formed todos in the answer of Todo0's API; raises `CrossAppError` or `TodosUnavailable`."""
    if not resource_app.enabled:
        error = CrossAppError(Cause.NOT_ALLOWED, f"resource app {resource_app.key} is disabled", step="subject_token")
        flow.failed(error, user=user, resource_app=resource_app)
    with debug_console.recording_together():
        answer = flow.call_api(user=user, resource_app=resource_app, method="GET", path="/todos", params=params)
    if answer.status in (403, 404, 410):  # forbidden and missing todos look the same
        raise TodosUnavailable(NOT_FOUND)
    items = answer.body.get("items") if answer.status == 200 and isinstance(answer.body, dict) else None
    todos = [item for item in items if _is_todo(item)] if isinstance(items, list) else []
    if not isinstance(items, list) or (items and not todos):
        detail = f"the API answered {answer.status} without a list of todos"
        flow.failed(CrossAppError(Cause.BAD_ANSWER, detail, step="api"), user=user, resource_app=resource_app)
    return todos


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
