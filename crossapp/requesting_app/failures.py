"""Remembers a failure for a few seconds, so that a page with thirty links, or thirty waiting requests, fail once.

Each failure is told once, by the signal `access_failed`. Django's cache stores causes and texts, never a token.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache import cache

from .errors import Cause, CrossAppError, Party
from .models import ResourceApp
from .signals import access_failed

SECONDS = {
    Cause.SIGN_IN_AGAIN: 2,
    Cause.NOT_ALLOWED: 20,
    Cause.UNREACHABLE: 5,
    Cause.BAD_ANSWER: 5,
    Cause.NOT_OFFERED: 5,
    Cause.REFUSED: 5,
}
LONGEST = 60  # seconds, whatever a peer asks for
_KEPT = ("detail", "step", "code", "description", "sign_in_parameters")


def remember(name: str, error: CrossAppError, *, seconds: int | None = None) -> None:
    """Make `raise_recent(name)` raise a copy of `error` for a few seconds, or for the peer's `seconds`."""
    error.is_remembered = True
    kept = {member: getattr(error, member) for member in _KEPT}
    kept |= {"cause": error.cause.value, "party": error.party.value}
    lasting = SECONDS[error.cause] if seconds is None else min(seconds, LONGEST)
    cache.set(_key(name), (kept, error.reference), lasting)


def raise_recent(name: str) -> None:
    """Raise the remembered failure, if any, with the reference of the request that failed."""
    if found := cache.get(_key(name)):
        kept, reference = found
        error = CrossAppError(**kept | {"cause": Cause(kept["cause"]), "party": Party(kept["party"])})
        error.reference, error.is_new = reference, False
        raise error


def forget(names: list[str]) -> None:
    """Forget the failures under these names."""
    cache.delete_many([_key(name) for name in names])


@contextmanager
def told(user: Any, resource_app: ResourceApp) -> Iterator[None]:
    """Tell of a `CrossAppError` inside, once: not of a remembered one, and not of the same one for a few seconds."""
    try:
        yield
    except CrossAppError as error:
        if error.is_new and getattr(user, "pk", None) is not None:
            if error.is_remembered or _is_first(error, f"{user.pk}:{resource_app.pk}"):
                access_failed.send_robust(sender=ResourceApp, user=user, resource_app=resource_app, error=error)
            error.is_new = False
        raise


def _is_first(error: CrossAppError, whose: str) -> bool:
    """Say whether no such failure was told a moment ago; if one was, `error` gets its reference."""
    name = _key(f"told:{whose}:{error.step}:{error.cause.value}:{error.code}")
    if cache.add(name, error.reference, SECONDS[error.cause]):
        return True
    error.reference = cache.get(name) or error.reference
    return False


def _key(name: str) -> str:
    return f"crossapp:failure:{hashlib.sha256(name.encode()).hexdigest()}"
