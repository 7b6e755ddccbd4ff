"""The counters themselves."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.base import BaseCache

from base.limits import Limit, Throttled, neighbourhood
from base.signals import throttled
from tests.support.limits import SetLimit


def used_up(limit: Limit, *who: object) -> bool:
    try:
        limit.check(*who)
    except Throttled:
        return True
    return False


@pytest.mark.clause("RFC 6585", "4", "TE-86 LIM-07")
def test_so_many_are_let_through_and_no_more(set_limit: SetLimit) -> None:
    set_limit("API", "3/minute")
    limit = Limit("API")
    for _ in range(3):
        limit.count("bob")
    with pytest.raises(Throttled) as refusal:
        limit.count("bob")
    assert 1 <= refusal.value.retry_after <= 60
    limit.count("alice")


def test_a_check_counts_nothing(set_limit: SetLimit) -> None:
    set_limit("API", "1/minute")
    limit = Limit("API")
    assert not any(used_up(limit, "bob") for _ in range(5))
    limit.count("bob")
    assert used_up(limit, "bob")
    limit.forget("bob")
    assert not used_up(limit, "bob")


def test_what_is_given_back_was_not_used(set_limit: SetLimit, clock: Callable[[float], None]) -> None:
    set_limit("API", "2/minute")
    limit = Limit("API")
    limit.give_back("bob")  # nothing was counted: nothing happens
    for _ in range(5):
        limit.count("bob")
        limit.give_back("bob")
    limit.count("bob")
    limit.count("bob")
    assert used_up(limit, "bob")


@pytest.mark.clause("RFC 6585", "4", "SEC-11")
def test_that_a_limit_is_used_up_is_told_once_in_a_window(set_limit: SetLimit, clock: Callable[[float], None]) -> None:
    set_limit("API", "1/minute")
    told: list[Any] = []

    def hear(sender: object, limit: str, facts: object, **kwargs: object) -> None:
        told.append((limit, facts))

    throttled.connect(hear)
    try:
        for _ in range(2):
            Limit("API").count("bob")
            for _ in range(5):
                with pytest.raises(Throttled):
                    Limit("API").count("bob", client_id="wiki0")
                with pytest.raises(Throttled):
                    Limit("API").check("bob", client_id="wiki0")
            clock(61)
    finally:
        throttled.disconnect(hear)
    assert told == [("API", {"client_id": "wiki0"})] * 2


@pytest.mark.clause("RFC 6585", "4", "OP-27")
def test_what_is_refused_does_not_make_the_window_longer(set_limit: SetLimit, clock: Callable[[float], None]) -> None:
    set_limit("API", "1/minute")
    limit = Limit("API")
    limit.count("bob")
    for _ in range(11):
        clock(5)
        assert used_up(limit, "bob")
    clock(6)
    limit.count("bob")


@pytest.mark.clause("limits", "", "LIM-07")
def test_zero_turns_a_limit_off(set_limit: SetLimit) -> None:
    set_limit("API", "0")
    for _ in range(1000):
        Limit("API").count("bob")


@pytest.mark.clause("limits", "", "LIM-07")
def test_of_many_threads_at_once_exactly_so_many_are_let_through(set_limit: SetLimit) -> None:
    set_limit("API", "10/minute")
    limit, passed, together = Limit("API"), [], threading.Barrier(30)

    def try_once() -> None:
        together.wait()
        try:
            limit.count("bob")
            passed.append(1)
        except Throttled:
            pass

    threads = [threading.Thread(target=try_once) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 10


@pytest.mark.clause("limits", "", "LIM-12")
def test_without_a_cache_a_limit_is_open_or_closed_as_it_says(
    set_limit: SetLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limit("API", "10/minute")

    def down(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("the cache is down")

    for name in ("add", "incr", "decr", "get", "set", "delete_many"):
        monkeypatch.setattr(cache, name, down)
    Limit("API").count("bob")
    Limit("API").give_back("bob")
    Limit("API").forget("bob")
    with pytest.raises(Throttled):
        Limit("API", fails_open=False).check("bob")


def test_a_window_that_ends_between_two_cache_calls_starts_again(
    set_limit: SetLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limit("API", "2/minute")
    limit = Limit("API")
    limit.count("bob")
    backend = type(caches["default"])
    real = backend.incr
    ended: list[bool] = []

    def ended_once(self: BaseCache, key: str, amount: int) -> int:
        if not ended:
            ended.append(self.delete(key))
        return real(self, key, amount)

    monkeypatch.setattr(backend, "incr", ended_once)
    limit.count("bob")
    limit.count("bob")
    assert used_up(limit, "bob")


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("no address", ""),
    ],
)
@pytest.mark.clause("limits", "", "OP-28")
def test_a_subscribers_ipv6_network_counts_as_one_address(address: str, counted_as: str) -> None:
    assert neighbourhood(address) == counted_as


def test_long_waits_are_said_in_minutes() -> None:
    assert "in 59 s." in str(Throttled(59))
    assert "in 1 minute." in str(Throttled(60))
    assert "in 5 minutes." in str(Throttled(241))
