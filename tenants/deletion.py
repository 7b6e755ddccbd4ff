"""Deletes a tenant's rows together with the tenant."""

from typing import Any

from django.db.models.deletion import Collector


def cascade(collector: Collector, field: Any, rows: Any, using: str) -> None:
    """Delete `rows` before the row that their nullable `field` refers to (for `on_delete`).

    Where constraints cannot be deferred (MariaDB), Django's CASCADE first sets such a column to NULL. An account
    without a tenant would be an operator's, which a check constraint refuses.
    """
    collector.collect(rows, source=field.remote_field.model, source_attr=field.name, fail_on_restricted=False)
