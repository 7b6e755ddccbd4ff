"""A real Redis, as deployments have it: shared by every process, and believed only where it repeats what was stored."""

import pickle
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from django.core.cache import cache, caches
from pytest_django import Settings

from base.limits import Limit, Throttled
from tests.support.limits import SetLimit

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="there is no redis-server here")


@pytest.fixture
def redis(tmp_path: Path, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    socket = tmp_path / "redis"
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(100):
        if socket.exists():
            break
        time.sleep(0.05)
    before = settings.CACHES
    here = {"BACKEND": "operations.redis_cache.RedisCache", "LOCATION": f"unix://{socket}"}
    settings.CACHES = {"default": here, "passwords": here}
    yield server
    caches["default"].close()
    settings.CACHES = before
    server.terminate()
    server.wait()


@pytest.mark.clause("limits", "", "LIM-07 LIM-12")
def test_limits_count_in_redis_and_survive_its_end(redis: subprocess.Popen[bytes], set_limit: SetLimit) -> None:
    set_limit("API", "2/minute")
    limit = Limit("API", fails_open=False)
    limit.give_back("bob")  # nothing was counted: nothing happens
    limit.count("bob")
    limit.count("bob")
    limit.give_back("bob")
    limit.count("bob")
    with pytest.raises(Throttled) as refusal:
        limit.count("bob")
    assert 50 <= refusal.value.retry_after <= 60
    counters = cache.keys("LIMIT*")  # type: ignore[attr-defined]
    assert counters and all(0 < (cache.ttl(key) or 0) <= 60 for key in counters)  # type: ignore[attr-defined]
    redis.terminate()
    redis.wait()
    limit.count("bob")  # from now on this process counts for itself
    limit.count("bob")
    with pytest.raises(Throttled):
        limit.count("bob")
    limit.give_back("bob")


def test_emptying_the_cache_leaves_alone_what_others_keep_in_the_same_redis(redis: subprocess.Popen[bytes]) -> None:
    cache.set("ours", 1)
    server = caches["default"].client.get_client()  # type: ignore[attr-defined]
    server.set("theirs", 1)
    cache.clear()
    assert cache.get("ours") is None
    assert server.keys() == [b"theirs"]


VALUES = ["text", "", 1.5, True, False, [1, "a"], {"kid": "x", "n": None}, "12"]


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("value", [*VALUES, 7, 0])
def test_what_was_stored_is_read(value: object) -> None:
    cache.set("a", value, 60)
    assert cache.get("a") == value
    assert not cache.add("a", "another", 60)
    cache.set_many({"b": value, "c": value}, 60)
    assert cache.get_many(["b", "c", "missing"]) == {"b": value, "c": value}
    assert cache.get("missing", "default") == "default"


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize(
    "written",
    [
        pickle.dumps({"keys": []}),
        b"\x80\x04garbage",
        b'{"keys": []}',
        b'"eyJrZXlzIjpbXX0:1abcde:signature"',
        b'""',
        b"null",
        b"1.5",
        b"7",
        b"nan",
        b"[" * 10_000,
    ],
)
def test_what_others_write_is_taken_for_missing(written: bytes) -> None:
    client = cache.client.get_client()  # type: ignore[attr-defined]
    client.set(cache.make_key("a"), written)
    assert cache.get("a") is None
    assert cache.get("a", "default") == "default"
    assert cache.get_many(["a"]) == {}


@pytest.mark.usefixtures("redis")
def test_no_code_in_redis_is_run() -> None:
    client = cache.client.get_client()  # type: ignore[attr-defined]
    client.set(cache.make_key("a"), pickle.dumps(Exploding()))
    assert cache.get("a") is None
    assert Exploding.ran == []


class Exploding:
    """Runs code when it is unpickled."""

    ran: ClassVar[list[str]] = []

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Exploding.ran.append, ("ran",)


@pytest.mark.usefixtures("redis")
def test_a_value_moved_to_another_key_is_taken_for_missing() -> None:
    """Else the keys of an issuer of the attacker could be made those of another issuer."""
    client = cache.client.get_client()  # type: ignore[attr-defined]
    cache.set("keys of evil", ["a key"], 60)
    client.set(cache.make_key("keys of good"), client.get(cache.make_key("keys of evil")))
    assert cache.get("keys of evil") == ["a key"]
    assert cache.get("keys of good") is None


@pytest.mark.usefixtures("redis")
def test_a_value_of_another_secret_key_is_taken_for_missing(settings: Settings) -> None:
    cache.set("a", "text", 60)
    settings.SECRET_KEY = "another key of another project with as many characters"
    assert cache.get("a") is None
