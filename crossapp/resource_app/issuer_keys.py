"""RFC 7517 section 5, RFC 8725 section 3.1: the keys of an issuer that the caller trusts, kept in Django's cache.

Ask only for an issuer that is known to be trusted: its address is fetched. Keys are fresh for ten minutes. A key id
that is not among them is looked for once more, by one process and at most once in thirty seconds; the others wait for
what it finds. While the issuer does not answer, the last good keys serve for an hour. What a process has read of the
cache serves it for five seconds.

`keys_at` does the same for a key set whose address is known, such as that of a client (RFC 7591 section 2, jwks_uri).
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from django.core.cache import cache

from crossapp.resource_app.conf import conf
from crossapp.resource_app.issuer_metadata import fetch_jwks, fetch_jwks_at
from crossapp.resource_app.jwk import KeysUnavailable, UnknownKey, VerificationKey, usable_keys
from crossapp.resource_app.signals import keys_fetched, keys_looked_up

logger = logging.getLogger(__name__)

WAIT_SECONDS = 6.0  # a little longer than an attempt may take
COLD_COOL_DOWN = 5  # seconds after a failure that left us with no keys at all
RECENT_SECONDS = 5.0  # for which a process does not read the cache again
MOST = 1024  # key sets in a process

_RUNNING, _ANSWERED, _FAILED = "running", "answered", "failed"


@dataclass(frozen=True)
class _Source:
    """A key set: that of an issuer, found through its metadata, or the one at an address."""

    address: str
    fetch: Callable[..., list[Any]]

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class _Known:
    """What was fetched last, and when it was asked for."""

    fetched_at: float
    keys: Mapping[str, VerificationKey]

    @property
    def is_fresh(self) -> bool:
        return time.time() - self.fetched_at < conf().keys_fresh

    def serves(self, kid: str | None) -> bool:
        return kid is None or kid in self.keys


def key_for(issuer: str, kid: str, alg: str) -> VerificationKey:
    """Return the issuer's key of that id, which fits the algorithm; raises UnknownKey or KeysUnavailable."""
    key = _current(_Source(issuer, fetch_jwks), kid).get(kid)
    if key is None or not key.fits(alg):
        raise UnknownKey(f"{issuer} has no key {kid!r} for {alg}")
    return key


def keys_for(issuer: str) -> Mapping[str, VerificationKey]:
    """Return the issuer's usable keys by key id; raises KeysUnavailable."""
    return _current(_Source(issuer, fetch_jwks), None)


def forget_keys(issuer: str, *, fetched_before: datetime | None) -> None:
    """Drop the issuer's keys if they were fetched before then, for one of them was withdrawn; None: keep them."""
    if fetched_before is None:
        return
    source = _Source(issuer, fetch_jwks)
    recent, stored = _recent.get(source), cache.get(_name("keys", source))
    if recent and recent.known.fetched_at < fetched_before.timestamp():
        _recent.pop(source, None)
    if stored and stored[0] < fetched_before.timestamp():
        cache.delete_many([_name("keys", source), _name("attempt", source)])


def keys_at(jwks_uri: str, kid: str | None) -> Mapping[str, VerificationKey]:
    """Return the usable keys at an address that an operator registered, looked for again if `kid` is not among them.

    Raises KeysUnavailable.
    """
    return _current(_Source(jwks_uri, fetch_jwks_at), kid)


def _current(source: _Source, kid: str | None) -> Mapping[str, VerificationKey]:
    """Return the keys to use now, fetched again if they are old or `kid` is not among them."""
    known = _read_lately(source)
    if known is None or not (known.serves(kid) and known.is_fresh):
        known = _load(source)
    serves = known is not None and known.serves(kid)
    if known and serves and known.is_fresh:
        keys_looked_up.send_robust(None, result="hit")
        return known.keys
    keys_looked_up.send_robust(None, result="miss")
    answered = _refresh(source, is_cold=known is None, waits=not serves)
    known = _load(source)
    if known is None or not (answered or known.serves(kid)):
        raise KeysUnavailable(f"the keys of {source} can not be fetched")
    return known.keys


def _refresh(source: _Source, *, is_cold: bool, waits: bool) -> bool:
    """Fetch the keys, unless somebody does or has just done so; say whether there was an answer that last time."""
    attempt = _name("attempt", source)
    if is_cold and cache.get(attempt) == _ANSWERED:
        cache.delete(attempt)  # the cache has dropped the keys, which is no reason to do without
    if cache.add(attempt, _RUNNING, conf().keys_cool_down):
        return _fetch(source, attempt, is_cold=is_cold)
    deadline = time.monotonic() + WAIT_SECONDS
    while (outcome := cache.get(attempt)) == _RUNNING and waits and time.monotonic() < deadline:
        time.sleep(0.05)
    return outcome == _ANSWERED


def _fetch(source: _Source, attempt: str, *, is_cold: bool) -> bool:
    outcome, cool_down = _FAILED, COLD_COOL_DOWN if is_cold else conf().keys_cool_down
    asked_at = time.time()  # what is withdrawn from now on may still be in the answer
    try:
        unread = source.fetch(source.address, session=conf().make_http_session())
        cache.set(_name("keys", source), (asked_at, json.dumps(unread)), conf().keys_stale)
        outcome, cool_down = _ANSWERED, conf().keys_cool_down
    except KeysUnavailable as error:
        logger.warning("no keys from %s: %s", source, error)
    finally:
        cache.set(attempt, outcome, cool_down)
        keys_fetched.send_robust(None, outcome=outcome)
    return outcome == _ANSWERED


class _Recent(NamedTuple):
    known: _Known
    until: float
    """`time.monotonic`"""


_recent: dict[_Source, _Recent] = {}


def _read_lately(source: _Source) -> _Known | None:
    recent = _recent.get(source)
    return recent.known if recent and time.monotonic() < recent.until else None


def _load(source: _Source) -> _Known | None:
    """Read the cache."""
    stored = cache.get(_name("keys", source))
    if stored is None:
        _recent.pop(source, None)
        return None
    known = _Known(stored[0], _read(stored[1]))
    if len(_recent) >= MOST:
        _recent.clear()
    _recent[source] = _Recent(known, time.monotonic() + RECENT_SECONDS)
    return known


def start_anew() -> None:
    """Be as in a new process: for tests, which empty the cache."""
    _recent.clear()


@lru_cache(maxsize=1024)
def _read(unread: str) -> Mapping[str, VerificationKey]:
    """Return the usable keys in a JSON array; once per process and key set, since an RSA key is slow to build."""
    return MappingProxyType(usable_keys(json.loads(unread)))


def _name(what: str, source: _Source) -> str:
    """Return a name for the cache that every address fits in; what is at one is nobody's keys but by that way."""
    digest = hashlib.sha256(source.address.encode()).hexdigest()
    return f"resource_app:{what}:{source.fetch.__name__}:{digest}"
