"""A failure is remembered for a moment, so that a page with thirty links, or thirty waiting requests, fail once.

Kept in Django's cache: what is remembered is a cause and a text, never a token.
"""

import hashlib

from django.core.cache import cache

from .errors import Cause, CrossAppError

SECONDS = {
    Cause.SIGN_IN_AGAIN: 2,
    Cause.NOT_ALLOWED: 20,
    Cause.UNREACHABLE: 5,
    Cause.REFUSED: 5,
}
LONGEST = 60  # seconds, whatever a peer asks for


def remember(name: str, error: CrossAppError, *, seconds: int | None = None) -> None:
    """Let `raise_recent(name)` raise the like of `error` for a few seconds, or for the `seconds` that a peer named."""
    kept = (error.cause.value, error.detail, error.step, error.code, error.sign_in_parameters)
    cache.set(_key(name), kept, SECONDS[error.cause] if seconds is None else min(seconds, LONGEST))


def raise_recent(name: str) -> None:
    """Raise what went wrong a moment ago, if anything did."""
    if kept := cache.get(_key(name)):
        cause, detail, step, code, parameters = kept
        raise CrossAppError(Cause(cause), detail, step=step, code=code, sign_in_parameters=parameters)


def forget(names: list[str]) -> None:
    """Forget what went wrong under these names."""
    cache.delete_many([_key(name) for name in names])


def _key(name: str) -> str:
    return f"crossapp:failure:{hashlib.sha256(name.encode()).hexdigest()}"
