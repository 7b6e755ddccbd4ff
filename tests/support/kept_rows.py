"""What this process keeps of the database, which changes under it when a test or a measurement begins."""

from collections.abc import Iterator
from typing import Any
from weakref import WeakMethod

from django.db.models.signals import post_save

from base.recent_rows import RecentRows


def forget_rows() -> None:
    """Let every query of `base.recent_rows` be as in a new process."""
    for query in _queries():
        with query._lock:
            query._changing_until = 0.0
            query._rows.clear()


def _queries() -> Iterator[RecentRows[..., Any]]:
    """Return the queries that wait for a row to be saved, which is all of them."""
    for _, receiver, _ in post_save.receivers:
        method = receiver() if isinstance(receiver, WeakMethod) else None
        query = getattr(method, "__self__", None)
        if isinstance(query, RecentRows):
            yield query
