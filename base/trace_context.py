"""W3C Trace Context Level 1 and X-Request-ID: the identifiers that connect the log lines of all hops.

Both are taken from any client if they are well-formed. The project's sites call each other over the same network as
clients do, so the source address cannot tell them apart. An identifier decides nothing; it only groups log lines. The
audit's other columns say what an actor did.

Left out on purpose: `tracestate` (section 3.3), because this project adds nothing to it and passes no client's data on.
A trace that begins here is not marked as sampled, because no spans are recorded.
"""

import re
import secrets
from contextvars import ContextVar
from typing import NamedTuple

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01
_REFERENCE_LENGTH = 8


class TraceContext(NamedTuple):
    """The identifiers that all requests caused by one request share."""

    request_id: str
    trace_id: str
    sampled: bool


current: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)  # None: in a command


def received(request_id: str | None, traceparent: str | None) -> TraceContext:
    """Return the context of a request with these two headers; a new identifier replaces a malformed one."""
    new = secrets.token_hex(16)
    trace_id, sampled = _read(traceparent) if traceparent else ("", False)
    if not request_id or not _REQUEST_ID.fullmatch(request_id):
        request_id = new
    return TraceContext(request_id, trace_id or new, sampled)


def reference() -> str:
    """Return the beginning of the current request's identifier, for a page; "" in a command.

    It is short enough to be read out. A search for it finds the log lines and the audit rows of the request.
    """
    context = current.get()
    return context.request_id[:_REFERENCE_LENGTH] if context else ""


def headers(*, ours: bool) -> dict[str, str]:
    """Return the headers for an outgoing request that the current request causes.

    `traceparent` goes to every peer: random numbers, with a new parent for each request (section 3.2.2.4). X-Request-ID
    goes to this project's own sites only: other servers may give it another meaning, such as a repeated request.
    """
    context = current.get()
    if context is None:
        return {}
    traceparent = {"traceparent": f"00-{context.trace_id}-{secrets.token_hex(8)}-{int(context.sampled):02x}"}
    return traceparent | {"X-Request-ID": context.request_id} if ours else traceparent


def _read(traceparent: str) -> tuple[str, bool]:
    """Return the trace id and the sampled flag of section 3.2.2, or "" and False if they cannot be used."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return "", False
    version, trace_id, parent_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more):  # a later version may have more fields
        return "", False
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return "", False
    return trace_id, bool(int(flags, 16) & _SAMPLED)
