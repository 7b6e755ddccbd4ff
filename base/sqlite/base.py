"""Django's SQLite backend, with a queue for the writers of one process (ENGINE "base.sqlite").

SQLite has one writer at a time. Another one sleeps and tries again, longer each time, so a later writer may be first:
of eight writers at once, some wait nine times as long as most. With this backend a connection waits in a queue before
it writes. Between processes SQLite's own locking applies.
"""

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from base.sqlite.turns import Turns

_READS = ("SELECT", "PRAGMA", "EXPLAIN")
_turns: defaultdict[str, Turns] = defaultdict(Turns)
"""By database: `NAME` in the settings."""


class Connection(sqlite3.Connection):
    """The driver's connection. It has the turn from the first write of a transaction until its end."""

    _has_turn = False

    def __init__(self, database: Any, timeout: float = 5.0, **kwargs: Any) -> None:
        super().__init__(database, timeout=timeout, **kwargs)
        self._turns, self._seconds = _turns[str(database)], timeout

    def before(self, query: str) -> None:
        """Take the turn, if `query` may begin to write; raises OperationalError after the timeout of the database."""
        if self._has_turn or self.in_transaction or query.startswith(_READS):
            return
        if not self._turns.take(self._seconds):
            raise sqlite3.OperationalError("database is locked")
        self._has_turn = True

    def after(self) -> None:
        """Give the turn back, unless a transaction is open."""
        if self._has_turn and not self.in_transaction:
            self._has_turn = False
            self._turns.give()

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self.after()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.after()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._leave()

    def __del__(self) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turns.give()


class Cursor(base.SQLiteCursorWrapper):
    """Django's cursor, which reports its statements to the connection."""

    connection: Connection

    def execute(self, query: Any, params: Any = None) -> Any:
        self.connection.before(query)
        try:
            return super().execute(query, params)
        finally:
            self.connection.after()

    def executemany(self, query: Any, param_list: Any) -> Any:
        self.connection.before(query)
        try:
            return super().executemany(query, param_list)
        finally:
            self.connection.after()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, on these connections."""

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "factory": Connection}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect to a file that only its owner reads. SQLite gives its journals the same permissions."""
        name = str(conn_params["database"])
        file = Path(name)
        if file.is_file():
            file.chmod(file.stat().st_mode & 0o700)
        elif not name.startswith((":memory:", "file:")) and file.parent.is_dir():
            file.touch(0o600)
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: Any = None) -> Any:
        return self.connection.cursor(factory=Cursor)
