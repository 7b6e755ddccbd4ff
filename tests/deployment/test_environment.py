"""A variable of the wrong form: one line that names it and says what to write, and no traceback around it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from idjag_demo.environment import Environment

ROOT = Path(__file__).resolve().parents[2]

LOCALHOST, IDP = "http://localhost:8000", "http://{tenant}.localhost"
FORMS: dict[str, Callable[[Environment], Any]] = {
    "flag": lambda env: env.flag("X", default=True),
    "number": lambda env: env.number("X", default=365, least=1),
    "domain": lambda env: env.domain("X", default="localhost:8000"),
    "address": lambda env: env.address("X"),
    "networks": lambda env: env.networks("X"),
    "origins": lambda env: env.origins("X"),
    "database": lambda env: env.database("X", default="sqlite:///db"),
    "cache": lambda env: env.cache_server("X"),
    "origin": lambda env: env.origin("X", default=LOCALHOST, example=LOCALHOST),
    "idp": lambda env: env.origin("X", default=IDP, example=IDP, placeholder="{tenant}."),
}

GOOD: list[tuple[str, str, Any]] = [
    ("flag", "false", False),
    ("flag", "Yes", True),
    ("number", "12", 12),
    ("domain", "localhost:8123", "localhost:8123"),
    ("domain", "apps.example", "apps.example"),
    ("domain", "xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("address", "web:8000", "web:8000"),
    ("networks", "127.0.0.1, 10.0.0.0/8,fd00::/8,", [ip_network(n) for n in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")]),
    ("networks", "", []),
    ("origin", "https://apps.example", "https://apps.example"),
    ("origins", "", []),
    ("origins", "https://xaa.dev", ["https://xaa.dev"]),
    ("origins", " https://xaa.dev, http://[::1]:3000,", ["https://xaa.dev", "http://[::1]:3000"]),
    ("origins", "http://app.localhost,http://127.0.0.1:1", ["http://app.localhost", "http://127.0.0.1:1"]),
    ("origin", "http://[::1]:9002", "http://[::1]:9002"),
    ("idp", "https://{tenant}.idp.example:8443", "https://{tenant}.idp.example:8443"),
]
BAD: list[tuple[str, str, str]] = [
    ("flag", "ture", "X=ture is neither true nor false: write it as true or false."),
    ("flag", "", "X= is neither true nor false: write it as true or false."),
    ("number", "two", "X=two is not a whole number of 1 or more: write it as 365."),
    ("number", "-1", "X=-1 is not a whole number of 1 or more: write it as 365."),
    ("number", "0", "X=0 is not a whole number of 1 or more: write it as 365."),
    ("domain", "https://apps.example", "X=https://apps.example is not a host name: write it as apps.example or"),
    ("domain", "apps.example/", "X=apps.example/ is not a host name"),
    ("domain", "Apps.example", "X=Apps.example is not a host name"),
    ("domain", "127.0.0.1:8000", "X=127.0.0.1:8000 is not a host name"),
    ("domain", "localhost:", "X=localhost: is not a host name"),
    ("domain", "localhost:70000", "X=localhost:70000 is not a host name"),
    ("address", "web", "X=web is not a host and a port: write it as 127.0.0.1:8000."),
    ("address", "http://web:8000", "X=http://web:8000 is not a host and a port"),
    ("networks", "proxy", "X=proxy is not an address or network"),
    ("networks", "127.0.0.1,10.0.0.1/8", "X=10.0.0.1/8 is not an address or network (10.0.0.1/8 has host bits set)"),
    (
        "origin",
        "http://localhost:8000/",
        "X=http://localhost:8000/ is not an origin: write it as http://localhost:8000",
    ),
    ("origin", "localhost:8000", "X=localhost:8000 is not an origin"),
    ("origins", "*", "X=* is not an origin: write it as https://xaa.dev,http://localhost:3000, without slash or path."),
    ("origins", "null", "X=null is not an origin"),
    ("origins", "https://xaa.dev,https://app.xaa.dev/", "X=https://app.xaa.dev/ is not an origin"),
    ("origins", "https://xaa.dev https://app.xaa.dev", "is not an origin"),
    ("origins", "https://*.xaa.dev", "X=https://*.xaa.dev is not an origin"),
    ("origins", "https://XAA.dev", "X=https://XAA.dev is not an origin"),
    ("origins", "http://xaa.dev", "X=http://xaa.dev is http and not on this machine: write it as https://xaa.dev or"),
    ("origins", "http://10.0.0.7:3000", "X=http://10.0.0.7:3000 is http and not on this machine"),
    ("origin", "ftp://localhost", "X=ftp://localhost is not an origin"),
    ("origin", "https://apps.example:443", "X=https://apps.example:443 is not an origin"),
    ("origin", "https://Apps.example", "X=https://Apps.example is not an origin"),
    ("origin", "https://apps.example?", "X=https://apps.example? is not an origin"),
    ("origin", "https://u@apps.example", "X=https://u@apps.example is not an origin"),
    ("origin", "https://apps.example:", "X=https://apps.example: is not an origin"),
    ("origin", "https://", "X=https:// is not an origin"),
    ("origin", "http://[::1:8000", "X=http://[::1:8000 is not an origin"),
    (
        "idp",
        "https://idp.example",
        'X=https://idp.example does not hold "{tenant}." once: write it as http://{tenant}.',
    ),
    ("idp", "https://{tenant}-idp.example", 'does not hold "{tenant}." once'),
    ("idp", "https://{tenant}.{tenant}.example", 'does not hold "{tenant}." once'),
    ("database", "postgres://user:hidden@host/name", "X is not a supported database URL: write it as mysql://user"),
    ("database", "mysql://user:hidden@host:port/name", "X is not a supported database URL"),
    ("database", "mysql:///name?password=hidden", "X is not a supported database URL"),
    ("database", "", "X is not a supported database URL"),
    ("cache", "127.0.0.1:6379", "X is not a Redis URL: write it as redis://127.0.0.1:6379/0."),
    ("cache", "redis://:hidden@host:port/0", "X is not a Redis URL"),
    ("cache", "redis://host/first", "X is not a Redis URL"),
    ("cache", "memcache://host", "X is not a Redis URL"),
]


@pytest.mark.parametrize(("form", "value", "expected"), GOOD)
def test_what_is_well_formed_is_read(form: str, value: str, expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", value)
    assert FORMS[form](Environment()) == expected


@pytest.mark.parametrize(("form", "value", "words"), BAD)
def test_what_is_not_is_said_in_one_line(form: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        FORMS[form](Environment())
    line = str(refusal.value)
    assert words in line and line.count("\n") == 0
    assert "hidden" not in line


@pytest.mark.parametrize("option", ["charset=latin1", "isolation_level=serializable", "hidden=1", "conv=", "ssl_ca=/x"])
def test_other_options_of_the_driver_are_refused(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", f"mysql://user@host/name?connect_timeout=3&{option}")
    with pytest.raises(ImproperlyConfigured, match=r"^X has an unsupported option after the \?") as refusal:
        Environment().database("X", default="")
    assert "hidden" not in str(refusal.value)


def test_a_secret_may_begin_with_a_dollar_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "$ecret")
    assert Environment().str("X") == "$ecret"


def test_what_comes_after_the_database_is_for_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "idjag.cnf"
    monkeypatch.setenv("X", f"mysql://user:p%40ss@host:3307/name?read_default_file={file}")
    with pytest.raises(ImproperlyConfigured, match=r"^Cannot read the read_default_file in X:"):
        Environment().database("X", default="")  # the driver would go on without it, and so without TLS
    file.touch()
    database = Environment().database("X", default="")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("host", 3307, "name")
    assert (database["PASSWORD"], database["OPTIONS"]) == ("p@ss", {"read_default_file": str(file)})


def test_a_file_sets_what_the_environment_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "of the environment")
    monkeypatch.delenv("Y", raising=False)
    (tmp_path / ".env").write_text("# A comment\n\nX=of the file\nexport Y='of the file'\n")
    monkeypatch.setattr(Environment, "ENVIRON", dict(os.environ))
    Environment.read_file(tmp_path / ".env")
    assert (Environment().str("X"), Environment().str("Y")) == ("of the environment", "of the file")
    Environment.read_file(tmp_path / "none")


@pytest.mark.parametrize("line", ["DJANGO_SECRET_KEY = hidden", "DJANGO_SECRET_KEY: hidden", " X=hidden", "hidden"])
def test_a_line_of_the_file_that_sets_nothing_is_refused_unquoted(line: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"# A comment\n{line}\n")
    with pytest.raises(ImproperlyConfigured, match=r"^Line 2 of \.env sets no variable: write NAME=value") as refusal:
        Environment.read_file(tmp_path / ".env")
    assert "hidden" not in str(refusal.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"X=\xff\n")
    with pytest.raises(ImproperlyConfigured, match=r"^Cannot read \.env: UnicodeDecodeError"):
        Environment.read_file(tmp_path / ".env")


# --- What an operator sees -------------------------------------------------------------------------------------------

MIGRATE = [sys.executable, "manage.py", "migrate"]
IMPORT = [sys.executable, "-c", "import idjag_demo.wsgi"]


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    return subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("command", [MIGRATE, IMPORT], ids=["a command", "a web process"])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WEB_CONCURRENCY", "two", "WEB_CONCURRENCY=two is not a whole number"),
        ("IDP_ORIGIN", "https://idp.example", "IDP_ORIGIN=https://idp.example does not hold"),
        ("CORS_ORIGINS", "https://xaa.dev/", "CORS_ORIGINS=https://xaa.dev/ is not an origin"),
        ("DEMO", "false", "DJANGO_SECRET_KEY is not set. See .env.example."),
    ],
)
def test_the_line_is_all_there_is(command: list[str], name: str, value: str, words: str) -> None:
    answer = run(command, **{name: value})
    assert answer.returncode != 0
    assert answer.stderr.startswith(words) and answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"WIKI_ORIGIN": "http://todo.localhost:8000"}, "Two sites are at http://todo.localhost:8000."),
        (
            {"WIKI_ORIGIN": "https://w.localhost", "TRUSTED_PROXIES": "10.0.0.1"},
            "is http, and other sites are https",
        ),
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY is empty. See .env.example."),
        ({"PORT_ORIGIN": "http://localhost:{port}", "DEMO": "false"}, "PORT_ORIGIN is for the demo"),
        (
            {"OWN_SITES_AT": "10.0.0.7:80", "BASE_DOMAIN": "a.example", "DEMO": "true", "TRUSTED_PROXIES": "10.0.0.1"},
            "Add 10.0.0.7 to TRUSTED_PROXIES.",
        ),
        ({"CLIENT_SIGNING_KEY": "hidden"}, "['CLIENT_SIGNING_KEY'] is unusable"),
    ],
    ids=str,
)
def test_what_contradicts_itself_stops_a_web_process(environment: dict[str, str], words: str) -> None:
    keys = {
        "DJANGO_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "FIELD_ENCRYPTION_KEYS": "fR8KnDtS6GZP0SeQqzzFjhH0mjAnvWDlmFxD59ILj6Y=",
    }
    answer = run(IMPORT, **(keys | environment))
    assert answer.returncode != 0
    assert words in answer.stderr and answer.stderr.count("\n") == 1
    assert "hidden" not in answer.stderr


def test_a_missing_driver_is_said(tmp_path: Path) -> None:
    (tmp_path / "MySQLdb.py").write_text("raise ImportError")
    answer = run(MIGRATE, DATABASE_URL="mysql://root@127.0.0.1/name", PYTHONPATH=str(tmp_path))
    assert answer.stderr == "DATABASE_URL needs a driver: pip install -r requirements-mysql.txt\n"
    assert answer.returncode != 0


def test_a_database_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    answer = run(MIGRATE, DATABASE_URL=f"sqlite:///{tmp_path / 'missing' / 'db'}")
    assert answer.stderr == "Cannot use the database in DATABASE_URL: unable to open database file\n"
    assert answer.returncode != 0
    assert "Traceback" in run([*MIGRATE, "--traceback"], DATABASE_URL=f"sqlite:///{tmp_path / 'missing' / 'db'}").stderr


@pytest.mark.services
def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    answer = run(MIGRATE, DATABASE_URL=f"mysql://root:hidden@127.0.0.1:{port}/name")
    assert answer.stderr.startswith("Cannot use the database in DATABASE_URL: (2002, ")
    assert answer.stderr.count("\n") == 1 and "hidden" not in answer.stderr


def test_the_server_gives_up_at_once() -> None:
    """Before any process of it is made: one after the other would end in vain."""
    answer = run([sys.executable, "manage.py", "serve", "127.0.0.1:0"], BASE_DOMAIN="https://apps.example")
    assert answer.returncode == 3
    assert answer.stderr.count("BASE_DOMAIN=https://apps.example is not a host name") == 1
    assert "Traceback" not in answer.stderr + answer.stdout
