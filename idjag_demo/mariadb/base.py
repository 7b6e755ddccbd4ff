"""Django's backend for MariaDB and MySQL with fewer waits for the server: six instead of eight in a grant.

A transaction begins with BEGIN; stock Django switches autocommit off before it and on again after it. (So no other one
begins by itself after a statement that ends it, as TRUNCATE does.) And before a request uses its connection, the server
is asked whether it is there only if something on the connection hints that it is not.
"""

import select
from typing import Any

from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's; autocommit stays on, which the driver knows without asking."""

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction: Django calls this where a backend has it."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query("BEGIN")

    health_check_done: bool

    def close_if_health_check_failed(self) -> None:
        if self.connection is not None and not self.health_check_done and _is_silent(self.connection):
            self.health_check_done = True
        super().close_if_health_check_failed()


def _is_silent(connection: Any) -> bool:
    """Say whether nothing has come that nobody asked for: a server that goes ends its connections."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
