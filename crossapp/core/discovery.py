"""RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4: finds the metadata of issuers, and caches them.

An issuer publishes one form or several: the OpenID one, that of RFC 8414, or RFC 8414's behind the path, as Okta does.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import asdict

import requests

from .cache import Cache
from .errors import BadAnswer
from .http import deadline_within, default_session, send
from .metadata import URLS, Kind, Metadata, NotHere, read_metadata, well_known_urls

CACHE_SECONDS = 300


class Discovery:
    """The metadata of issuers, fetched on demand and cached for five minutes."""

    def __init__(self, cache: Cache, session: Callable[[], requests.Session] = default_session) -> None:
        self._cache, self._session = cache, session

    def metadata(self, issuer: str, kind: Kind, *, deadline: float | None = None) -> Metadata:
        """Return the metadata of `issuer`, fetched if need be, as `find_metadata` does."""
        name = f"crossapp:issuer-metadata:{kind}:{hashlib.sha256(issuer.encode()).hexdigest()}"
        if kept := self._cache.get(name):
            lists = {
                key: tuple(value) for key, value in kept.items() if isinstance(value, list)
            }  # of a cache with JSON
            return Metadata(**kept | lists)
        found = find_metadata(issuer, first=kind, session=self._session(), deadline=deadline)
        self._cache.set(name, asdict(found), CACHE_SECONDS)
        return found


def find_metadata(
    issuer: str,
    *,
    first: Kind = Kind.OPENID,
    session: requests.Session,
    deadline: float | None = None,
    required: str = "token_endpoint",
    names: Collection[str] = URLS,
) -> Metadata:
    """Return the metadata of `issuer`: the form `first`, or the next one that is usable.

    `deadline` is in the seconds of `time.monotonic`, 5 seconds from now at the latest. `required` and `names` are those
    of `read_metadata`. Raises `Unreachable` as soon as the issuer does not answer, because the next form might be an
    older or a smaller one; `BadAnswer` if no form is usable.
    """
    latest = deadline_within(None)
    deadline = latest if deadline is None else min(deadline, latest)
    errors: dict[str, BadAnswer] = {}
    for url in well_known_urls(issuer, first):
        try:
            answer = send("GET", url, session=session, deadline=deadline)
            return read_metadata(answer.status, answer.body, issuer=issuer, required=required, names=names)
        except BadAnswer as error:
            errors[url] = error
    for unusable in errors.values():
        if not isinstance(unusable, NotHere):
            raise unusable
    raise BadAnswer("; ".join(f"{url} {missing.detail}" for url, missing in errors.items()))
