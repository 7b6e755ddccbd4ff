"""A process that serves waits no longer for MariaDB than the proxy waits for the process; a job may."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[2]
TELL = """
import importlib, sys
importlib.import_module(sys.argv[1])
import django
django.setup()
from django.db import connection
given = connection.get_connection_params()
print([given.get(name) for name in ("read_timeout", "write_timeout")])
"""


@pytest.mark.parametrize(
    ("module", "query", "expected"),
    [
        ("idjag_demo.wsgi", "", [25, 25]),
        ("idjag_demo.wsgi", "?read_timeout=7&write_timeout=8", [7, 8]),
        ("idjag_demo.settings", "", [None, None]),
    ],
    ids=["a web", "a web whose operator has chosen", "a job"],
)
@pytest.mark.clause("limits", "", "LIM-11")
def test_a_web_gives_its_database_25_seconds_and_a_job_does_not(
    module: str, query: str, expected: list[int | None]
) -> None:
    environment = {
        "DATABASE_URL": f"mysql://root@127.0.0.1:1/idjag{query}",  # no server listens there: no connection is made
        "DEMO": "true",
        "BASE_DOMAIN": "localhost:8000",
        "DJANGO_SETTINGS_MODULE": "idjag_demo.settings",
    }
    command = [sys.executable, "-c", TELL, module]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str(expected), done.stderr
