"""Requests of programs: each brings what proves who sends it, so nothing that a browser needs is done for them.

RFC 6749 section 2.3 and RFC 6750 section 2.1 know no cookies. Whatever session is sent counts for nothing, and a grant
or an API call is cheaper by a tenth of a millisecond.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest

from idjag_demo.middleware import PrivatePagesMiddleware, RealmMiddleware, SessionLifetimeMiddleware
from idjag_demo.views import is_for_programs
from tenants.known_browsers import KnownBrowserMiddleware


def is_of_a_program(request: HttpRequest) -> bool:
    """Say whether a browser has no part in `request`: the OAuth endpoints but for two, and API calls with a token."""
    from_a_page = request.path.startswith("/api/") and "HTTP_AUTHORIZATION" not in request.META
    return is_for_programs(request) and not from_a_page


class ProgramsMiddleware:
    """Notes that the request is one of a program, who is nobody of ours."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        request.for_program = is_of_a_program(request)
        if request.for_program:
            request.user = AnonymousUser()
        return self.get_response(request)


def for_people(middleware: Any) -> Any:
    """Return `middleware` such that it lets requests of programs pass."""

    class ForPeople(middleware):
        async_capable = False

        def __call__(self, request: HttpRequest) -> Any:
            return self.get_response(request) if request.for_program else super().__call__(request)

    return ForPeople


Sessions = for_people(SessionMiddleware)
SessionLifetime = for_people(SessionLifetimeMiddleware)
KnownBrowser = for_people(KnownBrowserMiddleware)
Authentication = for_people(AuthenticationMiddleware)
Realm = for_people(RealmMiddleware)
PrivatePages = for_people(PrivatePagesMiddleware)
Messages = for_people(MessageMiddleware)
