"""Log formats and filters. They remove URL queries, which carry codes, states and tokens (RFC 6750 section 5.3)."""

import json
import logging
import re
from datetime import UTC, datetime
from functools import lru_cache

from base import trace_context
from operations.outages import database_outage

_QUERY = re.compile(r"\?.*?(?= HTTP/\d|$)", re.MULTILINE)
# In the path of a URL: a JWT, or 32 or more characters with digits and letters, as random tokens have.
_JWT, _RANDOM = r"eyJ[\w-]*\.[\w.~-]*", r"(?=[\w.~+-]*\d)(?=[\w.~+-]*[A-Za-z])[\w.~+-]{32,}"
_TOKEN_IN_PATH = re.compile(f"(?<=/)(?:{_JWT}|{_RANDOM})", re.ASCII)


def without_tokens(path: str) -> str:
    """Return `path` with "…" for each segment that looks like a token: some clients put one there by mistake."""
    return _TOKEN_IN_PATH.sub("…", path)


class WithoutQueries(logging.Filter):
    """Cuts the query of the URL in a record's message, and what looks like a token in its path."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the message, and let the record through."""
        record.msg, record.args = without_tokens(_QUERY.sub("?…", record.getMessage())), ()
        return True


class RequestIds(logging.Filter):
    """Sets `request_id` and `trace_id` of every record, to "" outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take them from the current request, or from the request in the record, and let the record through."""
        trace = trace_context.current.get() or getattr(getattr(record, "request", None), "trace", None)
        record.request_id, record.trace_id = (trace.request_id, trace.trace_id) if trace else ("", "")
        return True


class OutagesInOneLine(logging.Filter):
    """Logs a database outage as one line, without a traceback for each request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the traceback by the error, and let the record through."""
        if record.exc_info and (outage := database_outage(record.exc_info[1])):
            record.msg, record.args = f"{record.getMessage()} ({type(outage).__name__}: {outage})", ()
            record.exc_info = record.exc_text = None
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object on one line for each record, its exception included.

    Of a record's extra fields only those of the access log and the audit are shown; they replace the message.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        known = vars(record)
        line: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "request_id": known.get("request_id", ""),
            "trace_id": known.get("trace_id", ""),
        }
        line |= known.get("access") or known.get("audit") or {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line)


@lru_cache(maxsize=2)
def _second(timestamp: int) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%dT%H:%M:%S}"
