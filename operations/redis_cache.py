"""The cache in Redis, which falls back to local memory while Redis does not answer.

The cache holds no data that must be consistent: sessions, codes, jtis, leases and tokens are in the database. While
Redis is down, each process uses its own memory, as without REDIS_URL: it fetches documents and keys again, and counts
limits alone. Other projects may use the same Redis.

Values are JSON, signed with SECRET_KEY together with their key, so nothing that others write into Redis is run,
believed or taken for another value. Counters are plain numbers, because Redis adds to them.
"""

import logging
import time
from collections.abc import Callable, Iterable
from functools import cache
from threading import Lock
from typing import Any

import django_redis.cache
from django.core import signing
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

JSON = "django_redis.serializers.json.JSONSerializer"
_MISSING = object()
TIMEOUT_SECONDS = 1.0  # to connect, and for an answer
PAUSE_SECONDS = 5.0  # after a failure, until one request of this process tries Redis again
MAX_ENTRIES = 100_000  # of the fallback in memory


class Outage:
    """The state of an outage of one Redis, with the local cache until it answers again."""

    def __init__(self, name: str) -> None:
        self.cache = LocMemCache(name, {"OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES}})
        self._lock = Lock()
        self._ask_again: float | None = None  # `time.monotonic`; None: Redis answers

    @property
    def lasts(self) -> bool:
        return self._ask_again is not None

    def spares_redis(self) -> bool:
        """Say whether to skip Redis now. After each pause one caller tries it; the others skip it."""
        if self._ask_again is None:
            return False
        with self._lock:
            if self._ask_again is None:
                return False
            if time.monotonic() < self._ask_again:
                return True
            self._ask_again = time.monotonic() + PAUSE_SECONDS
            return False

    def begin(self, error: RedisError) -> None:
        with self._lock:
            if self._ask_again is None:
                logger.warning(
                    "Redis does not answer (%s): this process falls back to local memory", type(error).__name__
                )
            self._ask_again = time.monotonic() + PAUSE_SECONDS

    def end(self) -> None:
        if self._ask_again is None:
            return
        with self._lock:
            self._ask_again = None
            self.cache.clear()
        logger.warning("Redis answers again")


@cache
def _outage(name: str) -> Outage:
    return Outage(name)


def outage_of(server: str, prefix: str = "") -> Outage:
    """Return the state that all threads share for the keys with `prefix` on `server`."""
    return _outage(f"{server} {prefix}")


def _in_redis_or_here(name: str) -> Callable[..., Any]:
    """Return the cache method `name`: that of `SignedRedisCache`, or the local cache's during an outage."""

    def method(self: "RedisCache", *args: Any, **kwargs: Any) -> Any:
        if not self.outage.spares_redis():
            try:
                answer = getattr(super(RedisCache, self), name)(*args, **kwargs)
            except RedisError as error:
                self.outage.begin(error)
            else:
                self.outage.end()
                return answer
        return getattr(self.outage.cache, name)(*args, **kwargs)

    return method


def _is_counter(key: str, value: object) -> bool:
    """Say whether this is a number that Redis adds to: only limits have such (see `base.limits`)."""
    return key.startswith("LIMITER/") and isinstance(value, int) and not isinstance(value, bool)


class SignedRedisCache(django_redis.cache.RedisCache):
    """Signs what it stores, and takes everything else in Redis for missing."""

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super().add(key, self._sealed(key, value), *args, **kwargs)

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super().set(key, self._sealed(key, value), *args, **kwargs)

    def set_many(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().set_many({key: self._sealed(key, value) for key, value in data.items()}, *args, **kwargs)

    def get(self, key: str, default: Any = None, **kwargs: Any) -> Any:
        try:
            return self._opened(key, super().get(key, **kwargs), default)
        except (ValueError, RecursionError):  # no JSON
            return default

    def get_many(self, keys: Iterable[str], **kwargs: Any) -> dict[str, Any]:
        found = {key: self.get(key, _MISSING, **kwargs) for key in keys}
        return {key: value for key, value in found.items() if value is not _MISSING}

    def _sealed(self, key: str, value: Any) -> Any:
        return value if _is_counter(key, value) else signing.dumps(value, salt=self._salt(key))

    def _opened(self, key: str, value: Any, default: Any) -> Any:
        if value is None:
            return default
        if _is_counter(key, value):
            return value
        try:
            return signing.loads(value, salt=self._salt(key))
        except (signing.BadSignature, ValueError, TypeError, AttributeError):
            return default

    def _salt(self, key: str) -> str:
        return f"{__name__}:{self.key_prefix}:{key}"


class RedisCache(SignedRedisCache):
    """django-redis raises when Redis is down; this falls back to local memory.

    `clear()` deletes only keys with this project's prefix; the stock method empties the Redis database.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        timeouts = {"SOCKET_CONNECT_TIMEOUT": TIMEOUT_SECONDS, "SOCKET_TIMEOUT": TIMEOUT_SECONDS}
        options = {"SERIALIZER": JSON} | timeouts | params.get("OPTIONS", {})
        super().__init__(server, {**params, "OPTIONS": options})
        self.outage = outage_of(server, params.get("KEY_PREFIX", ""))

    add = _in_redis_or_here("add")
    get = _in_redis_or_here("get")
    set = _in_redis_or_here("set")
    touch = _in_redis_or_here("touch")
    delete = _in_redis_or_here("delete")
    incr = _in_redis_or_here("incr")
    decr = _in_redis_or_here("decr")
    has_key = _in_redis_or_here("has_key")
    get_many = _in_redis_or_here("get_many")
    set_many = _in_redis_or_here("set_many")
    delete_many = _in_redis_or_here("delete_many")

    def clear(self) -> None:
        """Delete all keys of this project."""
        self.outage.cache.clear()
        if not self.outage.spares_redis():
            try:
                self.delete_pattern("*", itersize=1000)
            except RedisError as error:
                self.outage.begin(error)
