"""Writers of one process wait for each other in a queue, before SQLite makes them sleep: `base.sqlite`."""

import gc
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.db.utils import ConnectionHandler

from base.sqlite.turns import Turns

DATABASE = {"ENGINE": "base.sqlite", "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60}}


class Numbers:
    """A database with one table; each thread has its own connection."""

    def __init__(self, path: Path) -> None:
        self.handler = ConnectionHandler({"default": {**DATABASE, "NAME": path}})
        self.threads = ThreadPoolExecutor(8)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("CREATE TABLE numbers (number integer UNIQUE)")

    @property
    def connection(self) -> Any:
        return self.handler["default"]

    def execute(self, sql: str, *parameters: int) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def write(self, number: int) -> None:
        self.execute("INSERT INTO numbers VALUES (%s)", number)

    def written(self) -> list[int]:
        return [number for (number,) in self.execute("SELECT number FROM numbers ORDER BY rowid")]

    def elsewhere(self, act: Callable[[], object]) -> "Future[None]":
        """Let another thread `act`, and close its connection."""

        def run() -> None:
            try:
                act()
            finally:
                self.connection.close()

        return self.threads.submit(run)

    def write_elsewhere(self, number: int) -> "Future[None]":
        return self.elsewhere(lambda: self.write(number))

    def until_waiting(self, number: int) -> None:
        """Return when so many threads wait for their turn."""
        while len(self.connection.connection._turns._waiting) != number:
            Event().wait(0.001)

    def is_free(self) -> bool:
        return not self.connection.connection._turns._is_taken


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Numbers]:
    with django_db_blocker.unblock():
        numbers = Numbers(tmp_path / "numbers.sqlite3")
        monkeypatch.setattr("django.db.transaction.connections", numbers.handler)
        yield numbers
        numbers.threads.shutdown()
        numbers.connection.close()


class Undone(Exception):
    pass


def test_the_next_writer_begins_after_the_commit(numbers: Numbers) -> None:
    with transaction.atomic():
        numbers.write(1)
        other = numbers.write_elsewhere(2)
        numbers.until_waiting(1)
    other.result()
    assert numbers.written() == [1, 2]


def test_the_next_writer_begins_after_the_rollback(numbers: Numbers) -> None:
    with pytest.raises(Undone), transaction.atomic():
        numbers.write(1)
        other = numbers.write_elsewhere(2)
        numbers.until_waiting(1)
        raise Undone
    other.result()
    assert numbers.written() == [2]


def test_writers_come_in_the_order_in_which_they_asked(numbers: Numbers) -> None:
    with transaction.atomic():
        others = []
        for number in range(1, 7):
            others.append(numbers.write_elsewhere(number))
            numbers.until_waiting(number)
    for other in others:
        other.result()
    assert numbers.written() == [1, 2, 3, 4, 5, 6]


def test_a_reader_waits_for_nobody(numbers: Numbers) -> None:
    numbers.write(1)
    with transaction.atomic():
        numbers.write(2)
        found: list[int] = []
        numbers.elsewhere(lambda: found.extend(numbers.written())).result()
    assert found == [1]


def test_a_transaction_in_a_transaction_has_the_turn_of_the_outer_one(numbers: Numbers) -> None:
    with transaction.atomic(durable=True):
        with pytest.raises(Undone), transaction.atomic():
            numbers.write(1)
            raise Undone
        assert not numbers.is_free(), "a savepoint ends no transaction"
        with transaction.atomic():
            numbers.write(2)
        assert not numbers.is_free()
    assert numbers.is_free()
    assert numbers.written() == [2]


def test_a_statement_that_fails_leaves_the_turn_to_the_next(numbers: Numbers) -> None:
    numbers.write(1)
    with pytest.raises(IntegrityError):
        numbers.write(1)
    assert numbers.is_free()
    with pytest.raises(IntegrityError), transaction.atomic():
        numbers.write(1)
    assert numbers.is_free()
    numbers.write_elsewhere(2).result()
    assert numbers.written() == [1, 2]


def test_a_connection_that_is_closed_in_a_transaction_leaves_the_turn_to_the_next(numbers: Numbers) -> None:
    with transaction.atomic():
        numbers.write(1)
        numbers.connection.close()
    numbers.write_elsewhere(2).result()
    assert numbers.written() == [2]


def test_a_connection_that_is_lost_in_a_transaction_leaves_the_turn_to_the_next(numbers: Numbers) -> None:
    def begin_and_go() -> None:
        numbers.execute("BEGIN IMMEDIATE")
        numbers.write(1)
        del numbers.handler["default"]

    numbers.threads.submit(begin_and_go).result()
    gc.collect()
    numbers.write(2)
    assert numbers.written() == [2]


def test_who_has_waited_for_the_timeout_of_the_database_gets_its_error(numbers: Numbers) -> None:
    def write_impatiently() -> None:
        numbers.connection.settings_dict["OPTIONS"] = {**DATABASE["OPTIONS"], "timeout": 0}  # type: ignore[dict-item]
        numbers.write(2)

    with transaction.atomic():
        numbers.write(1)
        with pytest.raises(OperationalError, match="database is locked"):
            numbers.elsewhere(write_impatiently).result()
    assert numbers.written() == [1]


def test_a_writer_of_another_process_is_waited_for_as_sqlite_does_it(numbers: Numbers) -> None:
    other = sqlite3.connect(numbers.connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    mine = numbers.write_elsewhere(2)
    other.execute("INSERT INTO numbers VALUES (1)")
    other.execute("COMMIT")
    mine.result()
    other.close()
    assert numbers.written() == [1, 2]


def test_a_turn_that_comes_after_the_timeout_goes_to_the_next() -> None:
    turns = Turns()
    assert turns.take(0)
    assert not turns.take(0)
    turns.give()
    assert turns.take(0), "who stopped waiting is not given the turn"
