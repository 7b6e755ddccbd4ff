"""Django's backend for MariaDB and MySQL with fewer waits for the server: six instead of eight in a grant.

A transaction begins with BEGIN; stock Django switches autocommit off before it and on again after it. So what the
server ends by itself, as after a deadlock or a TRUNCATE, is followed by no new transaction: after an error, Django is
told that only the end of the block can come.

And a request that finds its connection in use lately looks at the socket, where a server that goes has said so, and
does not ask the server. A connection that was left alone is asked for: what stands between may have forgotten it.
"""

import select
import time
from typing import Any

from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction

LATELY = 5.0  # seconds


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's; autocommit stays on, which the driver knows without asking."""

    health_check_done: bool
    _looked_at = -LATELY
    _errors_occurred = False

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction: Django calls this where a backend has it."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query("BEGIN")

    @property
    def errors_occurred(self) -> bool:
        """Whether the server has failed since a request began; Django sets it at each error but of data."""
        return self._errors_occurred

    @errors_occurred.setter
    def errors_occurred(self, occurred: bool) -> None:
        self._errors_occurred = occurred
        if occurred and self.in_atomic_block:
            self.needs_rollback = True

    def close_if_health_check_failed(self) -> None:
        if self.connection is not None and not self.health_check_done:
            now = time.monotonic()
            self.health_check_done = now - self._looked_at < LATELY and _is_silent(self.connection)
            self._looked_at = now
        super().close_if_health_check_failed()


def _is_silent(connection: Any) -> bool:
    """Say whether nothing has come that nobody asked for."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
