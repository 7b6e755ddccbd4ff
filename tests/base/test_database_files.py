"""The files of SQLite: only their owner may read them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.sqlite.base import DatabaseWrapper


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.django_db
@pytest.mark.parametrize("mode", [None, 0o644, 0o666, 0o600])
def test_the_database_and_its_journals_are_readable_by_their_owner_only(tmp_path: Path, mode: int | None) -> None:
    file = tmp_path / "db.sqlite3"
    if mode is not None:
        file.touch()
        file.chmod(mode)
    settings = {"NAME": str(file), "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}, "CONN_HEALTH_CHECKS": False}
    database = DatabaseWrapper({**settings, "TIME_ZONE": None, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0})
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE x (y)")
        cursor.execute("INSERT INTO x VALUES (1)")
        found = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    database.close()
    assert found == {"db.sqlite3": 0o600, "db.sqlite3-wal": 0o600, "db.sqlite3-shm": 0o600}
