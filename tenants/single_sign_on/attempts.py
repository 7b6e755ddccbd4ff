"""One attempt to sign in: what the browser's session remembers of it, and what the IdP's answer must fit.

RFC 6749 section 4.1.2, RFC 9207, RFC 9700 sections 4.4 and 4.7. mozilla-django-oidc keeps state, nonce and PKCE
verifier in the session; beside them stand the IdP connection and where to go afterwards.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest

from crossapp.core.metadata import Metadata
from tenants.models import IdPConnection
from tenants.single_sign_on.errors import Reason, SignInRefused
from tenants.single_sign_on.id_token import IdToken
from tenants.single_sign_on.provider import metadata_of

SESSION_KEY = "oidc_states"  # mozilla-django-oidc's
MAX_CODE = 4096


@dataclass
class Attempt:
    """What was remembered: the IdP that was asked, where to go afterwards, and how the person was to sign in."""

    connection: IdPConnection
    next: str
    wanted: Mapping[str, str]  # max_age and acr_values, see `step_up`


@dataclass
class SignIn(Attempt):
    """An answer of the right IdP to an attempt of this browser; the tokens follow when the code is redeemed."""

    metadata: Metadata
    id_token: IdToken | None = None
    refresh_token: str = ""


def remember(request: HttpRequest, *, state: str, attempt: Attempt) -> None:
    """Bind the attempt to the IdP it was sent to."""
    kept = {"connection": attempt.connection.pk, "next": attempt.next, "wanted": dict(attempt.wanted)}
    request.session[SESSION_KEY][state] |= kept
    request.session.modified = True


def forget(request: HttpRequest) -> None:
    """Drop the attempt that this request answers, so that it can be answered once only."""
    states = request.session.get(SESSION_KEY, {})
    for state in set(request.GET.getlist("state")) & set(states):
        del states[state]
        request.session.modified = True


def recall(request: HttpRequest) -> Attempt:
    """Return the attempt that this request answers; raises SignInRefused."""
    for name in ("state", "code", "iss", "error"):  # RFC 6749 section 3.1
        if len(request.GET.getlist(name)) > 1:
            raise SignInRefused(Reason.NOT_ACCEPTED, detail=f"{name} occurs more than once")
    remembered = request.session.get(SESSION_KEY, {}).get(request.GET.get("state"), {})
    if "connection" not in remembered:
        raise SignInRefused(Reason.START_AGAIN, detail="the state is not one of this browser's")
    connections = IdPConnection.objects.select_related("tenant").filter(app=request.site.realm, enabled=True)
    connection = connections.filter(pk=remembered["connection"], tenant__is_active=True).first()
    if connection is None:
        raise SignInRefused(Reason.START_AGAIN, detail="the IdP connection is gone or disabled")
    return Attempt(connection=connection, next=remembered["next"], wanted=remembered.get("wanted", {}))


def read_answer(request: HttpRequest, attempt: Attempt) -> SignIn:
    """Check that the answer is that of the IdP that was asked and brings a code; raises SignInRefused."""
    metadata = metadata_of(attempt.connection)
    _check_issuer(request.GET.get("iss"), metadata)
    if "error" in request.GET:
        raise _refused_by_idp(request)
    code = request.GET.get("code", "")
    if not 0 < len(code) <= MAX_CODE or not code.isprintable():  # RFC 6749 appendix A.11
        raise SignInRefused(Reason.NOT_ACCEPTED, detail="the code is missing, too long or not printable")
    return SignIn(**vars(attempt), metadata=metadata)


def _check_issuer(unverified_issuer: str | None, metadata: Metadata) -> None:
    """RFC 9207 section 2.4: the answer names the issuer the attempt was sent to."""
    if unverified_issuer is None and metadata.authorization_response_iss_parameter_supported:
        raise SignInRefused(Reason.NOT_ACCEPTED, detail="iss is missing, although the metadata promise it")
    if unverified_issuer not in (None, metadata.issuer):
        raise SignInRefused(Reason.NOT_ACCEPTED, detail="iss is another issuer's")


def _refused_by_idp(request: HttpRequest) -> SignInRefused:
    """RFC 6749 section 4.1.2.1: the IdP says no, in its own words."""
    error = re.sub(r"[^\x20-\x7E]", "?", request.GET["error"])[:100] or "no reason given"
    words = " ".join(request.GET.get("error_description", "").split())[:300]
    return SignInRefused(Reason.REFUSED_BY_IDP, detail=f"the IdP answered {error}", words=words or error)
