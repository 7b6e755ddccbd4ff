"""What goes with a tenant."""

from typing import Any

from django.db.models.deletion import Collector


def cascade(collector: Collector, field: Any, rows: Any, using: str) -> None:
    """Delete `rows` before what their nullable `field` refers to (for `on_delete`).

    Django's CASCADE sets such a column to NULL first where constraints can not be deferred (MariaDB). An account
    without its tenant would be an operator's: the table refuses that.
    """
    collector.collect(rows, source=field.remote_field.model, source_attr=field.name, fail_on_restricted=False)
