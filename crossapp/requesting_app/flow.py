"""Cross-app access on demand: an access token for a user at a resource app, and calls of its API with it.

The steps of an exchange, one module each: `renewal` (only if the ID token is about to expire),
`token_exchange` (at the user's IdP), `jwt_bearer` (at the resource app). Nothing is exchanged at sign-in, and only
the access token is stored. No transaction may be open, because every step is an HTTP request.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from django.utils import timezone

from ..core import jwt_bearer, token_exchange
from ..core.jwt_bearer import AccessToken
from ..core.metadata import Kind
from ..core.token_exchange import IdJagGrant, Wanted
from . import api, failures, leases, renewal, stored_tokens
from .conf import conf
from .errors import Cause, CrossAppError
from .models import ResourceApp
from .peer_requests import Run, ms_since, token_request
from .signals import token_looked_up
from .subject_tokens import SubjectTokens

__all__ = ["AccessToken", "ApiResponse", "access_token_for", "call_api", "failed", "forget_tokens"]

ApiResponse = api.ApiResponse
logger = logging.getLogger(__name__)
_LATER = 3.0  # seconds: a holder that crashed may have taken the lease this long after this thread began to wait
_FOR_THE_OPERATOR = {Cause.BAD_ANSWER, Cause.NOT_OFFERED, Cause.REFUSED}
_RENEWABLE = {"invalid_grant", "invalid_request"}  # the IdP refuses the subject token


def access_token_for(*, user: Any, resource_app: ResourceApp) -> AccessToken:
    """Return an access token of `user` at `resource_app`: the stored one if it is valid for a while, or a new one.

    Of concurrent callers in all threads and processes one makes the exchange. Raises `CrossAppError`.
    """
    result = "failed"
    try:
        with failures.told(user, resource_app):
            token, result = _stored_or_new(user, resource_app)
        return token
    finally:
        token_looked_up.send_robust(sender=ResourceApp, user=user, resource_app=resource_app, result=result)


def _stored_or_new(user: Any, resource_app: ResourceApp) -> tuple[AccessToken, str]:
    """Return a token, and "hit" if it was stored or "miss" if not."""
    _require(user, resource_app)
    if token := stored_tokens.usable(user, resource_app):
        return token, "hit"
    name = _lease_name(user, resource_app)
    deadline = time.monotonic() + conf().lease_seconds + _LATER
    with leases.one_thread(name, until=deadline) as waited:
        if waited and (token := stored_tokens.usable(user, resource_app)):
            return token, "hit"
        for _ in leases.attempts(until=deadline):
            failures.raise_recent(name)
            with leases.held(name, seconds=conf().lease_seconds) as ours:
                # Another thread may have finished an exchange meanwhile.
                if token := stored_tokens.usable(user, resource_app):
                    return token, "hit"
                if ours:
                    return _exchange(name, user, resource_app), "miss"
    raise CrossAppError(Cause.UNREACHABLE, "another exchange for this user takes too long", step="lease")


def call_api(
    *,
    user: Any,
    resource_app: ResourceApp,
    method: str,
    path: str,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
) -> ApiResponse:
    """Call `path` below the resource app's API for `user` and return the answer, with any status below 500.

    A token that the API refuses is replaced once. Raises `CrossAppError`.
    """
    with failures.told(user, resource_app):
        return _call_api(user, resource_app, method=method, path=path, params=params, json=json)


def _call_api(user: Any, resource_app: ResourceApp, **content: Any) -> ApiResponse:
    for attempt in (1, 2):
        token = access_token_for(user=user, resource_app=resource_app)
        run = Run(user, resource_app, time.monotonic() + conf().lease_seconds)
        response = api.call(run, token.value, **content)
        if response.status != 401:  # RFC 6750 section 3.1
            return response
        stored_tokens.drop(user, resource_app, refused=token)
        logger.warning(
            "API refused the access token resource_app=%s user=%s try=%d", resource_app.key, user.pk, attempt
        )
    raise CrossAppError(Cause.REFUSED, "the API refuses a new access token", step="api")


def failed(error: CrossAppError, *, user: Any, resource_app: ResourceApp) -> NoReturn:
    """Log, tell and raise `error`, which the caller has found, for instance in the API's answer."""
    with failures.told(user, resource_app):
        _log(logging.WARNING, error, user, resource_app)
        raise error


def forget_tokens(user: Any) -> None:
    """Delete every access token of `user`, and forget the failures: at sign-in, sign-out and user switch."""
    if user is None or user.pk is None:
        return
    stored_tokens.forget(user)
    failures.forget([_lease_name(user, resource_app) for resource_app in ResourceApp.objects.defer("client_secret")])


def _lease_name(user: Any, resource_app: ResourceApp) -> str:
    return f"exchange:{user.pk}:{resource_app.pk}"


def _require(user: Any, resource_app: ResourceApp) -> None:
    """Check that the user is present and active, and the resource app enabled."""
    if user is None or user.pk is None or not user.is_active:
        raise CrossAppError(Cause.SIGN_IN_AGAIN, "no active user to act for", step="subject_token")
    if not resource_app.enabled:
        raise CrossAppError(Cause.NOT_ALLOWED, f"resource app {resource_app.key} is disabled", step="subject_token")


def _exchange(name: str, user: Any, resource_app: ResourceApp) -> AccessToken:
    """Get and store a new access token, with the lease held; remember and log the outcome."""
    failures.raise_recent(name)
    start = time.monotonic()
    # It must end before the lease, otherwise another exchange could begin.
    run = Run(user, resource_app, start + conf().lease_seconds - 1)
    try:
        id_jag, token = _new_access_token(run)
        renewal.subject_tokens(run)  # raises if the user has signed out meanwhile: then nothing is stored
    except CrossAppError as error:
        failures.remember(name, error)
        level = logging.ERROR if error.cause in _FOR_THE_OPERATOR else logging.WARNING
        _log(level, error, user, resource_app, ms=ms_since(start))
        raise
    stored_tokens.store(user, resource_app, token)
    logger.info(
        "cross-app access granted resource_app=%s audience=%s user=%s asked=%r granted=%r jti=%r ms=%d",
        *(resource_app.key, resource_app.audience, user.pk, resource_app.scope, token.scope, id_jag.jti[:100]),
        ms_since(start),
    )
    return token


def _log(level: int, error: CrossAppError, user: Any, resource_app: ResourceApp, *, ms: int = 0) -> None:
    logger.log(
        level,
        "cross-app access failed resource_app=%s audience=%s user=%s party=%s step=%s cause=%s ms=%d reference=%s"
        " reason=%s",
        *(resource_app.key, resource_app.audience, user.pk, error.party.value, error.step, error.cause.value),
        *(ms, error.reference, error.detail),
    )


def _new_access_token(run: Run) -> tuple[IdJagGrant, AccessToken]:
    """Return a new access token and the ID-JAG used for it, for the log."""
    subject = renewal.subject_tokens(run)
    expires_in = (subject.id_token_expires_at - timezone.now()).total_seconds()
    may_renew = bool(subject.refresh_token)
    if expires_in <= 0 or (may_renew and expires_in <= conf().id_token_margin_seconds):
        subject, may_renew = renewal.renewed(run, subject), False
    try:
        id_jag = _token_exchange(run, subject)
    except CrossAppError as error:
        if not may_renew or error.code not in _RENEWABLE:
            raise
        subject = renewal.renewed(run, subject)
        id_jag = _token_exchange(run, subject)
    try:
        return id_jag, _redeem(run, subject, id_jag)
    except CrossAppError as error:
        if error.code != "invalid_grant":
            raise
        id_jag = _token_exchange(run, subject)  # ID-JAG -04 section 4.4.3; never the same one twice: RFC 7523 section 3
        return id_jag, _redeem(run, subject, id_jag)


def _token_exchange(run: Run, subject: SubjectTokens) -> IdJagGrant:
    app = run.resource_app
    wanted = Wanted(subject.issuer, app.audience, app.client_id, app.resource, app.scope)
    return token_request(
        run,
        "token_exchange",
        client=subject.client,
        subject_issuer=subject.issuer,
        metadata=Kind.OPENID,
        form=token_exchange.build_request(wanted, id_token=subject.id_token),
        read=lambda *answer: token_exchange.read_response(*answer, wanted=wanted, now=timezone.now()),
    )


def _redeem(run: Run, subject: SubjectTokens, id_jag: IdJagGrant) -> AccessToken:
    app = run.resource_app
    return token_request(
        run,
        "jwt_bearer",
        client=app.client,
        subject_issuer=subject.issuer,
        metadata=Kind.OAUTH,
        form=jwt_bearer.build_request(id_jag=id_jag.value, scope=id_jag.scope, resource=app.resource),
        read=lambda *answer: jwt_bearer.read_response(
            *answer, requested_scope=id_jag.scope, requested_resource=app.resource, now=timezone.now()
        ),
    )
