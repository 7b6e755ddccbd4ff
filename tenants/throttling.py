"""How often things may happen: sign-ins, requests for tokens, API calls. How often exactly: `settings.LIMITS`.

`limits` reads the rates and decides; the counters are in Django's cache, so with Redis all processes share them, and
with local memory each process counts for itself.
"""

import hashlib
import ipaddress
import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

logger = logging.getLogger(__name__)


class Throttled(Exception):
    """Too often. `retry_after` says after how many seconds to come back."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Please try again in {_in_words(retry_after)}.")
        self.retry_after = retry_after


class CacheStorage(Storage):
    """Counters in Django's cache; a counter's window begins with its first hit."""

    STORAGE_SCHEME = None

    @property
    def base_exceptions(self) -> type[Exception]:
        return Exception  # whatever the cache of this deployment raises when it is down

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        if cache.add(key, amount, expiry):
            cache.set(f"{key}:end", time.time() + expiry, expiry)
            return amount
        try:
            return cache.incr(key, amount)
        except ValueError:  # the window ended between the two calls
            cache.add(key, 0, expiry)
            return cache.incr(key, amount)

    def get(self, key: str) -> int:
        return int(cache.get(key, 0))

    def get_expiry(self, key: str) -> float:
        return float(cache.get(f"{key}:end", 0))

    def clear(self, key: str) -> None:
        cache.delete_many([key, f"{key}:end"])

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        raise NotImplementedError


_limiter = FixedWindowRateLimiter(CacheStorage(wrap_exceptions=True))


@dataclass(frozen=True)
class Limit:
    """One entry of `settings.LIMITS`. Without a cache nothing can be counted: then `fails_open` decides."""

    name: str
    fails_open: bool = True

    def check(self, *who: object) -> None:
        """Raise Throttled if `who` has used the limit up."""
        self._enforce(count=False, who=who)

    def count(self, *who: object) -> None:
        """Count one for `who`; raises Throttled if that is one too many."""
        self._enforce(count=True, who=who)

    def note(self, *who: object) -> None:
        """Count one for `who`; it is `check` that will say when it is too many."""
        try:
            self.count(*who)
        except Throttled:
            pass

    def forget(self, *who: object) -> None:
        """Start anew for `who`."""
        if rate := self._rate():
            try:
                _limiter.clear(rate, self.name, _digest(who))
            except StorageError:
                logger.exception("no cache limit=%s", self.name)

    def _enforce(self, *, count: bool, who: tuple[object, ...]) -> None:
        rate = self._rate()
        if rate is None:
            return
        key = (self.name, _digest(who))
        try:
            allowed = _limiter.hit(rate, *key) if count else _limiter.test(rate, *key)
            left = 0 if allowed else _limiter.get_window_stats(rate, *key).reset_time - time.time()
        except StorageError:
            logger.exception("no cache limit=%s", self.name)
            allowed, left = self.fails_open, 30
        if not allowed:
            logger.warning("throttled limit=%s", self.name)
            raise Throttled(max(1, math.ceil(left)))

    def _rate(self) -> RateLimitItem | None:
        rate: str = settings.LIMITS[self.name]
        return None if rate == "0" else parse(rate)


# Wrong passwords, for one account and from one address. What counts is the account that is named, not one that exists.
SIGN_IN_ACCOUNT = Limit("SIGN_IN_ACCOUNT", fails_open=False)
SIGN_IN_ADDRESS = Limit("SIGN_IN_ADDRESS", fails_open=False)
# Work emails entered at an app, from one address.
EMAIL_STEP = Limit("EMAIL_STEP")
# Requests of one authenticated client, and wrong credentials: for one client from one address, and from one address.
CLIENT = Limit("CLIENT")
CLIENT_FAILURES = Limit("CLIENT_FAILURES")
CLIENT_FAILURES_ADDRESS = Limit("CLIENT_FAILURES_ADDRESS")
# API calls for one person by one client or session, and the links one person asks cards for.
API = Limit("API")
UNFURL = Limit("UNFURL")


class SignInAttempt:
    """One try of a password, at a site, for the account called `name` there."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        self.account = (request.site.realm, request.site.tenant_slug, name.strip().lower())
        self.address = neighbourhood(request.META.get("REMOTE_ADDR", ""))

    def check(self) -> None:
        """Raise Throttled if there were too many wrong ones; then not even the right password is looked at."""
        SIGN_IN_ACCOUNT.check(*self.account)
        SIGN_IN_ADDRESS.check(self.address)

    def failed(self) -> None:
        SIGN_IN_ACCOUNT.note(*self.account)
        SIGN_IN_ADDRESS.note(self.address)

    def succeeded(self) -> None:
        """Forget what was counted for the account; a success of one's own must not help to guess others'."""
        SIGN_IN_ACCOUNT.forget(*self.account)


def neighbourhood(address: str) -> str:
    """Return what is counted as one address: an IPv4 address, or the IPv6 network of one subscriber."""
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
