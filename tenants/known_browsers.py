"""Browsers in which the person of an account has entered the right password before: OWASP's "device cookies".

A guesser uses up what strangers may try for an account, never what these browsers may. The cookie proves this and
nothing else: whoever has it must know the password still.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

Account = tuple[str, ...]

LIFETIME = 180 * 24 * 3600  # seconds
MOST_ACCOUNTS = 5  # of one browser
_SALT = "tenants.known_browsers"


def known_as(request: HttpRequest, account: Account) -> str:
    """Return the identifier of the browser if somebody has signed in to `account` with it, else ""."""
    browser, accounts = _read(request)
    return browser if _digest(account) in accounts else ""


def remember(request: HttpRequest, account: Account) -> None:
    """Let the answer to `request` tell the browser that `account` knows it."""
    browser, accounts = _read(request)
    accounts = [_digest(account), *(other for other in accounts if other != _digest(account))]
    request.known_browser = (browser or secrets.token_urlsafe(16), accounts[:MOST_ACCOUNTS])


class KnownBrowserMiddleware:
    """Sets the cookie after a sign-in with a password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if known := getattr(request, "known_browser", None):
            value, secure = signing.dumps(known, salt=_SALT), settings.SESSION_COOKIE_SECURE
            response.set_cookie(_name(), value, max_age=LIFETIME, httponly=True, secure=secure, samesite="Lax")
        return response


def _name() -> str:
    return "__Host-idjag_browser" if settings.SESSION_COOKIE_SECURE else "idjag_browser"


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    """Return the browser's identifier and the accounts that know it; "" and none without a cookie of ours."""
    try:
        browser, accounts = signing.loads(request.COOKIES.get(_name(), ""), salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return "", []
    return browser, accounts


def _digest(account: Account) -> str:
    return salted_hmac(_SALT, repr(account), algorithm="sha256").hexdigest()[:32]
