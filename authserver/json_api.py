"""The common base of both apps' APIs: authentication, the form of a body, JSON errors."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import Field, NinjaAPI, Router, Schema
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser

from authserver.api_document import ApiDocument
from authserver.bearer import BearerError, BearerOrSession, Caller, bearer_error_response, caller_of
from authserver.throttling import throttled_response
from base.limits import Throttled
from crossapp.core.strict_json import NotStrictJson, strict_json_object

View = Callable[..., Any]
READ, WRITE = BearerOrSession("read"), BearerOrSession("write")
BODY = (400, 413, 415, 422)  # the errors of a call with a body


class ApiRequest(HttpRequest):
    """A request that passed an operation's `auth`."""

    auth: Caller


class ErrorOut(Schema):
    error: str = Field(description="A machine-readable code.", examples=["invalid_request"])
    error_description: str = Field(description="An explanation for the developer of the client.")


class UserOut(Schema):
    id: int
    name: str
    email: str
    organisation: str


def errors(*statuses: int) -> dict[tuple[int, ...], type[Schema]]:
    """Return the errors of an operation for its `response`: those of every call, and `statuses`."""
    return {(401, 403, *statuses, 429): ErrorOut}


def page_of(rows: QuerySet[Any], *, page: int, size: int) -> dict[str, Any]:
    """Return page `page`, from 1, of `rows`, and the number of rows, counted only if the page does not show it."""
    start = (page - 1) * size
    items = list(rows[start : start + size])
    is_last = 0 < len(items) < size or (page == 1 and not items)
    return {"items": items, "count": start + len(items) if is_last else rows.count()}


common = Router()  # operations of both APIs, after their own


@common.get("/users/me", auth=READ, response={200: UserOut, **errors()}, summary="Read my account", tags=["People"])
def me(request: ApiRequest) -> dict[str, Any]:
    """Returns the account of the access token or of the session at this app."""
    user = request.auth.user
    tenant = user.tenant.name if user.tenant else ""
    return {"id": user.pk, "name": user.get_full_name(), "email": user.email, "organisation": tenant}


EVERY_METHOD = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


@common.api_operation(EVERY_METHOD, "/{path:rest}", include_in_schema=False)
def no_such_path(request: ApiRequest, rest: str) -> HttpResponse:
    raise Http404


class JsonAPI(NinjaAPI):
    """A NinjaAPI for bearer tokens and sessions. Its errors are {"error", "error_description"}; no answer is cached.

    `max_body` is the size of the largest request body in bytes.
    """

    def __init__(self, *, max_body: int, **kwargs: Any) -> None:
        super().__init__(
            auth=BearerOrSession(), parser=StrictJsonParser(), docs_decorator=require_safe, version="1.0.0", **kwargs
        )
        self.max_body = max_body
        self.add_decorator(self._with_a_body_of_its_kind, mode="view")
        self.add_router("", common)
        self.add_exception_handler(BearerError, _refused)
        self.add_exception_handler(Throttled, _throttled)
        self.add_exception_handler(Http404, _absent)
        self.add_exception_handler(ValidationError, _invalid)
        self.add_exception_handler(HttpError, _other)

    @property
    def urls(self) -> tuple[Any, ...]:
        patterns, *names = super().urls
        for pattern in patterns:
            pattern.callback = csrf_exempt(self._guarded(pattern.callback))  # `caller_of` checks the CSRF token
        return (patterns, *names)

    def get_openapi_schema(self, **options: Any) -> ApiDocument:
        path_prefix = self.get_root_path(options.get("path_params") or {})
        return ApiDocument(self, path_prefix)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def _guarded(self, view: Any) -> View:
        """Wrap `view`: HEAD works like GET, 405 is JSON too, and no answer is cached."""

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            method = request.method
            if method == "HEAD":  # RFC 9110 section 9.3.2: like GET; the server drops the content
                request.method = "GET"
            try:
                response = view(request, *args, **kwargs)
            finally:
                request.method = method
            if response.status_code == 405:
                allow = response["Allow"]
                response = _error(405, "method_not_allowed", f"The method must be {allow}.")
                response["Allow"] = allow
            response["Cache-Control"] = "no-store"
            patch_vary_headers(response, ["Authorization", "Cookie"])
            return response

        return guarded

    def _with_a_body_of_its_kind(self, run: Any) -> View:
        """Wrap an operation: refuse a body that is too large or not JSON before reading it."""

        @wraps(run)
        def checked(request: HttpRequest, **kwargs: Any) -> Any:
            refusal = self._refusal(request)
            return self.on_exception(request, refusal) if refusal else run(request, **kwargs)

        return checked

    def _refusal(self, request: HttpRequest) -> Exception | None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > self.max_body:
            return HttpError(413, f"The body is larger than {self.max_body} bytes.")
        if length != "0" and request.content_type != "application/json":
            try:
                caller_of(request)  # an authentication error comes first
            except (BearerError, Throttled) as error:
                return error
            return HttpError(415, "The body must be application/json.")
        return None


class StrictJsonParser(Parser):
    """Parses strict JSON only."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        return strict_json_object(request.body)


def _error(status: int, error: str, description: str) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return bearer_error_response(request, error)


def _throttled(request: HttpRequest, error: Any) -> HttpResponse:
    return throttled_response(error)


def _absent(request: HttpRequest, error: Any) -> HttpResponse:
    return _error(404, "not_found", "The object does not exist.")


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    return _error(422, "invalid_request", _first_problem(error.errors))


def _other(request: HttpRequest, error: Any) -> HttpResponse:
    why = (
        f"The body is not strict JSON: {error.__cause__}."
        if isinstance(error.__cause__, NotStrictJson)
        else error.message
    )
    return _error(error.status_code, "invalid_request", why[:200])


def _first_problem(problems: Iterable[dict[str, Any]]) -> str:
    for problem in problems:
        where = ".".join(str(part) for part in problem.get("loc", ()) if part not in ("body", "query", "path", "data"))
        what = str(problem.get("msg", "not valid"))
        return (f"{where}: {what}" if where else what)[:200]
    return "The request is not valid."
