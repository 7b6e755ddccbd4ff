"""Records what the token and revocation endpoints answer where the grant does not do it itself."""

import json
import time
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse
from oauthlib.oauth2.rfc6749 import errors

from audit import log
from audit.clients import unverified_client
from audit.models import Act
from authserver.models import JWT_BEARER, TOKEN_EXCHANGE

_ACTS = {
    "authorization_code": Act.AUTHORIZATION_CODE,
    "refresh_token": Act.REFRESH_TOKEN,
    TOKEN_EXCHANGE: Act.TOKEN_EXCHANGE,
    JWT_BEARER: Act.REDEMPTION,
}
_CHECKS = {"invalid_client": "client", "unauthorized_client": "grant_type", "invalid_scope": "scope"}
_BEFORE_AUTHENTICATION = ("invalid_client", "invalid_request")


class AuditedGrant:
    """A grant of oauthlib's, with a record of every answer; without one, no token is handed out."""

    def __init__(self, grant: Any) -> None:
        self.grant = grant

    def create_token_response(self, request: Any, token_handler: Any) -> tuple[Mapping[str, str], str, int]:
        act, started = _ACTS[request.grant_type], time.monotonic()
        try:
            headers, body, status = self.grant.create_token_response(request, token_handler)
        except errors.OAuth2Error as error:
            _refused(act, request, error.error, error.description or "", {"ms": _since(started)})
            raise
        except ObjectDoesNotExist:
            detail = "It was spent by another request at the same time."
            _refused(act, request, "invalid_grant", detail, {"ms": _since(started)})
            raise
        if status == 200:
            _done(act, request, {"ms": _since(started), "scope_granted": json.loads(body).get("scope", "")})
        else:
            answer = json.loads(body)
            _refused(act, request, answer["error"], answer.get("error_description", ""), {"ms": _since(started)})
        return headers, body, status


def revocation(request: Any, validate: Any) -> None:
    """Let `validate` check an (oauthlib) revocation request, and record what comes of it; raises OAuth2Error."""
    try:
        validate(request)
    except errors.OAuth2Error as error:
        _refused(Act.REVOCATION, request, error.error, error.description or "", {})
        raise
    _done(Act.REVOCATION, request, {})


def malformed(request: HttpRequest, refusal: HttpResponse) -> HttpResponse:
    """Record that a request was refused before any grant saw it; return the refusal."""
    answer, grant_type = json.loads(refusal.content), request.POST.get("grant_type", "")
    client_id = unverified_client(request.headers.get("Authorization"), request.POST.get("client_id"))
    facts: log.Facts = {
        "detail": answer["error_description"],
        "unverified": {"client_id": client_id, "grant_type": grant_type},
    }
    log.refused(_ACTS.get(grant_type, Act.TOKEN_REQUEST), facts, check="request", error=answer["error"])
    return refusal


def _done(act: Act, request: Any, more: log.Facts) -> None:
    try:
        log.done(act, {**_known(request), "client_id": request.client.client_id, **more})
    except log.NotRecorded as error:
        description = "The server is busy. Try again later."
        raise errors.TemporarilyUnavailableError(description, status_code=503) from error


def _refused(act: Act, request: Any, error: str, detail: str, more: log.Facts) -> None:
    facts: log.Facts = {**_known(request), **more, "detail": detail}
    if error in _BEFORE_AUTHENTICATION or request.client is None:
        client_id = unverified_client(request.headers.get("HTTP_AUTHORIZATION"), request.client_id)
        facts["unverified"] = {"client_id": client_id}
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
