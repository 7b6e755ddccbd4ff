"""Threads come and go, and take their database connections with them: `operations.database_connections`."""

import gc
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from django.db import connection


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.clause("limits", "", "LIM-18 a thread that ends closes its connection")
def test_a_connection_ends_with_its_thread() -> None:
    opened: list[Any] = []

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        opened.append(connection.connection)

    for _ in range(3):
        thread = Thread(target=ask)
        thread.start()
        thread.join()
    for ended in opened:
        with pytest.raises(Exception, match=r"closed|2006"):
            ended.cursor().execute("SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,), "that of this thread is open"


@pytest.mark.django_db(transaction=True)
def test_two_connections_of_one_thread_do_not_end_each_other() -> None:
    second = connection.copy()
    for each in (connection, second, connection):
        with each.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    second.close()
