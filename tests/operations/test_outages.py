"""What the log says while the database is down: which error it is, once for each request."""

import io
import logging

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.log import configure_logging


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the project's own configuration of logging writes to the console."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    (handler,) = logging.getLogger().handlers[:1]
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    return written


def fail(error: Exception) -> None:
    """Log `error` as Django logs what no view has caught, with another one behind it."""
    try:
        try:
            raise error
        except Exception as cause:
            raise ValueError("what came of it") from cause
    except ValueError:
        logging.getLogger("django.request").exception("Service Unavailable: %s", "/pages/")


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_an_outage_is_one_line_that_names_the_error(log: io.StringIO, kind: type[Exception]) -> None:
    fail(kind(2002, "Can't connect to server"))
    (line,) = log.getvalue().splitlines()
    assert line.endswith(f'Service Unavailable: /pages/ ({kind.__name__}: (2002, "Can\'t connect to server"))')


def test_a_mistake_keeps_its_traceback(log: io.StringIO) -> None:
    fail(KeyError("a mistake"))
    assert "Traceback" in log.getvalue()
    assert "KeyError: 'a mistake'" in log.getvalue()
