"""What stops a start-up is said in one line that says what to do, without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError

NO_DRIVER = "DATABASE_URL needs a driver: pip install -r requirements-mysql.txt"
CANNOT_BOOT = 3


@contextmanager
def explained() -> Iterator[None]:
    """End the process with a line on standard error where the settings or the database are of no use."""
    try:
        yield
    except ImproperlyConfigured as error:
        _end(NO_DRIVER if "MySQLdb" in str(error) else str(error))
    except OperationalError as error:
        _end(f"The database of DATABASE_URL does not do what it is asked: {error}")


def _end(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.exit(CANNOT_BOOT)
