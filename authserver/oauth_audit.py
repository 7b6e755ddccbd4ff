"""Records what the OAuth endpoints answer where the grant does not do it itself."""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse, QueryDict
from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauthlib.oauth2.rfc6749 import errors

from audit import log
from audit.clients import unverified_client, unverified_client_in
from audit.models import Act
from authserver.models import JWT_BEARER, TOKEN_EXCHANGE, Client
from crossapp.core.jws import MalformedJws, parse_jws

_ACTS = {
    "authorization_code": Act.AUTHORIZATION_CODE,
    "refresh_token": Act.REFRESH_TOKEN,
    TOKEN_EXCHANGE: Act.TOKEN_EXCHANGE,
    JWT_BEARER: Act.REDEMPTION,
}
_CHECKS = {
    "invalid_client": "client",
    "unauthorized_client": "grant_type",
    "invalid_scope": "scope",
    "invalid_target": "target",
}
_AUTHORIZATION_CHECKS = _CHECKS | {
    "invalid_client_id": "client",
    "login_required": "session",
    "unauthorized_client": "response_type",
    "unsupported_response_type": "response_type",
}
_BEFORE_AUTHENTICATION = ("invalid_client", "invalid_request")


class AuditedGrant:
    """A grant of oauthlib's, with a record of every answer: of a token by `issued`, of a refusal here."""

    def __init__(self, grant: Any) -> None:
        self.grant = grant

    def create_token_response(self, request: Any, token_handler: Any) -> tuple[Mapping[str, str], str, int]:
        request.started = time.monotonic()

        def refused(error: str, detail: str | None) -> None:
            _refused(_ACTS[request.grant_type], request, error, detail or "", {"ms": _since(request.started)})

        try:
            headers, body, status = self.grant.create_token_response(request, token_handler)
        except errors.OAuth2Error as error:
            refused(error.error, error.description)
            raise
        except ObjectDoesNotExist:
            refused("invalid_grant", "It was spent by another request at the same time.")
            raise
        if status != 200:
            answer = json.loads(body)
            refused(answer["error"], answer.get("error_description"))
        return headers, body, status


def issued(request: Any, token: Mapping[str, Any]) -> None:
    """Record that a code or refresh token brings `token`; raises OAuth2Error.

    To be called in the transaction that stores the one and spends the other: without a record neither takes place.
    """
    facts: log.Facts = {"ms": _since(request.started), "scope_granted": token.get("scope", "")}
    _done(_ACTS[request.grant_type], request, facts)


def revocation(request: Any, validate: Any) -> None:
    """Let `validate` check an (oauthlib) revocation request, and record what comes of it; raises OAuth2Error.

    RFC 7009 sections 2.1 and 2.2: all that an authenticated client sends is answered alike. Here it is told apart: its
    own token ends, that of another client does not, and with no good token there is nothing to end.
    """
    try:
        validate(request)
    except errors.OAuth2Error as error:
        _refused(Act.REVOCATION, request, error.error, error.description or "", {})
        raise
    row = _live_token(request.token)
    if row is None:
        _done(Act.REVOCATION, request, {"detail": "Nothing ended: no such token is good here."})
        return
    facts: log.Facts = {"user": row.user, "resource": " ".join(row.resource)}
    if row.application_id == request.client.pk:
        _done(Act.REVOCATION, request, facts)
    else:
        detail = f"The token{_jti_of(request.token)} was issued to {row.application}."
        log.refused(
            Act.REVOCATION, {**facts, "client_id": request.client.client_id, "detail": detail}, check="token_owner"
        )


def _live_token(token: str) -> Any:
    """Return the row of a token that a revocation could end, whoever has it, or None."""
    rows = {"token_checksum": hashlib.sha256(token.encode()).hexdigest()}
    for found in (
        get_access_token_model().objects.filter(**rows),
        get_refresh_token_model().objects.filter(**rows, revoked=None),
    ):
        if row := found.select_related("user", "application__server").first():
            return row
    return None


def _jti_of(token: str) -> str:
    """Return the `jti` of an access token of ours, ready for a sentence; a refresh token has none."""
    try:
        return f" {parse_jws(token).unverified_payload['jti']}"
    except MalformedJws:
        return ""


def malformed(request: HttpRequest, refusal: HttpResponse, act: Act | None = None) -> HttpResponse:
    """Record that a request was refused for its form, before any client authenticated; return the refusal.

    Without `act` it is a token request, whose grant type says which act it was to be.
    """
    answer, unverified = json.loads(refusal.content), {"client_id": _claimed_client(request)}
    if act is None:
        unverified["grant_type"] = _form(request).get("grant_type", "")
        act = _ACTS.get(unverified["grant_type"], Act.TOKEN_REQUEST)
    facts: log.Facts = {"detail": answer["error_description"], "unverified": unverified}
    log.refused(act, facts, check="request", error=answer["error"])
    return refusal


def authorization_refused(request: HttpRequest, error: str, description: str | None) -> None:
    """Record that an authorization request was refused; nobody authenticates a client there."""
    client_id, redirect_uri, scope = (
        request.GET.get(name) or _form(request).get(name, "") for name in ("client_id", "redirect_uri", "scope")
    )
    facts: log.Facts = {
        "user": request.user if request.user.is_authenticated else None,
        "scope_asked": scope,
        "detail": description or "",
        "unverified": {"client_id": client_id, "redirect_uri": redirect_uri},
    }
    log.refused(Act.AUTHORIZATION, facts, check=_AUTHORIZATION_CHECKS.get(error, "request"), error=error)


def introspection_refused(request: HttpRequest, error: errors.OAuth2Error) -> None:
    """Record that somebody who is not known to be a client asked about a token."""
    unverified = {"client_id": _claimed_client(request)}
    detail = getattr(error, "detail", "") or error.description or ""
    facts: log.Facts = {"detail": detail, "unverified": unverified}
    log.refused(Act.INTROSPECTION, facts, check=_CHECKS.get(error.error, "request"), error=error.error)


def introspection_denied(client: Client, access_token: Any) -> None:
    """Record that `client` asked about a good token of somebody else's, and was told that it is none."""
    facts: log.Facts = {
        "client_id": client.client_id,
        "user": access_token.user,
        "resource": " ".join(access_token.resource),
        "detail": f"The token was issued to {access_token.application.client_id}.",
    }
    log.refused(Act.INTROSPECTION, facts, check="resource")


def _claimed_client(request: HttpRequest) -> str:
    authorization, sent = request.headers.get("Authorization"), _form(request)
    return unverified_client_in(authorization, client_id=sent.get("client_id"), assertion=sent.get("client_assertion"))


def _form(request: HttpRequest) -> QueryDict:
    """Return the parameters of a form-encoded body; those of another one count for nothing and may not be readable."""
    return request.POST if request.content_type == "application/x-www-form-urlencoded" else QueryDict()


def _done(act: Act, request: Any, more: log.Facts) -> None:
    try:
        log.done(act, {**_known(request), "client_id": request.client.client_id, **more})
    except log.NotRecorded as error:
        description = "The server is busy. Try again later."
        raise errors.TemporarilyUnavailableError(description, status_code=503) from error


def _refused(act: Act, request: Any, error: str, detail: str, more: log.Facts) -> None:
    if error == "invalid_client":
        detail = getattr(request, "client_refused", detail)
    facts: log.Facts = {**_known(request), **more, "detail": detail}
    if error in _BEFORE_AUTHENTICATION or request.client is None:
        facts["unverified"] = {"client_id": unverified_client(request)}
    else:
        facts["client_id"] = request.client.client_id
    log.refused(act, facts, check=_CHECKS.get(error, str(act.value)), error=error)


def _known(request: Any) -> log.Facts:
    facts: log.Facts = {"scope_asked": request.scope or ""}
    if request.user is not None and request.user.pk:
        facts |= {"user": request.user, "sub": request.user.sub or ""}
    return facts


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
