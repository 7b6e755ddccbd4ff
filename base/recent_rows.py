"""Caches rows that rarely change and that every request needs, in this process, for a few seconds.

The rows carry security decisions (active clients, secrets, trusted issuers), so the time is bounded: a change takes
effect at the next request in the process that made it, and after `SECONDS` at the latest in every other.
"""

import time
from collections.abc import Callable, Hashable
from functools import update_wrapper
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import models, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

SECONDS = 5
MOST = 4096  # rows of one query: more than some hundred requests a second need within `SECONDS`

P = ParamSpec("P")
Row = TypeVar("Row")


def recent(*tables: type[models.Model]) -> "Callable[[Callable[P, Row | None]], RecentRows[P, Row]]":
    """Decorate a query with hashable arguments that returns a row or several and reads only `tables`.

    All threads share the result, so no caller may change it. None is never kept. `queryset.update()` sends no signals:
    code that changes `tables` that way must call `forget`.
    """
    return lambda query: RecentRows(query, tables)


class RecentRows(Generic[P, Row]):
    """A query and its recent results."""

    def __init__(self, query: Callable[P, Row | None], tables: tuple[type[models.Model], ...]) -> None:
        update_wrapper(self, query)
        self.query = query
        self._rows: dict[Hashable, tuple[Row, float]] = {}  # and the time when it expires
        self._lock = Lock()
        self._changing_until = 0.0
        for table in tables:
            post_save.connect(self._changed, sender=table)
            post_delete.connect(self._changed, sender=table)
            m2m_changed.connect(self._changed, sender=table)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Row | None:
        key, now = (args, *kwargs.items()), time.monotonic()
        kept = self._rows.get(key)
        if kept and now < kept[1]:
            return kept[0]
        row = self.query(*args, **kwargs)
        if row is not None:
            self._keep(key, row, now)
        return row

    def _keep(self, key: Hashable, row: Row, read_at: float) -> None:
        with self._lock:
            if read_at >= self._changing_until:
                if len(self._rows) >= MOST:
                    self._rows.clear()
                self._rows[key] = (row, read_at + SECONDS)

    def forget(self) -> None:
        """Drop all results, and keep none for `SECONDS`: an open transaction may still change the rows."""
        with self._lock:
            self._changing_until = time.monotonic() + SECONDS
            self._rows.clear()

    def _changed(self, **kwargs: Any) -> None:
        self.forget()
        transaction.on_commit(self.forget)
