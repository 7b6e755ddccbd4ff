"""RFC 7517 section 5, RFC 8725 section 3.1: fetches and caches the keys of trusted issuers.

Call it for trusted issuers only, because it fetches the issuer's URL. For an unknown key id one process fetches the
keys again, at most once in `cool_down` seconds; the others wait for the result. While the issuer does not answer, the
last valid keys are used until they are `stale`. A process uses what it has read from the shared cache for five seconds.
A token without a key id does not show that the issuer has a new key: such keys are fetched again when they are not
`fresh` any more.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import requests

from .cache import Cache
from .discovery import find_metadata
from .errors import PeerError
from .http import default_session, send
from .jwk import KeysUnavailable, VerificationKey, find_key, usable_keys
from .strict_json import strict_json_object

logger = logging.getLogger(__name__)

WAIT_SECONDS = 6.0  # a little longer than one fetch may take
COLD_COOL_DOWN = 5  # seconds after a failure without any keys
RECENT_SECONDS = 5.0  # during which a process does not read the cache again
MOST = 1024  # key sets in a process

_RUNNING, _ANSWERED, _FAILED = "running", "answered", "failed"

Event = Literal["hit", "miss", "answered", "failed"]


@dataclass(frozen=True)
class _Source:
    """A key set: that of an issuer, found through its metadata, or one at a URL."""

    address: str
    is_issuer: bool

    def __str__(self) -> str:
        return self.address

    def name(self, what: str) -> str:
        """Return the cache key. It includes the kind of source, so an issuer and a jwks_uri at one URL never mix."""
        digest = hashlib.sha256(self.address.encode()).hexdigest()
        return f"crossapp:{what}:{'issuer' if self.is_issuer else 'jwks_uri'}:{digest}"


@dataclass(frozen=True)
class _Known:
    """The last fetched keys and the time of the request."""

    fetched_at: float
    keys: Sequence[VerificationKey]

    def serves(self, kid: str | None) -> bool:
        return kid is None or any(key.kid == kid for key in self.keys)


class _Recent(NamedTuple):
    known: _Known
    until: float
    """`time.monotonic`"""


class Keys:
    """The key sets of issuers and of clients. Times are in seconds.

    `told` is called for every look-up ("hit" if cached, otherwise "miss") and every fetch ("answered", "failed").
    """

    def __init__(
        self,
        cache: Cache,
        session: Callable[[], requests.Session] = default_session,
        *,
        fresh: int = 600,
        stale: int = 3600,
        cool_down: int = 30,
        told: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._cache, self._session, self._told = cache, session, told
        self._fresh, self._stale, self._cool_down = fresh, stale, cool_down
        self._recent: dict[_Source, _Recent] = {}

    def key_for(self, issuer: str, kid: str | None, alg: str) -> VerificationKey:
        """Return the issuer's key for that key id, None if the token has none, and that algorithm: see `find_key`.

        Raises UnknownKey or KeysUnavailable.
        """
        return find_key(self._current(_Source(issuer, is_issuer=True), kid), kid=kid, alg=alg)

    def keys_at(self, jwks_uri: str, kid: str | None) -> Sequence[VerificationKey]:
        """Return the usable keys at a registered URL (RFC 7591 section 2, jwks_uri).

        They are fetched again if `kid` is not among them. Raises KeysUnavailable.
        """
        return self._current(_Source(jwks_uri, is_issuer=False), kid)

    def forget(self, issuer: str, *, fetched_before: datetime | None) -> None:
        """Drop the issuer's keys if they were fetched before that time, because one was withdrawn. None keeps them."""
        if fetched_before is None:
            return
        source = _Source(issuer, is_issuer=True)
        recent, stored = self._recent.get(source), self._cache.get(source.name("keys"))
        if recent and recent.known.fetched_at < fetched_before.timestamp():
            self._recent.pop(source, None)
        if stored and stored[0] < fetched_before.timestamp():
            self._cache.delete(source.name("keys"))
            self._cache.delete(source.name("attempt"))

    def _current(self, source: _Source, kid: str | None) -> Sequence[VerificationKey]:
        """Return the keys to use now, fetched again if they are old or `kid` is not among them."""
        known = self._read_lately(source)
        if known is None or not (known.serves(kid) and self._is_fresh(known)):
            known = self._load(source)
        serves = known is not None and known.serves(kid)
        if known and serves and self._is_fresh(known):
            self._told("hit")
            return known.keys
        self._told("miss")
        answered = self._refresh(source, is_cold=known is None, waits=not serves)
        known = self._load(source)
        if known is None or not (answered or known.serves(kid)):
            raise KeysUnavailable(f"cannot fetch the keys of {source}")
        return known.keys

    def _is_fresh(self, known: _Known) -> bool:
        return time.time() - known.fetched_at < self._fresh

    def _refresh(self, source: _Source, *, is_cold: bool, waits: bool) -> bool:
        """Fetch the keys, unless another process does or has just done so; say whether that fetch succeeded."""
        attempt = source.name("attempt")
        if is_cold and self._cache.get(attempt) == _ANSWERED:
            self._cache.delete(attempt)  # the cache has evicted the keys: fetch again despite the cool-down
        if self._cache.add(attempt, _RUNNING, self._cool_down):
            return self._fetch(source, is_cold=is_cold)
        deadline = time.monotonic() + WAIT_SECONDS
        while (outcome := self._cache.get(attempt)) == _RUNNING and waits and time.monotonic() < deadline:
            time.sleep(0.05)
        return bool(outcome == _ANSWERED)

    def _fetch(self, source: _Source, *, is_cold: bool) -> bool:
        outcome, cool_down = _FAILED, COLD_COOL_DOWN if is_cold else self._cool_down
        asked_at = time.time()  # the answer may still have keys that are withdrawn from now on
        fetch = fetch_jwks if source.is_issuer else fetch_jwks_at
        try:
            unread = fetch(source.address, session=self._session())
            self._cache.set(source.name("keys"), (asked_at, json.dumps(unread)), self._stale)
            outcome, cool_down = _ANSWERED, self._cool_down
        except KeysUnavailable as error:
            logger.warning("no keys from %s: %s", source, error)
        finally:
            self._cache.set(source.name("attempt"), outcome, cool_down)
            self._told("answered" if outcome == _ANSWERED else "failed")
        return outcome == _ANSWERED

    def _read_lately(self, source: _Source) -> _Known | None:
        recent = self._recent.get(source)
        return recent.known if recent and time.monotonic() < recent.until else None

    def _load(self, source: _Source) -> _Known | None:
        """Read the cache."""
        stored = self._cache.get(source.name("keys"))
        if stored is None:
            self._recent.pop(source, None)
            return None
        known = _Known(stored[0], _read(stored[1]))
        if len(self._recent) >= MOST:
            self._recent.clear()
        self._recent[source] = _Recent(known, time.monotonic() + RECENT_SECONDS)
        return known


def fetch_jwks(issuer: str, *, session: requests.Session) -> list[Any]:
    """Return the `keys` of the key set that `issuer` publishes, unparsed; raises KeysUnavailable."""
    try:
        metadata = find_metadata(issuer, session=session, required="jwks_uri", names=("jwks_uri",))
    except PeerError as error:
        raise KeysUnavailable(error.detail) from error
    return fetch_jwks_at(metadata.jwks_uri, session=session)


def fetch_jwks_at(jwks_uri: str, *, session: requests.Session) -> list[Any]:
    """Return the `keys` of the key set at `jwks_uri`, unparsed (RFC 7517 section 5); raises KeysUnavailable."""
    try:
        answer = send("GET", jwks_uri, session=session)
        if answer.status != 200:
            raise KeysUnavailable(f"{jwks_uri} answered {answer.status}")
        keys = strict_json_object(answer.body).get("keys")
    except PeerError as error:
        raise KeysUnavailable(error.detail) from error
    except ValueError as error:
        raise KeysUnavailable(f"{jwks_uri} answered no JSON document: {error}") from error
    if not isinstance(keys, list):
        raise KeysUnavailable("the key set has no keys")
    return keys


@lru_cache(maxsize=1024)
def _read(unread: str) -> Sequence[VerificationKey]:
    """Return the usable keys in a JSON array, parsed once per process, because building an RSA key is slow."""
    return usable_keys(json.loads(unread))
