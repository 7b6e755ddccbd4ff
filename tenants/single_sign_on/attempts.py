"""One attempt to sign in: what is stored for it until the IdP answers, and the checks of that answer.

RFC 6749 section 4.1.2, RFC 9207, RFC 9700 sections 4.4 and 4.7. Several attempts may be under way in one browser. Each
has a row of its own in the table of the sessions, found by the attempt's state and a cookie of the browser. So requests
at the same time cannot overwrite each other's attempts, and a sign-in in another tab, which renews the session, ends
none.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from crossapp.core.metadata import Metadata
from crossapp.core.oauth_text import printable
from tenants.models import IdPConnection
from tenants.single_sign_on.errors import Reason, SignInRefused

LIFETIME = 3600  # seconds from the email step to the IdP's answer
MAX_CODE = 4096
MAX_STATE = 100


def _random() -> str:
    """Return 43 unreserved characters with 256 bits of entropy, as RFC 7636 section 4.1 recommends for a verifier."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Attempt:
    """The IdP that is asked, where to go afterwards, how the person is to sign in, and what is made for it alone."""

    connection: IdPConnection
    next: str
    wanted: Mapping[str, str]  # max_age and acr_values, see `step_up`
    state: str = field(default_factory=_random, repr=False)
    nonce: str = field(default_factory=_random, repr=False)
    code_verifier: str = field(default_factory=_random, repr=False)


class AnsweredBefore(SignInRefused):
    """The IdP's answer was met before in this browser: a reload, or the Back button. `next` is where it led."""

    def __init__(self, next_path: str) -> None:
        super().__init__(Reason.START_AGAIN, detail="the IdP's answer was met before")
        self.next = next_path


def cookie_name() -> str:
    """Return the name of the cookie that binds attempts to a browser."""
    return "__Host-idjag_attempts" if settings.SESSION_COOKIE_SECURE else "idjag_attempts"


def remember(request: HttpRequest, response: HttpResponse, attempt: Attempt) -> None:
    """Store `attempt` for the browser that gets `response`."""
    browser = request.COOKIES.get(cookie_name(), "") or _random()
    facts = {
        "connection": attempt.connection.pk,
        "next": attempt.next,
        "wanted": dict(attempt.wanted),
        "nonce": attempt.nonce,
        "code_verifier": attempt.code_verifier,
    }
    _store(_key(browser, attempt.state), facts, lifetime=LIFETIME)
    response.set_cookie(
        cookie_name(),
        browser,
        max_age=settings.SESSION_COOKIE_AGE,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def take(request: HttpRequest) -> Attempt:
    """Return the attempt that this request answers; raises SignInRefused, and AnsweredBefore for a second answer.

    Its row goes at once, so that it has one answer, accepted or not.
    """
    browser, states = request.COOKIES.get(cookie_name(), ""), request.GET.getlist("state")
    taken = {state: facts for state in set(states) if (facts := _take_out(browser, state))}
    for name in ("state", "code", "iss", "error"):  # RFC 6749 section 3.1
        if len(request.GET.getlist(name)) > 1:
            raise SignInRefused(Reason.NOT_ACCEPTED, detail=f"{name} occurs more than once")
    if not taken:
        raise SignInRefused(Reason.START_AGAIN, detail="the state is unknown in this browser")
    ((state, facts),) = taken.items()
    if "answered" in facts:
        raise AnsweredBefore(facts["answered"])
    connections = IdPConnection.objects.select_related("tenant").filter(app=request.site.realm, enabled=True)
    connection = connections.filter(pk=facts["connection"], tenant__is_active=True).first()
    if connection is None:
        raise SignInRefused(Reason.START_AGAIN, detail="the IdP connection is gone or disabled")
    return Attempt(**{**facts, "connection": connection, "state": state})


def _take_out(browser: str, state: str) -> dict[str, Any]:
    """Return what is stored of the attempt with `state`, or {}. What stays is that it was answered, and its `next`.

    Of two requests at once one deletes the row; the other finds at most that it was answered.
    """
    if not browser or len(state) > MAX_STATE:
        return {}
    key, answered = _key(browser, state), _key(browser, state, "answered")
    facts = _load(key)
    if facts and _delete(key):
        _store(answered, {"answered": facts["next"]}, lifetime=settings.SESSION_COOKIE_AGE)
        return facts
    return _load(answered)


def _key(*parts: str) -> str:
    """Return a session key that only the parts, one of them secret, lead to; as long as those of Django."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:40]


def _load(key: str) -> dict[str, Any]:
    row = Session.objects.filter(pk=key, expire_date__gt=timezone.now()).first()
    return row.get_decoded() if row else {}


def _store(key: str, facts: dict[str, Any], *, lifetime: int) -> None:
    expires = timezone.now() + timedelta(seconds=lifetime)
    Session.objects.create(session_key=key, session_data=SessionStore().encode(facts), expire_date=expires)


def _delete(key: str) -> bool:
    deleted, _ = Session.objects.filter(pk=key).delete()
    return bool(deleted)


def read_code(request: HttpRequest, metadata: Metadata, *, asked_scope: str) -> str:
    """Return the code of an answer, which must be that of the issuer of `metadata`; raises SignInRefused.

    `asked_scope` is the scope of the authorization request.
    """
    _check_issuer(request.GET.get("iss"), metadata)
    if "error" in request.GET:
        raise _refused_by_idp(request, asked_scope)
    code = request.GET.get("code", "")
    if not 0 < len(code) <= MAX_CODE or not code.isprintable():  # RFC 6749 appendix A.11
        raise SignInRefused(Reason.NOT_ACCEPTED, detail="the code is missing, too long or not printable")
    return code


def _check_issuer(unverified_issuer: str | None, metadata: Metadata) -> None:
    """RFC 9207 section 2.4: the answer names the issuer of the attempt."""
    if unverified_issuer is None and metadata.authorization_response_iss_parameter_supported:
        raise SignInRefused(Reason.NOT_ACCEPTED, detail="iss is missing, but the metadata promise it")
    if unverified_issuer not in (None, metadata.issuer):
        detail = f"iss is another issuer's: expected {metadata.issuer!a}, found {unverified_issuer[:100]!a}"
        raise SignInRefused(Reason.NOT_ACCEPTED, detail=detail)


def _refused_by_idp(request: HttpRequest, asked_scope: str) -> SignInRefused:
    """RFC 6749 section 4.1.2.1: the IdP's error, with its description."""
    error = printable(request.GET["error"], longest=100) or "no reason given"
    words = " ".join(request.GET.get("error_description", "").split())[:300]
    detail = f"the IdP answered {error}"
    if error == "invalid_scope":
        detail += f": it refuses one of the scopes {asked_scope}; set the connection's scopes to those that it allows"
    return SignInRefused(
        Reason.REFUSED_BY_IDP,
        detail=detail,
        words=words or error,
        code=error,
        unverified={"error_description": words},
    )
