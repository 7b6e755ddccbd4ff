"""Which SQL statements each request makes, in few words, those of the requests to other sites included."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import connection

_STATEMENT = re.compile(
    r"(SELECT)\b.*?\bFROM\W+(\w+)|(INSERT) INTO\W+(\w+)|(UPDATE)\W+(\w+)|(DELETE) FROM\W+(\w+)", re.DOTALL
)


@contextmanager
def statements_by_request() -> Iterator[dict[str, list[str]]]:
    """Yield a dict that fills up: "GET todo.localhost /api/todos" -> ["SELECT todo_todo", …], in order.

    For requests of this thread. What begins and ends transactions is left out: not every database is told it in SQL.
    """
    made: dict[str, list[str]] = {}
    under_way: list[list[str]] = []

    def begin(sender: Any, environ: dict[str, str], **kwargs: Any) -> None:
        host = environ["HTTP_HOST"].partition(":")[0]
        under_way.append(made.setdefault(f"{environ['REQUEST_METHOD']} {host} {environ['PATH_INFO']}", []))

    def end(sender: Any, **kwargs: Any) -> None:
        under_way.pop()

    def note(execute: Any, sql: str, *arguments: Any) -> Any:
        if under_way and (match := _STATEMENT.match(sql)):
            under_way[-1].append(" ".join(filter(None, match.groups())))
        return execute(sql, *arguments)

    request_started.connect(begin)
    request_finished.connect(end)
    try:
        with connection.execute_wrapper(note):
            yield made
    finally:
        request_started.disconnect(begin)
        request_finished.disconnect(end)
