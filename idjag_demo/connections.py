"""A database connection ends with the thread that has it.

Django leaves that to the garbage collector, which may come hours later, while threads of the server come and go with
the load: MariaDB would run out of connections.
"""

import contextlib
from threading import local
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_of_this_thread = local()


class _Ending:
    """Closes a connection of the database's driver when nothing refers to this object any more."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # of any driver: closed already, or the server is gone
            self._connection.close()


def _opened(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    setattr(_of_this_thread, connection.alias, _Ending(connection.connection))


def listen() -> None:
    """Connect the receiver."""
    connection_created.connect(_opened, dispatch_uid="idjag_demo.connections")
