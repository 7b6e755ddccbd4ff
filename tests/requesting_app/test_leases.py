"""One at a time."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.utils import timezone

from crossapp.requesting_app import leases
from crossapp.requesting_app.models import Lease

pytestmark = pytest.mark.django_db


def test_a_lease_is_given_to_one_and_free_again_afterwards() -> None:
    for _ in range(3):
        with leases.held("a", seconds=5) as first, leases.held("a", seconds=5) as second:
            assert (first, second) == (True, False)
    with leases.held("a", seconds=5) as a, leases.held("b", seconds=5) as b:
        assert (a, b) == (True, True)
    assert Lease.objects.count() == 2


def test_a_lease_is_released_when_its_holder_fails() -> None:
    with pytest.raises(ValueError, match="boom"), leases.held("a", seconds=5):
        raise ValueError("boom")
    with leases.held("a", seconds=5) as again:
        assert again


def test_a_lease_of_a_holder_that_died_ends_by_itself() -> None:
    Lease.objects.create(name="a", expires_at=timezone.now() + timedelta(seconds=0.1))
    with leases.held("a", seconds=5) as early:
        assert not early
    time.sleep(0.15)
    with leases.held("a", seconds=5) as late:
        assert late


def test_a_holder_that_was_too_slow_does_not_release_its_successors_lease() -> None:
    with leases.held("a", seconds=0) as slow:
        successor = leases.held("a", seconds=5)
        assert (slow, successor.__enter__()) == (True, True)
    with leases.held("a", seconds=5) as third:
        assert not third
    successor.__exit__(None, None, None)


def test_attempts_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.append(now.pop() + seconds))
    monkeypatch.setattr(leases, "time", clock)
    count = sum(1 for _ in leases.attempts(until=0.3))
    assert 0 < now[0] <= 0.3
    assert count > 2
    assert sum(1 for _ in leases.attempts(until=now[0])) == 1


def test_a_thread_waits_for_the_one_before_it_and_is_told_so() -> None:
    entered, leave, order = Event(), Event(), []

    def first() -> bool:
        with leases.one_thread("a", until=time.monotonic() + 60) as waited:
            entered.set()
            leave.wait()
            order.append("first")
            return waited

    def second() -> bool:
        entered.wait()
        with leases.one_thread("b", until=time.monotonic()) as waited:
            leave.set()
        assert not waited  # it was for another name
        with leases.one_thread("a", until=time.monotonic() + 60) as waited:
            order.append("second")
            return waited

    with ThreadPoolExecutor(2) as pool:
        assert [future.result() for future in (pool.submit(first), pool.submit(second))] == [False, True]
    assert order == ["first", "second"]
    assert not leases._threads


def test_a_thread_waits_no_longer_than_it_was_told() -> None:
    with leases.one_thread("a", until=time.monotonic() + 60), ThreadPoolExecutor(1) as pool:

        def ask() -> bool:
            with leases.one_thread("a", until=time.monotonic()) as waited:
                return waited

        assert [pool.submit(ask).result() for _ in range(2)] == [True, True]  # who gave up has released nothing


@pytest.mark.django_db(transaction=True)
def test_no_lease_is_given_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"), leases.held("a", seconds=5):
        pass
