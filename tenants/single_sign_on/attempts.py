"""One attempt to sign in: the values kept in the browser's session, and the checks of the IdP's answer.

RFC 6749 section 4.1.2, RFC 9207, RFC 9700 sections 4.4 and 4.7. Several attempts may be under way in one browser.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from crossapp.core.metadata import Metadata
from crossapp.core.oauth_text import printable
from tenants.models import IdPConnection
from tenants.single_sign_on.errors import Reason, SignInRefused

SESSION_KEY = "sign_in_attempts"
MAX_ATTEMPTS = 50
MAX_CODE = 4096


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


def remember(request: HttpRequest, attempt: Attempt) -> None:
    """Keep `attempt` in the browser's session, and of all attempts there the newest."""
    kept = dict(request.session.get(SESSION_KEY, {}))
    kept[attempt.state] = {
        "connection": attempt.connection.pk,
        "next": attempt.next,
        "wanted": dict(attempt.wanted),
        "nonce": attempt.nonce,
        "code_verifier": attempt.code_verifier,
    }
    request.session[SESSION_KEY] = dict(list(kept.items())[-MAX_ATTEMPTS:])


def take(request: HttpRequest) -> Attempt:
    """Return the attempt that this request answers; raises SignInRefused.

    It leaves the session at once, so that it has one answer, accepted or not.
    """
    states = request.GET.getlist("state")
    kept = _take_out(request, states)
    for name in ("state", "code", "iss", "error"):  # RFC 6749 section 3.1
        if len(request.GET.getlist(name)) > 1:
            raise SignInRefused(Reason.NOT_ACCEPTED, detail=f"{name} occurs more than once")
    if not kept:
        raise SignInRefused(Reason.START_AGAIN, detail="the state is unknown in this browser")
    ((state, facts),) = kept.items()
    connections = IdPConnection.objects.select_related("tenant").filter(app=request.site.realm, enabled=True)
    connection = connections.filter(pk=facts["connection"], tenant__is_active=True).first()
    if connection is None:
        raise SignInRefused(Reason.START_AGAIN, detail="the IdP connection is gone or disabled")
    return Attempt(**{**facts, "connection": connection, "state": state})


def _take_out(request: HttpRequest, states: list[str]) -> dict[str, dict[str, Any]]:
    """Return what the session has of the attempts with these states, and have it without them.

    The session is read again afterwards: the IdP takes its time, and what other tabs change meanwhile must stay.
    """
    kept = request.session.get(SESSION_KEY, {})
    taken = {state: kept.pop(state) for state in set(states) & set(kept)}
    if taken:
        request.session.save()
        request.session = type(request.session)(request.session.session_key)
    return taken


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
