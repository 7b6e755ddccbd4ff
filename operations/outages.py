"""Recognises exceptions of a database that is down, locked or read-only."""

from django.db.utils import InterfaceError, OperationalError


def database_outage(error: BaseException | None) -> Exception | None:
    """Return the database error that caused `error`, or None."""
    while error is not None and not isinstance(error, OperationalError | InterfaceError):
        error = error.__context__
    return error
