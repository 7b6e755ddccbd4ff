"""Remembers browsers where an account's owner has entered the right password: OWASP's "device cookies".

An attacker uses up the limit of unknown browsers for an account, never that of known browsers. The cookie proves only
this; a sign-in with it still needs the password.
"""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

Account = tuple[str, ...]

LIFETIME = 180 * 24 * 3600  # seconds
MOST_ACCOUNTS = 5  # per browser
_SALT = "tenants.known_browsers"


def known_as(request: HttpRequest, account: Account) -> str:
    """Return the identifier of the browser if `account` has signed in with it, otherwise ""."""
    browser, accounts = _read(request)
    return browser if _digest(account) in accounts else ""


def remember(request: HttpRequest, account: Account) -> None:
    """Set the cookie in the answer to `request`, so that `account` knows the browser."""
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
    """Return the browser's identifier and the accounts that know it; "" and none without a valid cookie."""
    try:
        browser, accounts = signing.loads(request.COOKIES.get(_name(), ""), salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return "", []
    return browser, accounts


def _digest(account: Account) -> str:
    return salted_hmac(_SALT, repr(account), algorithm="sha256").hexdigest()[:32]
