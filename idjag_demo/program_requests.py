"""Requests of programs: the OAuth endpoints, the documents below /.well-known/, and API calls with a bearer token.

Each brings what proves who sends it (RFC 6749 section 2.3, RFC 6750 section 2.1). No cookie counts, so they pass none
of the middleware that people's requests need.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from base.limits import Throttled
from idjag_demo.middleware import GetResponse
from idjag_demo.views import is_for_programs, too_many


def is_of_a_program(request: HttpRequest) -> bool:
    """Say whether a program sent `request`: the OAuth endpoints except two, and API calls with a token."""
    from_a_page = request.path.startswith("/api/") and "HTTP_AUTHORIZATION" not in request.META
    return is_for_programs(request) and not from_a_page


class ProgramsMiddleware:
    """Answers the request of a program at once: the middleware after this one is for people."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _answer(request) if is_of_a_program(request) else self.get_response(request)


def _answer(request: HttpRequest) -> Any:
    """Return what the view of `request` answers; errors are answered as everywhere, by the site's handlers."""
    request.user = AnonymousUser()
    request.resolver_match = match = resolve(request.path_info, request.urlconf)
    try:
        response = match.func(request, *match.args, **match.kwargs)
    except Throttled as throttled:
        response = too_many(request, throttled)
    response.headers.setdefault("Content-Length", str(len(response.content)))  # else the server sends chunks
    return response
