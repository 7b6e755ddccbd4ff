"""The counters in a real Redis, as deployments have it: shared by every process."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from pytest_django import Settings

from tenants.throttling import Limit, Throttled
from tests.limits.conftest import SetLimit

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
    settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"unix://{socket}"}}
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
    with pytest.raises(Throttled):
        limit.check("alice")
    Limit("API").count("alice")
    limit.give_back("alice")
