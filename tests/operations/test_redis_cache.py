"""The cache while its Redis does not answer: a process goes on with a cache of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.test import Client as Browser
from pytest_django import Settings
from redis.connection import Connection

from base.limits import Limit, Throttled
from idjag_demo.installation import install
from operations import redis_cache

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """How often Redis, which is down, was connected to."""
    tries: list[str] = []
    connect = Connection._connect

    def counted(self: Connection) -> Any:
        tries.append(f"{self.host}:{self.port}")
        return connect(self)

    monkeypatch.setattr(Connection, "_connect", counted)
    before = settings.CACHES
    cache = {"BACKEND": "operations.redis_cache.RedisCache", "LOCATION": NOBODY_LISTENS}
    settings.CACHES = {"default": cache, "passwords": cache}
    yield tries
    redis_cache.outage_of(NOBODY_LISTENS).end()
    settings.CACHES = before


def test_every_act_is_done_in_memory(asked: list[str]) -> None:
    assert cache.get("a") is None and cache.get("a", "b") == "b"
    cache.set("a", 1, 60)
    assert (cache.get("a"), cache.add("a", 2, 60), cache.add("b", 2, 60)) == (1, False, True)
    assert (cache.incr("a"), cache.incr("a", 5), cache.decr("a")) == (2, 7, 6)
    assert "a" in cache and "z" not in cache
    with pytest.raises(ValueError, match="z"):
        cache.incr("z")
    cache.set_many({"c": 3, "d": 4}, 60)
    assert cache.get_many(["a", "c", "z"]) == {"a": 6, "c": 3}
    assert cache.touch("a", 60) and cache.delete("a") and not cache.delete("a")
    cache.delete_many(["b", "c"])
    assert cache.get_or_set("e", lambda: 5) == 5
    assert cache.get_many("abcde") == {"d": 4, "e": 5}
    cache.clear()
    assert cache.get("d") is None


def test_redis_is_not_asked_at_each_turn_but_again_after_a_pause(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    monkeypatch.setattr(redis_cache.time, "monotonic", lambda: now[0])
    for _ in range(10):
        cache.get("a")
    assert asked == ["127.0.0.1:1"]
    for _ in range(3):
        now[0] += redis_cache.PAUSE_SECONDS
        for _ in range(10):
            cache.get("a")
    assert asked == ["127.0.0.1:1"] * 4
    assert caplog.text.count("Redis does not answer (ConnectionError)") == 1, "it is said once"


def test_all_threads_of_a_process_share_what_is_kept_meanwhile(asked: list[str]) -> None:
    cache.set("a", 1, 60)
    assert caches.create_connection("default").get("a") == 1
    assert len(asked) == 1


def test_what_was_kept_meanwhile_is_forgotten_when_redis_answers(asked: list[str]) -> None:
    cache.set("a", 1, 60)
    redis_cache.outage_of(NOBODY_LISTENS).end()
    assert cache.get("a") is None
    assert len(asked) == 2, "it is asked at once, and fails once more"


@pytest.mark.clause("limits", "", "LIM-12")
def test_limits_are_counted_meanwhile(asked: list[str], settings: Settings) -> None:
    settings.LIMITS = settings.LIMITS | {"SIGN_IN_ACCOUNT": "2/minute"}
    limit = Limit("SIGN_IN_ACCOUNT", fails_open=False)
    limit.count("bob")
    limit.count("bob")
    with pytest.raises(Throttled):
        limit.count("bob")
    limit.count("alice")


def test_a_process_without_redis_is_ready_and_says_what_is_missing(asked: list[str], db: None) -> None:
    install()
    response = Browser(headers={"host": "localhost:8000"}).get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["checks"] == {
        "database": "ok",
        "cache": "degraded",
        "migrations": "ok",
        "signing keys": "ok",
    }
