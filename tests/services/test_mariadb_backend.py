"""What `idjag_demo.mariadb` does otherwise than Django: it waits less often for the server."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from idjag_demo.mariadb import base
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


@pytest.fixture
def of_a_thread() -> Iterator[Any]:
    """A connection as that of a thread of the server, before a request."""
    other: Any = connection.copy()
    other.ensure_connection()
    other.health_check_enabled, other.health_check_done = True, False
    yield other
    other.close()


def test_a_server_that_is_there_is_not_asked_whether_it_is(of_a_thread: Any) -> None:
    with patch.object(of_a_thread, "is_usable") as ask, of_a_thread.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    ask.assert_not_called()


def test_a_connection_that_the_server_has_ended_is_replaced(of_a_thread: Any) -> None:
    before = of_a_thread.connection
    with connection.cursor() as cursor:
        cursor.execute(f"KILL {before.thread_id()}")
    until(lambda: not base._is_silent(before), "the server to end the connection")
    with of_a_thread.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert of_a_thread.connection is not before
