"""The metadata of issuers, fetched on demand and cached for five minutes."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict

import requests

from .http import default_session, send
from .keys import Cache
from .metadata import Kind, Metadata, read_metadata, well_known_url

CACHE_SECONDS = 300


class Discovery:
    """Finds the endpoints of issuers (RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4)."""

    def __init__(self, cache: Cache, session: Callable[[], requests.Session] = default_session) -> None:
        self._cache, self._session = cache, session

    def metadata(self, issuer: str, kind: Kind, *, deadline: float | None = None) -> Metadata:
        """Return the metadata of `issuer`, fetched if need be; raises `Unreachable` or `BadAnswer`."""
        name = f"crossapp:metadata:{kind}:{hashlib.sha256(issuer.encode()).hexdigest()}"
        if kept := self._cache.get(name):
            return Metadata(**kept)
        answer = send("GET", well_known_url(issuer, kind), session=self._session(), deadline=deadline)
        found = read_metadata(answer.status, answer.body, issuer=issuer)
        self._cache.set(name, asdict(found), CACHE_SECONDS)
        return found
