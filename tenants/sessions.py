"""Begins and ends the session of a person at a site.

A sign-in gives the browser a new CSRF token, as Django does. The forms in its other tabs have the former one, and it
stays good for the session, unless the session was another person's before: a form that one person has opened must not
act for another.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, RejectRequest

from tenants.models import User

_LAST_PERSON = "last_person"
_FORMER_TOKENS = "former_csrf_tokens"
_MOST_TOKENS = 5


def begin_session(request: HttpRequest, user: User, **options: Any) -> None:
    """Sign `user` in: with a new session for another person, otherwise with a new key for the session."""
    request.session = type(request.session)(request.session.session_key)  # as other tabs have changed it meanwhile
    same = request.user.pk == user.pk
    last = str(request.user.pk or request.session.get(_LAST_PERSON, ""))
    tokens = [request.META.get("CSRF_COOKIE"), *request.session.pop(_FORMER_TOKENS, [])]
    auth.login(request, user, **options)
    if same:
        request.session.cycle_key()  # Django renews the key for another person only
    if last in ("", str(user.pk)):
        request.session[_FORMER_TOKENS] = list(filter(None, tokens))[:_MOST_TOKENS]


def end_session(request: HttpRequest) -> None:
    """Sign the person out, and remember in the browser's next session who it was."""
    person = request.user.pk
    auth.logout(request)
    if person:
        request.session[_LAST_PERSON] = str(person)


def expire_session(session: SessionBase) -> None:
    """End a session that has lasted for too long, before its person is known."""
    person = session[auth.SESSION_KEY]
    session.flush()
    session[_LAST_PERSON] = person


class OpenFormsMiddleware:
    """Accepts the form of a tab that was opened before the sign-in in another one. Stands before CsrfViewMiddleware.

    The browser must say that a page of this very site sends it (Fetch Metadata, `Sec-Fetch-Site: same-origin`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._csrf = CsrfViewMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        same_origin = request.headers.get("Sec-Fetch-Site") == "same-origin"
        if same_origin and request.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
            former = request.session.get(_FORMER_TOKENS, [])
            request.csrf_processing_done = any(self._has_token(request, token) for token in former)  # type: ignore[attr-defined]

    def _has_token(self, request: HttpRequest, token: str) -> bool:
        cookies = request.COOKIES
        request.COOKIES = {**cookies, settings.CSRF_COOKIE_NAME: token}
        try:
            self._csrf._check_token(request)  # type: ignore[attr-defined]
        except RejectRequest:
            return False
        finally:
            request.COOKIES = cookies
        return True
