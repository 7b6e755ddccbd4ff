"""A database connection ends with the thread that has it.

Django leaves that to the garbage collector, which may come hours later, while threads of the server come and go with
the load: MariaDB would run out of connections.
"""

import contextlib
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class _Ending:
    """Closes a connection of the database's driver when nothing refers to this object any more."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # of any driver: closed already, or the server is gone
            self._connection.close()


class _Endings(local):
    """Those of the connections of one thread; it goes with the thread."""

    def __init__(self) -> None:
        self.by_connection: WeakKeyDictionary[BaseDatabaseWrapper, _Ending] = WeakKeyDictionary()


_endings = _Endings()


def _opened(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    _endings.by_connection[connection] = _Ending(connection.connection)


def listen() -> None:
    """Connect the receiver."""
    connection_created.connect(_opened, dispatch_uid="operations.database_connections")
