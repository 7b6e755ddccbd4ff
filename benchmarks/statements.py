"""Counts SQL statements: a middleware that writes those of each request to a file, and the reader of that file."""

import json
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from base import recent_rows

FILE = "BENCHMARK_STATEMENTS"
"""The environment variable that names the file: one line of JSON for each request, written before it is answered."""

_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
_CONNECTION = ("SET ", "PRAGMA ", "SELECT VERSION()", "SELECT @@")
_lock = threading.Lock()


class StatementsMiddleware:
    """Writes which statements a request sent. Each thread has its own connection, so requests do not mix."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        recent_rows.SECONDS = 3600  # else some are read again while it counts

    def __call__(self, request: HttpRequest) -> HttpResponse:
        connection.force_debug_cursor = True
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


def averages(lines: Sequence[dict[str, Any]], flows: int) -> tuple[float, float, float]:
    """Return how many statements, BEGIN or COMMIT, and token exchanges one of the `flows` made, on average."""
    kinds = [kind_of(sql) for line in lines for sql in line["sql"]]
    exchanges = sum(line["grant"].endswith(":token-exchange") for line in lines)
    return kinds.count("statements") / flows, kinds.count("transactions") / flows, exchanges / flows


def kind_of(statement: str) -> str:
    """Return `transactions`, `connections` (sent when a connection is opened) or `statements`."""
    begins = statement.strip().upper()
    if begins.startswith(_TRANSACTION):
        return "transactions"
    return "connections" if begins.startswith(_CONNECTION) else "statements"
