"""Closes a thread's database connection when the thread ends.

Django leaves that to the garbage collector, which may run hours later, while the server starts and ends threads with
the load: MariaDB would run out of connections.
"""

import contextlib
from threading import local
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class _Ending:
    """Closes a connection of the database's driver when this object is released."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __del__(self) -> None:
        with contextlib.suppress(
            Exception
        ):  # any driver's error: the connection is already closed, or the server is gone
            self._connection.close()


class _Endings(local):
    """The `_Ending` objects of one thread, released with the thread."""

    def __init__(self) -> None:
        self.by_connection: WeakKeyDictionary[BaseDatabaseWrapper, _Ending] = WeakKeyDictionary()


_endings = _Endings()


def _opened(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    _endings.by_connection[connection] = _Ending(connection.connection)


def listen() -> None:
    """Connect the receiver."""
    connection_created.connect(_opened, dispatch_uid="operations.database_connections")
