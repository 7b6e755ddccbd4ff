"""What the log says in JSON, as `LOG_FORMAT=json` writes it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from operations.logs import JsonFormatter, RequestIds


class JsonLog(logging.Handler):
    """The lines, as text and parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(RequestIds())
        self.setFormatter(JsonFormatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == logger]


@contextmanager
def json_log() -> Iterator[JsonLog]:
    """Yield the log, the access log included, which is silent in the plain format."""
    root, access, handler = logging.getLogger(), logging.getLogger("idjag_demo.access"), JsonLog()
    before = access.level
    root.addHandler(handler)
    access.setLevel(logging.INFO)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        access.setLevel(before)
