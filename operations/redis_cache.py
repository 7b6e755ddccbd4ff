"""The cache in Redis, which falls back to local memory while Redis does not answer.

The cache holds no data that must be consistent: sessions, codes, jtis, leases and tokens are in the database. While
Redis is down, each process uses its own memory, as without REDIS_URL: it fetches documents and keys again, and counts
limits alone. Other projects may use the same Redis.
"""

import logging
import time
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import django_redis.cache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

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
    """Return the cache method `name`: django-redis's, or the local cache's during an outage."""

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


class RedisCache(django_redis.cache.RedisCache):
    """django-redis raises when Redis is down; this falls back to local memory.

    `clear()` deletes only keys with this project's prefix; the stock method empties the Redis database.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        timeouts = {"SOCKET_CONNECT_TIMEOUT": TIMEOUT_SECONDS, "SOCKET_TIMEOUT": TIMEOUT_SECONDS}
        super().__init__(server, {**params, "OPTIONS": timeouts | params.get("OPTIONS", {})})
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
