"""What an exception says of the database: down, locked or read-only, and nobody's mistake."""

from django.db.utils import InterfaceError, OperationalError


def database_outage(error: BaseException | None) -> Exception | None:
    """Return the database's own error that `error` comes of, or None if it is about something else."""
    while error is not None and not isinstance(error, OperationalError | InterfaceError):
        error = error.__context__
    return error
