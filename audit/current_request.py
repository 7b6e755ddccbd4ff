"""The request that this thread is answering, for code deep in the call chain that does not get it as an argument."""

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_current: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)
_AFTER = "_audit_after_answering"


def current_request() -> HttpRequest | None:
    """Return the request being answered; None in a command."""
    return _current.get()


def after_answering(record: Callable[[], None]) -> None:
    """Call `record` after the answer, when no transaction is open; in a command, now."""
    if (request := _current.get()) is None:
        record()
    else:
        request.__dict__.setdefault(_AFTER, []).append(record)


class CurrentRequestMiddleware:
    """Remembers the request while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _current.set(request)
        try:
            response = self.get_response(request)
            for record in request.__dict__.pop(_AFTER, []):
                record()
            return response
        finally:
            _current.reset(token)
