"""Rows that another transaction holds: a short wait, then 503, and the next try works. On MariaDB's own locks."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from typing import Any

import jwt
import pytest
from django.db import connection, connections
from django.db.backends.utils import CursorWrapper

from crossapp.resource_app.models import ConsumedJti
from tenants.models import User
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.legs import id_jag_of, redeem

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

BOB = "bob@tables.fake"
HOLD = "SELECT id FROM tenants_idpconnection FOR UPDATE"


@pytest.fixture
def id_jag(demo: Demo) -> str:
    """An ID-JAG of Bob, who is not bound at Todo0 yet: its redemption locks the tenant's connection."""
    sign_in(demo.browser, "wiki", BOB)
    return id_jag_of(BOB)


@contextmanager
def another_transaction() -> Iterator[CursorWrapper]:
    """Yield a cursor of another connection, in a transaction that is rolled back at the end."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.rollback()
        other.close()


def test_sessions_wait_five_seconds_for_a_lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@innodb_lock_wait_timeout, @@tx_isolation, @@collation_connection")
        assert cursor.fetchone() == (5, "READ-COMMITTED", "utf8mb4_nopad_bin")


@pytest.mark.clause("RFC 6749", "5.2", "LIM-11")
def test_a_lock_that_is_not_released_is_answered_with_503_and_burns_nothing(id_jag: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    with another_transaction() as other:
        other.execute(HOLD)
        _is_try_again(redeem(id_jag))
    assert not ConsumedJti.objects.exists()
    assert not User.objects.exclude(sub=None).filter(realm="todo").exists()
    assert redeem(id_jag).status_code == 200


@pytest.mark.clause("RFC 6749", "5.2", "LIM-11")
def test_the_victim_of_a_deadlock_is_answered_with_503_and_burns_nothing(id_jag: str) -> None:
    claims = jwt.decode(id_jag, options={"verify_signature": False})
    hashes = [hashlib.sha256(claims[name].encode()).hexdigest() for name in ("iss", "jti")]
    numbers: Queue[int] = Queue()
    with another_transaction() as other, ThreadPoolExecutor(1) as thread:
        # Of two, InnoDB ends the transaction that has changed less.
        leases = [(f"lease {number}", "2001-01-01") for number in range(100)]
        other.executemany("INSERT INTO crossapp_requesting_lease (name, expires_at) VALUES (%s, %s)", leases)
        jti = "INSERT INTO crossapp_resource_consumedjti (issuer_hash, jti_hash, expires_at) VALUES (%s, %s, NOW())"
        other.execute(jti, hashes)
        answer = thread.submit(_redeem_and_tell, id_jag, numbers)
        _wait_until_it_waits(numbers.get(timeout=10))
        other.execute(HOLD)
        _is_try_again(answer.result())
    assert redeem(id_jag).status_code == 200


def _redeem_and_tell(id_jag: str, numbers: "Queue[int]") -> Any:
    """Redeem on a connection of its own, whose number is told first."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT CONNECTION_ID()")
            numbers.put(cursor.fetchone()[0])
        return redeem(id_jag)
    finally:
        connections.close_all()


def _wait_until_it_waits(number: int) -> None:
    """Return as soon as the connection of this number waits for a lock."""
    waits = (
        "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT'"
    )
    for _ in range(100):
        with connection.cursor() as cursor:
            cursor.execute(waits, [number])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.15)  # MariaDB brings that table up to date if it was not read for 0.1 s
    raise AssertionError("it does not wait for a lock")


def _is_try_again(answer: Any) -> None:
    assert answer.status_code == 503, answer.content
    assert answer.json()["error"] == "temporarily_unavailable"
