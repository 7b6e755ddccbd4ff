"""What `idjag_demo.mariadb` does otherwise than Django: it waits less often for the server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from unittest.mock import Mock, patch

import pytest
from django.db import OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from tenants.models import Tenant
from tests.topology.processes import until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def variable(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@{name}")
        return int(cursor.fetchone()[0])


def asked(command: str) -> int:
    """Return how often this connection has sent a kind of statement."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE %s", [f"Com_{command}"])
        return int(cursor.fetchone()[1])


def test_a_transaction_is_one_begin_and_one_commit() -> None:
    counts = {name: asked(name) for name in ("set_option", "begin", "commit")}
    with transaction.atomic():
        assert variable("in_transaction") == 1
        Tenant.objects.create(slug="begun", name="Begun")
    assert variable("in_transaction") == 0
    assert variable("autocommit") == 1
    assert [asked(name) - count for name, count in counts.items()] == [0, 1, 1]
    assert Tenant.objects.filter(slug="begun").exists()


def test_a_transaction_that_fails_leaves_nothing() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Tenant.objects.create(slug="undone", name="Undone")
        raise RuntimeError
    assert variable("in_transaction") == 0
    assert not Tenant.objects.filter(slug="undone").exists()


def test_after_a_deadlock_nothing_can_be_done_but_end_the_block() -> None:
    """InnoDB has ended the transaction: what came now would be committed by itself."""
    first, second = (Tenant.objects.create(slug=slug, name="before") for slug in ("one", "two"))
    both_hold_one = Barrier(2)

    def lock(mine: Tenant, others: Tenant) -> bool:
        try:
            with transaction.atomic():
                Tenant.objects.filter(pk=mine.pk).update(name="held")
                both_hold_one.wait(timeout=10)
                try:
                    Tenant.objects.select_for_update().get(pk=others.pk)
                except OperationalError as error:
                    assert error.args[0] == 1213, "a deadlock"
                    with pytest.raises(TransactionManagementError):
                        Tenant.objects.filter(pk=mine.pk).update(name="after the deadlock")
                    raise
            return True
        except OperationalError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lock, [first, second], [second, first])) == [False, True]
    assert sorted(Tenant.objects.values_list("name", flat=True)) == ["before", "held"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Mock:
    clock = Mock(return_value=1000.0)
    monkeypatch.setattr("idjag_demo.mariadb.base.time.monotonic", clock)
    return clock


@pytest.fixture
def of_a_thread(clock: Mock) -> Iterator[Any]:
    """A connection as that of a thread of the server, which has answered a request at 1000."""
    other: Any = connection.copy()
    other.ensure_connection()
    other.health_check_enabled = True
    begin_request(other)
    with other.cursor():
        pass
    yield other
    other.close()


def begin_request(of_a_thread: Any) -> None:
    of_a_thread.health_check_done = False  # as Django does


def test_a_server_that_was_there_lately_is_not_asked_whether_it_is(of_a_thread: Any, clock: Mock) -> None:
    for seconds, asked_for in ((1, 0), (4.9, 0), (5, 1), (2, 0), (60, 1)):
        clock.return_value += seconds
        begin_request(of_a_thread)
        with patch.object(of_a_thread, "is_usable", return_value=True) as ask, of_a_thread.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("SELECT 1")
        assert ask.call_count == asked_for, f"after {seconds} seconds"


def test_a_connection_that_the_server_has_ended_is_replaced(of_a_thread: Any) -> None:
    from idjag_demo.mariadb import base  # it needs the driver, which is there for these tests only

    before = of_a_thread.connection
    with connection.cursor() as cursor:
        cursor.execute(f"KILL {before.thread_id()}")
    until(lambda: not base._is_silent(before), "the server to end the connection")
    begin_request(of_a_thread)
    with of_a_thread.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert of_a_thread.connection is not before


def test_a_connection_that_something_between_has_forgotten_is_replaced(of_a_thread: Any, clock: Mock) -> None:
    before = of_a_thread.connection
    clock.return_value += 400
    begin_request(of_a_thread)
    with patch.object(of_a_thread, "is_usable", return_value=False), of_a_thread.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert of_a_thread.connection is not before
