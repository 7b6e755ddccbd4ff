"""What the APIs of both apps have in common: who may call, what a body may be, and that every error is JSON."""

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from authserver.bearer import BearerError, BearerOrSession, bearer_error_response
from authserver.throttling import throttled_response
from tenants.throttling import Throttled

View = Callable[..., Any]


class JsonAPI(NinjaAPI):
    """A NinjaAPI for bearers and sessions; its errors are {"error", "error_description"} and nothing is cached.

    `max_body` is the size of the largest request body in bytes.
    """

    def __init__(self, *, max_body: int, **kwargs: Any) -> None:
        super().__init__(auth=BearerOrSession(), parser=StrictJsonParser(), version="1.0.0", **kwargs)
        self.max_body = max_body
        self.add_exception_handler(BearerError, _refused)
        self.add_exception_handler(Throttled, _throttled)
        self.add_exception_handler(Http404, _absent)
        self.add_exception_handler(ValidationError, _invalid)
        self.add_exception_handler(HttpError, _other)

    @property
    def urls(self) -> tuple[Any, ...]:
        patterns, *names = super().urls
        for pattern in patterns:
            pattern.callback = self._guarded(pattern.callback)
        return (patterns, *names)

    def _guarded(self, view: Any) -> View:
        """Wrap `view`: refuse bodies nobody reads, make a refused method JSON too, keep answers out of caches."""

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            refusal, method = self._refusal(request), request.method
            if method == "HEAD":  # RFC 9110 section 9.3.2: as GET; the server leaves the content out
                request.method = "GET"
            try:
                response = _other(request, refusal) if refusal else view(request, *args, **kwargs)
            finally:
                request.method = method
            if response.status_code == 405:
                allow = response["Allow"]
                response = _error(405, "method_not_allowed", f"Only {allow} here.")
                response["Allow"] = allow
            response["Cache-Control"] = "no-store"
            patch_vary_headers(response, ["Authorization", "Cookie"])
            return response

        return guarded

    def _refusal(self, request: HttpRequest) -> HttpError | None:
        length = request.headers.get("Content-Length") or "0"
        if length.isdigit() and int(length) > self.max_body:
            return HttpError(413, f"A request body has at most {self.max_body} bytes.")
        if length != "0" and request.content_type != "application/json":
            return HttpError(415, "A request body must be application/json.")
        return None


class StrictJsonParser(Parser):
    """Refuses what JSON readers understand differently: repeated names, NaN and Infinity (RFC 8259)."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("A name is repeated.")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON.")


def _error(status: int, error: str, description: str) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return bearer_error_response(request, error)


def _throttled(request: HttpRequest, error: Any) -> HttpResponse:
    return throttled_response(error)


def _absent(request: HttpRequest, error: Any) -> HttpResponse:
    return _error(404, "not_found", "There is no such thing here.")


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    return _error(422, "invalid_request", _first_problem(error.errors))


def _other(request: HttpRequest, error: Any) -> HttpResponse:
    return _error(error.status_code, "invalid_request", error.message[:200])


def _first_problem(problems: Iterable[dict[str, Any]]) -> str:
    for problem in problems:
        where = ".".join(str(part) for part in problem.get("loc", ()) if part not in ("body", "query", "path", "data"))
        what = str(problem.get("msg", "not valid"))
        return (f"{where}: {what}" if where else what)[:200]
    return "The request is not valid."
