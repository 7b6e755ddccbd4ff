"""The counters in a real Redis, as deployments have it: shared by every process."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

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
