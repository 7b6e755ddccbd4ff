"""What the audit writes to the log while a test runs."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest


class Lines(logging.Handler):
    """What the log "audit" was given, as text and parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert json.loads(record.getMessage()) == record.audit  # type: ignore[attr-defined]
        self.texts.append(record.getMessage())

    def of(self, act: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.texts) if line["act"] == act]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """The lines of the audit; the test's transaction never commits, so what waits for that is done at once."""
    monkeypatch.setattr("audit.log.transaction.on_commit", lambda function, **kwargs: function())
    logger, handler = logging.getLogger("audit"), Lines()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
