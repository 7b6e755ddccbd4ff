"""Refreshes the ID token, one request at a time per user, because refresh tokens rotate."""

import logging

from ..core import refresh
from ..core.metadata import Kind
from ..fields import Undecryptable
from . import leases
from .conf import conf, subject_token_store
from .errors import Cause, CrossAppError, Party
from .peer_requests import Run, token_request
from .subject_tokens import SubjectTokenRefused, SubjectTokens

logger = logging.getLogger(__name__)


def subject_tokens(run: Run) -> SubjectTokens:
    """Return the user's subject tokens as stored; raises `CrossAppError` (sign in again) if there are none."""
    try:
        tokens = subject_token_store().load(run.user)
    except Undecryptable as error:
        raise _sign_in_again(str(error)) from error
    if tokens is None:
        raise _sign_in_again("the user has no subject tokens")
    return tokens


def renewed(run: Run, stale: SubjectTokens) -> SubjectTokens:
    """Return newer subject tokens than `stale`, from a refresh by this or another request.

    Raises `CrossAppError`.
    """
    for _ in leases.attempts(until=run.deadline):
        with leases.held(f"refresh:{run.user.pk}", seconds=conf().lease_seconds) as ours:
            if ours:
                current = subject_tokens(run)
                return current if current.id_token != stale.id_token else _refreshed(run, current)
    raise CrossAppError(Cause.UNREACHABLE, "another refresh for this user takes too long", step="refresh")


def _refreshed(run: Run, tokens: SubjectTokens) -> SubjectTokens:
    if not tokens.refresh_token:
        raise _sign_in_again("the ID token has expired and there is no refresh token")
    store = subject_token_store()
    try:
        new = _ask(run, tokens)
        replaced = store.replace(run.user, id_token=new.id_token, refresh_token=new.refresh_token)
    except CrossAppError as error:
        if error.code == "invalid_grant":
            store.discard(run.user)
        elif isinstance(error.__cause__, refresh.WrongTokens):
            raise _distrusted(run, error.detail) from error
        raise
    except SubjectTokenRefused as error:
        raise _distrusted(run, error.detail) from error
    logger.info("ID token refreshed user=%s issuer=%s", run.user.pk, tokens.issuer)
    return replaced


def _ask(run: Run, tokens: SubjectTokens) -> refresh.Refreshed:
    return token_request(
        run,
        "refresh",
        client=tokens.client,
        subject_issuer=tokens.issuer,
        metadata=Kind.OPENID,
        form=refresh.build_request(refresh_token=tokens.refresh_token),
        read=lambda status, headers, body: refresh.read_response(
            status,
            headers,
            body,
            issuer=tokens.issuer,
            client_id=tokens.client_id,
            old_id_token=tokens.id_token,
            old_refresh_token=tokens.refresh_token,
        ),
    )


def _distrusted(run: Run, detail: str) -> CrossAppError:
    """Delete the user's tokens and log an error: the IdP has answered with another person's token."""
    subject_token_store().discard(run.user)
    logger.error("refreshed ID token refused user=%s reason=%s", run.user.pk, detail)
    return _sign_in_again(detail, Party.IDENTITY_PROVIDER)


def _sign_in_again(detail: str, party: Party = Party.REQUESTING_APP) -> CrossAppError:
    return CrossAppError(Cause.SIGN_IN_AGAIN, detail, step="subject_token", party=party)
