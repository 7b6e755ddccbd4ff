"""Remembers a failure for a few seconds, so that a page with thirty links, or thirty waiting requests, fail once.

Django's cache stores a cause and a text, never a token.
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
    """Make `raise_recent(name)` raise a copy of `error` for a few seconds, or for the peer's `seconds`."""
    kept = (error.cause.value, error.detail, error.step, error.code, error.sign_in_parameters)
    cache.set(_key(name), kept, SECONDS[error.cause] if seconds is None else min(seconds, LONGEST))


def raise_recent(name: str) -> None:
    """Raise the remembered failure, if any."""
    if kept := cache.get(_key(name)):
        cause, detail, step, code, parameters = kept
        raise CrossAppError(Cause(cause), detail, step=step, code=code, sign_in_parameters=parameters)


def forget(names: list[str]) -> None:
    """Forget the failures under these names."""
    cache.delete_many([_key(name) for name in names])


def _key(name: str) -> str:
    return f"crossapp:failure:{hashlib.sha256(name.encode()).hexdigest()}"
