"""Records the answers of the OAuth endpoints: grants, revocations and refusals.

Grants and the validator store their facts in `request.facts`, with the checks that passed. Only this module writes rows
from them: for a token in the transaction that stores it (`issued`), for a refusal after the rollback.
"""

import hashlib
import json
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, QueryDict
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
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


def recorded_answer(grant: Any, request: Any, token_handler: Any) -> tuple[dict[str, str], str, int]:
    """Return headers, body and status of the answer of `grant`, and record a refusal; raises OAuth2Error.

    oauthlib's own grants return most refusals; this project's grants raise them.
    """
    act = _ACTS[request.grant_type]
    try:
        headers, body, status = grant.create_token_response(request, token_handler)
    except errors.OAuth2Error as error:
        _refused(act, request, error.error, _detail(error))
        raise
    except get_grant_model().DoesNotExist as spent:
        _refused(act, request, "invalid_grant", "Another request has used it at the same time.")
        raise errors.InvalidGrantError(request=request) from spent
    if status != 200:
        refusal = json.loads(body)
        _refused(act, request, refusal["error"], refusal.get("error_description", ""))
    return headers, body, status


def issued(request: Any, scope: str) -> None:
    """Record the grant of `request`, with `scope`; raises OAuth2Error (503) if the row cannot be written.

    Call it in the transaction that stores the token and uses up the grant: without a record both are rolled back.
    """
    _done(_ACTS[request.grant_type], request, {"scope_granted": scope})


def revocation(request: Any, validate: Any) -> None:
    """Let `validate` check an (oauthlib) revocation request, and record the result; raises OAuth2Error.

    RFC 7009 sections 2.1 and 2.2: an authenticated client always gets the same answer. The record tells the cases
    apart: its own token is revoked, another client's token is not, and an invalid token needs no revocation.
    """
    try:
        validate(request)
    except errors.OAuth2Error as error:
        _refused(Act.REVOCATION, request, error.error, _detail(error))
        raise
    row = _live_token(request.token)
    if row is None:
        _done(Act.REVOCATION, request, {"detail": "Nothing was revoked: no such token is valid here."})
        return
    request.facts |= {"user": row.user, "resource": " ".join(row.resource)}
    if row.application_id == request.client.pk:
        _done(Act.REVOCATION, request, {})
    else:
        request.facts.failed = "token_owner"
        _refused(Act.REVOCATION, request, "", f"The token{_jti_of(request.token)} was issued to {row.application}.")


def _live_token(token: str) -> Any:
    """Return the row of a token of any client that a revocation could end, or None."""
    rows = {"token_checksum": hashlib.sha256(token.encode()).hexdigest()}
    for found in (
        get_access_token_model().objects.filter(**rows),
        get_refresh_token_model().objects.filter(**rows, revoked=None),
    ):
        if row := found.select_related("user", "application__server").first():
            return row
    return None


def _jti_of(token: str) -> str:
    """Return the `jti` of an access token of this server, for a sentence; a refresh token has none."""
    try:
        return f" {parse_jws(token).unverified_payload['jti']}"
    except MalformedJws:
        return ""


def malformed(request: HttpRequest, refusal: HttpResponse, act: Act | None = None) -> HttpResponse:
    """Record that a request was refused for its form, before client authentication; return the refusal.

    Without `act` it is a token request, and its grant type tells the act.
    """
    answer, unverified = json.loads(refusal.content), {"client_id": _claimed_client(request)}
    if act is None:
        unverified["grant_type"] = _form(request).get("grant_type", "")
        act = _ACTS.get(unverified["grant_type"], Act.TOKEN_REQUEST)
    facts: log.Facts = {"detail": answer["error_description"], "unverified": unverified}
    log.refused(act, facts, check="request", error=answer["error"])
    return refusal


def authorization_refused(request: HttpRequest, error: str, description: str | None) -> None:
    """Record that an authorization request was refused; clients do not authenticate there."""
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
    """Record an introspection request without client authentication."""
    unverified = {"client_id": _claimed_client(request)}
    facts: log.Facts = {"detail": _detail(error), "unverified": unverified}
    log.refused(Act.INTROSPECTION, facts, check=_CHECKS.get(error.error, "request"), error=error.error)


def introspection_denied(client: Client, access_token: Any) -> None:
    """Record that `client` asked about a valid token of another party and got `active: false`."""
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
    """Return the parameters of a form-encoded body, or none for another content type."""
    return request.POST if request.content_type == "application/x-www-form-urlencoded" else QueryDict()


def _done(act: Act, request: Any, more: log.Facts) -> None:
    try:
        log.done(act, {**_facts(request), **more})
    except log.NotRecorded as error:
        request.facts.failed = "audit"
        busy: Any = errors.TemporarilyUnavailableError("The server is busy. Try again later.", status_code=503)
        busy.detail = f"The row could not be written: {error}."
        raise busy from error


def _refused(act: Act, request: Any, error: str, detail: str) -> None:
    """Record a refusal. Stock grants name no check, so the error code is the check."""
    facts, check = _facts(request), request.facts.failed or _CHECKS.get(error, str(act.value))
    facts["detail"] = facts.get("detail") or detail
    if "client_id" not in facts:
        facts["unverified"] = {"client_id": unverified_client(request), **facts.get("unverified", {})}
    log.refused(act, facts, check=check, error=error)


def _facts(request: Any) -> log.Facts:
    """Return the facts of an (oauthlib) request, under the names of the audit's columns."""
    known = {"scope_asked": request.scope, "checks_passed": request.facts.passed, "ms": request.facts.ms}
    if getattr(request.user, "pk", None):
        known |= {"user": request.user, "sub": request.user.sub}
    return cast("log.Facts", {**known, **request.facts})


def _detail(error: errors.OAuth2Error) -> str:
    return getattr(error, "detail", "") or error.description or ""
