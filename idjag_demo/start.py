"""The start of `manage.py` and `wsgi.py`: creates the needed files, and reports a failure in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError

from idjag_demo.demo.secrets import make_demo_secrets
from idjag_demo.environment import BASE_DIR, VAR_DIR, Environment

NO_DRIVER = "DATABASE_URL needs a driver: pip install -r requirements-mysql.txt"
CANNOT_BOOT = 3


def make_files() -> None:
    """Create the folder `var` and, in demo mode, the demo's secrets in it, before the settings read them."""
    Environment.read_file(BASE_DIR / ".env")
    VAR_DIR.mkdir(exist_ok=True)
    if Environment().flag("DEMO", default=True):
        make_demo_secrets(VAR_DIR)


@contextmanager
def explained() -> Iterator[None]:
    """End the process with a line on standard error if the settings or the database are unusable."""
    try:
        yield
    except ImproperlyConfigured as error:
        _end(NO_DRIVER if "MySQLdb" in str(error) else str(error))
    except OperationalError as error:
        _end(f"Cannot use the database in DATABASE_URL: {error}")


def _end(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.exit(CANNOT_BOOT)
