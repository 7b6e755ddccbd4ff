"""Lets time pass in a test: for everything that asks `time.time`, and for what is kept in the cache."""

import time
from collections.abc import Callable

import pytest
from django.core.cache import caches

Clock = Callable[[float], None]


def clock_of(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return what lets so many seconds pass."""
    real, passed = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds
        _age_redis(seconds)

    return wait


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return what lets so many seconds pass."""
    return clock_of(monkeypatch)


def _age_redis(seconds: float) -> None:
    """Let all that Redis keeps for these tests end so much sooner; local memory asks `time.time`."""
    redis = getattr(caches["default"], "client", None)
    if redis is None:
        return
    server = redis.get_client()
    for key in server.scan_iter(redis.make_pattern("*")):
        left = server.pttl(key)
        if left >= 0:
            server.pexpire(key, max(0, left - round(seconds * 1000)))  # with 0 it is gone at once
