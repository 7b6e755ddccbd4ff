"""Counts SQL statements: a middleware that writes those of each request to a file, and what reads the file."""

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from base import issuers, recent_rows
from benchmarks.figures import Statements
from tests.support.kept_rows import forget_rows

FILE = "BENCHMARK_STATEMENTS"
"""The environment variable that names the file: one line of JSON for each request, written before it is answered."""
KNOWS = "BENCHMARK_KNOWS"
"""The environment variable that says what a request finds of rows that are kept for some seconds: all, or nothing."""

_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
_CONNECTION = ("SET ", "PRAGMA ", "SELECT VERSION()", "SELECT @@")
_lock = threading.Lock()


class StatementsMiddleware:
    """Writes which statements a request sent. With one thread's connection each, requests do not mix."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.knows_nothing = os.environ[KNOWS] == "nothing"
        recent_rows.SECONDS = 3600  # else some are read again while it counts

    def __call__(self, request: HttpRequest) -> HttpResponse:
        connection.force_debug_cursor = True
        if self.knows_nothing:
            forget_rows()
            issuers.keys()._recent.clear()
        response = self.get_response(request)
        url = f"{request.META.get('HTTP_HOST')}{request.path}"
        line = {
            "request": f"{request.method} {url}",
            "grant": request.POST.get("grant_type", "") if url.endswith("/oauth2/v1/token") else "",
            "sql": [query["sql"] for query in connection.queries_log],
        }
        with _lock, Path(os.environ[FILE]).open("a") as file:
            file.write(json.dumps(line) + "\n")
        return response


def read(file: Path) -> list[dict[str, Any]]:
    """Return what the middleware wrote, and empty the file."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    file.write_text("")
    return lines


def count(sql: Iterable[str], requests: int) -> Statements:
    """Return the average of `sql` over `requests`."""
    counts = {"queries": 0, "transactions": 0, "connections": 0}
    for statement in sql:
        counts[kind_of(statement)] += 1
    return Statements(**{kind: number / requests for kind, number in counts.items()})


def grants(lines: Iterable[dict[str, Any]], flows: int) -> dict[str, float]:
    """Return how many token requests of each grant type one of the `flows` made."""
    counts = Counter(line["grant"].rpartition(":")[2] for line in lines if line["grant"])
    return {grant: number / flows for grant, number in counts.items()}


def kind_of(statement: str) -> str:
    """Return `transactions`, `connections` or `queries`."""
    begins = statement.strip().upper()
    if begins.startswith(_TRANSACTION):
        return "transactions"
    return "connections" if begins.startswith(_CONNECTION) else "queries"
