"""Cross-origin requests (CORS, Fetch Standard section 3.3): pages of `CORS_ORIGINS` may call what programs call.

Off without that setting. Left out on purpose: credentials. A page that another origin serves never acts with a person's
session, so an API answers it only if it sends a token.
"""

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.cache import patch_vary_headers

from idjag_demo.middleware import GetResponse
from idjag_demo.program_requests import is_of_a_program

ALLOWED_HEADERS = "Authorization, Content-Type"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After"
DOCUMENTS, KEYS, TOKEN, API = "/.well-known/", "/oauth2/v1/keys", "/oauth2/v1/token", "/api/"


class CrossOriginMiddleware:
    """Answers preflight requests, and lets the pages of the listed origins read the other answers, errors too.

    Any other origin gets the answer that it would get without this middleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.CORS_ORIGINS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        methods, listed = _methods(request.path), request.headers.get("Origin") in settings.CORS_ORIGINS
        if not methods:
            return self.get_response(request)
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = _preflight(request, methods) if preflight and listed else self.get_response(request)
        if listed and (preflight or is_of_a_program(request)):
            response["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        patch_vary_headers(response, ["Origin"])
        return response


def _methods(path: str) -> str:
    """Return the methods that a page of another origin may use at `path`, as in the header Allow, or ""."""
    if path.startswith(DOCUMENTS) or path == KEYS:
        return "GET"
    if path == TOKEN:
        return "POST"
    return "GET, POST, PUT, PATCH, DELETE" if path.startswith(API) else ""


def _preflight(request: HttpRequest, methods: str) -> HttpResponse:
    """Answer a preflight request (section 3.3.5). Raises Http404 for a path that this site does not have."""
    resolve(request.path_info, request.urlconf)
    headers = {"Access-Control-Allow-Methods": methods, "Access-Control-Allow-Headers": ALLOWED_HEADERS}
    response = HttpResponse(status=204, headers=headers)
    del response["Content-Type"]
    return response
