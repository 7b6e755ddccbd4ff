"""Before `make test-services` begins, it says in a line each which service can not be used, and what to set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[2]


def check(**urls: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.services"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | urls, capture_output=True, text=True, timeout=60)


def test_nothing_is_said_of_services_that_answer() -> None:
    answer = check()
    assert (answer.returncode, answer.stdout) == (0, "")


def test_services_that_do_not_answer_are_named_with_what_to_set_and_no_password() -> None:
    answer = check(DATABASE_URL="mysql://root:canary@127.0.0.1:1", REDIS_URL="redis://:canary@127.0.0.1:1/0")
    assert answer.returncode == 2
    mariadb, redis = answer.stdout.splitlines()
    assert mariadb.startswith("MariaDB can not be used: ") and "set DATABASE_URL=mysql://" in mariadb
    assert redis.startswith("Redis can not be used: ") and "set REDIS_URL=redis://" in redis
    assert "canary" not in answer.stdout + answer.stderr


def test_another_database_is_not_taken_for_mariadb() -> None:
    answer = check(DATABASE_URL="sqlite:///db.sqlite3")
    assert answer.returncode == 1
    assert "it does not begin with mysql://" in answer.stdout
