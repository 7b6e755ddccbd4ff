"""Rate limits for sign-ins, token requests and API calls; `settings.LIMITS` has the rates.

The library `limits` parses the rates and decides. The counters are in Django's cache: with Redis all processes share
them; with local memory, or while Redis is down, each process counts alone. The signal `signals.throttled` is sent once
for each limit, sender and window.
"""

import hashlib
import ipaddress
import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from base.signals import throttled

logger = logging.getLogger(__name__)


class Throttled(Exception):
    """The limit is exceeded. `retry_after` is the number of seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Please try again in {_in_words(retry_after)}.")
        self.retry_after = retry_after


class CacheStorage(Storage):
    """Counters in one of Django's caches; a counter's window begins with its first hit."""

    STORAGE_SCHEME = None

    def __init__(self, alias: str) -> None:
        super().__init__(wrap_exceptions=True)
        self.alias = alias

    @property
    def cache(self) -> BaseCache:
        return caches[self.alias]

    @property
    def base_exceptions(self) -> type[Exception]:
        return Exception  # each cache backend raises its own exceptions when it is down

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        try:
            return self.cache.incr(key, amount)
        except ValueError:  # no window is open
            if not self.cache.add(key, amount, expiry):
                return self.cache.incr(key, amount)  # another request has just opened it
            self.cache.set(f"{key}:end", time.time() + expiry, expiry)
            return amount

    def give_back(self, key: str) -> None:
        """Subtract one, unless the window is over."""
        try:
            self.cache.decr(key)
        except ValueError:
            pass
        except self.base_exceptions as error:
            raise StorageError(error) from error

    def get(self, key: str) -> int:
        return int(self.cache.get(key, 0))

    def get_expiry(self, key: str) -> float:
        return float(self.cache.get(f"{key}:end", 0))

    def clear(self, key: str) -> None:
        self.cache.delete_many([key, f"{key}:end"])

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        raise NotImplementedError


# In local memory a cache has a largest number of entries, and drops the oldest ones. So passwords have a cache of their
# own: requests without one cannot make it forget, and those with one are limited in total (SIGN_IN_EVERYWHERE).
_STORAGES = {alias: CacheStorage(alias) for alias in ("default", "passwords")}
_LIMITERS = {alias: FixedWindowRateLimiter(storage) for alias, storage in _STORAGES.items()}


@dataclass(frozen=True)
class Limit:
    """One entry of `settings.LIMITS`. While the cache is down, `fails_open` says whether requests pass."""

    name: str
    fails_open: bool = True
    cache: str = "default"

    def check(self, *who: object, **facts: object) -> None:
        """Raise Throttled if `who` has reached the limit. `facts` are columns of the audit event."""
        self._enforce(count=False, who=who, facts=facts)

    def count(self, *who: object, **facts: object) -> None:
        """Count one for `who`; raises Throttled if that exceeds the limit. `facts` as in `check`."""
        self._enforce(count=True, who=who, facts=facts)

    def give_back(self, *who: object) -> None:
        """Subtract one count of `who`."""
        if rate := self._rate():
            try:
                _STORAGES[self.cache].give_back(rate.key_for(self.name, _digest(who)))
            except StorageError:
                logger.exception("no cache limit=%s", self.name)

    def forget(self, *who: object) -> None:
        """Reset the count of `who`."""
        if rate := self._rate():
            try:
                _LIMITERS[self.cache].clear(rate, self.name, _digest(who))
            except StorageError:
                logger.exception("no cache limit=%s", self.name)

    def _enforce(self, *, count: bool, who: tuple[object, ...], facts: dict[str, object]) -> None:
        rate = self._rate()
        if rate is None:
            return
        key = (self.name, _digest(who))
        try:
            if _LIMITERS[self.cache].hit(rate, *key) if count else _LIMITERS[self.cache].test(rate, *key):
                return
            left = max(1, math.ceil(_LIMITERS[self.cache].get_window_stats(rate, *key).reset_time - time.time()))
            is_news = _STORAGES[self.cache].incr(f"{rate.key_for(*key)}:told", left) == 1
        except StorageError:
            logger.exception("no cache limit=%s", self.name)
            if self.fails_open:
                return
            left, is_news = 30, False
        if is_news:
            throttled.send_robust(Limit, limit=self.name, facts=facts)
        raise Throttled(left)

    def _rate(self) -> RateLimitItem | None:
        rate: str = settings.LIMITS[self.name]
        return None if rate == "0" else _parse(rate)


_parse = lru_cache(parse)


# Wrong passwords: for one account from one address, or from one browser that the account knows; for one account from
# all browsers it does not know; from one address; at one tenant's IdP; in total. The name that was entered counts,
# whether or not such an account exists.
SIGN_IN_ACCOUNT = Limit("SIGN_IN_ACCOUNT", fails_open=False, cache="passwords")
SIGN_IN_ACCOUNT_ANYWHERE = Limit("SIGN_IN_ACCOUNT_ANYWHERE", fails_open=False, cache="passwords")
SIGN_IN_ADDRESS = Limit("SIGN_IN_ADDRESS", fails_open=False, cache="passwords")
SIGN_IN_TENANT = Limit("SIGN_IN_TENANT", fails_open=False, cache="passwords")
SIGN_IN_EVERYWHERE = Limit("SIGN_IN_EVERYWHERE", fails_open=False, cache="passwords")
# Work emails entered at an app, from one address.
EMAIL_STEP = Limit("EMAIL_STEP")
# Requests of one authenticated client, and wrong credentials: for one client from one address, and from one address.
CLIENT = Limit("CLIENT")
CLIENT_FAILURES = Limit("CLIENT_FAILURES")
CLIENT_FAILURES_ADDRESS = Limit("CLIENT_FAILURES_ADDRESS")
# API calls for one person by one client or session, and the links one person asks cards for.
API = Limit("API")
UNFURL = Limit("UNFURL")
# Refused unauthenticated requests from one address that are recorded (see `audit.log.refused`).
RECORDED_REFUSALS = Limit("RECORDED_REFUSALS")


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """Return the unit that is counted as one address: an IPv4 address, or the IPv6 network of one subscriber."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _digest(who: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(who).encode()).hexdigest()


def _in_words(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{seconds} s" if seconds < 60 else f"{minutes} minute{'s' if minutes > 1 else ''}"
