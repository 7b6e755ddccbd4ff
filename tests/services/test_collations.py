"""manage.py prepare on a database that takes "Bob" and "bob" for the same: it makes nothing there and says what to do.

Columns compare as they were made, whatever the connection says, and `CREATE DATABASE` alone makes such a database.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
RIGHT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


def execute(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.fixture
def database() -> Iterator[str]:
    """A database in a collation that ignores case; its name."""
    name = f"{connection.settings_dict['NAME']}_ci"
    execute(f"DROP DATABASE IF EXISTS {name}")
    execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    yield name
    execute(f"DROP DATABASE {name}")


def prepare(database: str) -> list[str]:
    """Run the command, which must fail; return the statements that it tells the operator."""
    it = connection.settings_dict
    url = f"mysql://{it['USER']}:{it['PASSWORD']}@{it['HOST']}:{it['PORT']}/{database}"
    environment = {**os.environ, "DATABASE_URL": url, "DEMO": "true", "DJANGO_SETTINGS_MODULE": "idjag_demo.settings"}
    command = [sys.executable, "manage.py", "prepare"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    first, *statements = done.stderr.splitlines()
    assert first.startswith("CommandError: This database does not compare text byte for byte. Nothing was changed.")
    return statements


@pytest.mark.clause("RFC 7519", "4.1.2", "sub is case sensitive")
def test_nothing_is_made_in_a_database_that_ignores_case(database: str) -> None:
    assert prepare(database) == [f"ALTER DATABASE `{database}` {RIGHT};"]
    assert execute(f"SHOW TABLES IN {database}") == ()


@pytest.mark.clause("RFC 7519", "4.1.2", "sub is case sensitive")
def test_tables_that_were_made_while_it_ignored_case_are_named(database: str) -> None:
    execute(f"CREATE TABLE {database}.tenants_user (sub VARCHAR(255), iss VARCHAR(255))")
    execute(f"CREATE TABLE {database}.of_somebody_else (name VARCHAR(255))")
    of_the_database, of_the_table = prepare(database)
    execute(of_the_database)
    assert prepare(database) == [of_the_table] == [f"ALTER TABLE `tenants_user` CONVERT TO {RIGHT};"]
    execute(of_the_table.replace("tenants_user", f"{database}`.`tenants_user"))
    assert {column[2] for column in execute(f"SHOW FULL COLUMNS FROM {database}.tenants_user")} == {"utf8mb4_nopad_bin"}
