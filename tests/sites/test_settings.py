"""What the environment decides."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRINT_SETTINGS = """
import json
from idjag_demo import settings as s
engine = s.DATABASES["default"]["ENGINE"]
print(json.dumps([s.ORIGINS, s.ALLOWED_HOSTS, s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, engine]))
"""
DEPLOYMENT = {
    "DEMO": "false",
    "BASE_DOMAIN": "apps.example",
    "DJANGO_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "FIELD_ENCRYPTION_KEYS": "fR8KnDtS6GZP0SeQqzzFjhH0mjAnvWDlmFxD59ILj6Y=",
}


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Import the settings in a new process that has no setting but `environment`."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    return subprocess.run(
        [sys.executable, "-c", PRINT_SETTINGS],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def settings_with(environment: dict[str, str]) -> Any:
    answer = start(environment)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_base_domain_moves_every_site() -> None:
    origins, *_ = settings_with({"BASE_DOMAIN": "localhost:8123"})
    assert origins == {
        "staff": "http://localhost:8123",
        "wiki": "http://wiki.localhost:8123",
        "todo": "http://todo.localhost:8123",
        "idp": "http://{tenant}.idp.localhost:8123",
    }


def test_each_site_can_be_put_elsewhere() -> None:
    origins, *_ = settings_with({"BASE_DOMAIN": "localhost:8123", "WIKI_ORIGIN": "http://127.0.0.1:9001"})
    assert origins["wiki"] == "http://127.0.0.1:9001"
    assert origins["todo"] == "http://todo.localhost:8123"


def test_off_loopback_everything_is_https_with_host_only_secure_cookies() -> None:
    origins, hosts, cookie, secure, _ = settings_with(DEPLOYMENT)
    assert set(origins.values()) == {
        "https://apps.example",
        "https://wiki.apps.example",
        "https://todo.apps.example",
        "https://{tenant}.idp.apps.example",
    }
    assert hosts == ["apps.example", "wiki.apps.example", "todo.apps.example", ".idp.apps.example"]
    assert cookie.startswith("__Host-") and secure


def test_a_database_url_chooses_mariadb() -> None:
    *_, engine = settings_with({"DATABASE_URL": "mysql://idjag:idjag@127.0.0.1/idjag"})
    assert engine == "django.db.backends.mysql"


@pytest.mark.parametrize(("collation", "starts"), [("utf8mb4_0900_bin", True), ("utf8mb4_bin", False)])
def test_a_collation_that_ignores_spaces_at_the_end_is_refused(collation: str, starts: bool) -> None:
    answer = start({"DATABASE_URL": f"mysql://idjag:idjag@127.0.0.1/idjag?collation={collation}"})
    assert (answer.returncode == 0) == starts
    assert ("DATABASE_URL has a collation that does not compare byte for byte" in answer.stderr) != starts


@pytest.mark.parametrize("missing", ["DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_a_missing_secret_outside_demo_mode_stops_the_start_up(missing: str) -> None:
    answer = start({name: value for name, value in DEPLOYMENT.items() if name != missing})
    assert answer.returncode != 0
    assert missing in answer.stderr


def test_every_variable_is_documented_and_no_other() -> None:
    read = re.findall(r"""env(?:\.\w+)?\(\s*"([A-Z_]+)""", (ROOT / "idjag_demo" / "settings.py").read_text())
    documented, for_compose = (ROOT / ".env.example").read_text().split("# --- Only for docker-compose.yml ---")
    assert sorted(set(read)) == sorted(re.findall(r"^#?([A-Z_]+)=", documented, re.MULTILINE))
    files = [(ROOT / name).read_text() for name in ("docker-compose.yml", "deploy/tls.yml")]
    read_by_compose = {name for text in files for name in re.findall(r"\$\{([A-Z_]+)", text)} - set(read)
    assert sorted(read_by_compose) == sorted(re.findall(r"^#?([A-Z_]+)=", for_compose, re.MULTILINE))
