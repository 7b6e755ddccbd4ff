"""What the environment must say before anything is served off this machine, and what it must not say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD_KEY = "fR8KnDtS6GZP0SeQqzzFjhH0mjAnvWDlmFxD59ILj6Y="
DEPLOYMENT = {
    "DEMO": "false",
    "BASE_DOMAIN": "apps.example",
    "DJANGO_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "FIELD_ENCRYPTION_KEYS": GOOD_KEY,
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "WEB_CONCURRENCY": "2",
    "TRUSTED_PROXIES": "127.0.0.1",
    "DATABASE_URL": "sqlite://:memory:",
}
METRICS_TOKEN = "16-characters..."
SERVE = ["-c", "import idjag_demo.wsgi"]
CHECK = ["manage.py", "check", "--deploy", "--fail-level=DEBUG"]


def run(arguments: list[str], **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run Python in a process that has no setting but DEPLOYMENT with `changes`."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    environment = {name: value for name, value in (DEPLOYMENT | changes).items() if value is not None}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.clause("deployment", "", "SEC-06")
def test_a_proper_deployment_passes_every_check_without_a_warning() -> None:
    answer = run(CHECK)
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout
    assert answer.stderr == ""


@pytest.mark.clause("deployment", "", "SEC-06")
def test_a_proper_deployment_starts() -> None:
    answer = run(SERVE)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DEBUG": "true"}, "DEBUG is on"),
        ({"WIKI_ORIGIN": "http://wiki.apps.example"}, "The site wiki is at http://wiki.apps.example"),
        ({"IDP_ORIGIN": "http://{tenant}.idp.apps.example"}, "The site idp is at"),
        ({"HOME_ORIGIN": "http://localhost.evil.example"}, "The site staff is at"),
        ({"HOME_ORIGIN": "http://127.evil.example"}, "The site staff is at"),
        ({"DJANGO_SECRET_KEY": "short"}, "DJANGO_SECRET_KEY is the demo's key or has fewer"),
        ({"DJANGO_SECRET_KEY": "django-insecure-" + "k" * 50}, "DJANGO_SECRET_KEY is the demo's key or has fewer"),
        ({"FIELD_ENCRYPTION_KEYS": "no-key"}, "FIELD_ENCRYPTION_KEYS contains"),
        ({"FIELD_ENCRYPTION_KEYS": ""}, "FIELD_ENCRYPTION_KEYS contains"),
        ({"DJANGO_SECRET_KEY": "0" * 50}, "DJANGO_SECRET_KEY is no random text"),
        ({"DJANGO_SECRET_KEY": "0123456789abcdefghij" * 2}, "DJANGO_SECRET_KEY is no random text"),
        ({"DJANGO_SECRET_KEY": "correct-horse-battery-staple-correct-horse"}, "DJANGO_SECRET_KEY is no random text"),
        ({"FIELD_ENCRYPTION_KEYS": "A" * 43 + "="}, "FIELD_ENCRYPTION_KEYS contains a key that is not random"),
        ({"FIELD_ENCRYPTION_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="}, "a key that is not random"),
        ({"FIELD_ENCRYPTION_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}, "a key that is not random"),
        ({"FIELD_ENCRYPTION_KEYS": f"{GOOD_KEY},{'A' * 43}="}, "a key that is not random"),
        ({"REDIS_URL": "redis://cache.example:6379/0"}, "The Redis on cache.example has no password"),
        ({"REDIS_URL": "redis://:idjag@10.0.0.7:6379/0"}, "The Redis on 10.0.0.7 has the public password"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES contains 0.0.0.0/0"),
        ({"TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}, "TRUSTED_PROXIES contains 128.0.0.0/1"),
        ({"TRUSTED_PROXIES": "::/0"}, "TRUSTED_PROXIES contains ::/0"),
        ({"TRUSTED_PROXIES": "127.0.0.1,2000::/3"}, "TRUSTED_PROXIES contains 2000::/3"),
        ({"LIMIT_SIGN_IN_ACCOUNT": "0"}, "LIMIT_SIGN_IN_ACCOUNT=0 turns the limit off"),
        (
            {"IDP_ORIGIN": "https://{tenant}.apps.example"},
            "https://todo.apps.example is one of the origins",
        ),
        ({"REDIS_URL": None}, "Without Redis each process has its own cache"),
        ({"LIMIT_API": "often"}, "LIMIT_API=often is not a rate"),
        ({"LIMIT_SIGN_IN_ACCOUNT": ""}, "LIMIT_SIGN_IN_ACCOUNT= is not a rate"),
        ({"LIMIT_CLIENT": "0/minute"}, "LIMIT_CLIENT=0/minute is not a rate"),
        ({"DJANGO_SECRET_KEY": None}, "DJANGO_SECRET_KEY"),
        ({"FIELD_ENCRYPTION_KEYS": None}, "FIELD_ENCRYPTION_KEYS"),
        ({"TRUSTED_PROXIES": "everybody"}, "everybody"),
        (
            {"HOME_ORIGIN": "http://localhost:8000"},
            "http://localhost:8000 is http, and other sites are https.",
        ),
        ({"MYSQL_PWD": "idjag"}, "The database's password is the public one from docker-compose.yml."),
        ({"TRUSTED_PROXIES": None}, "The sites use https, but TRUSTED_PROXIES is empty"),
        ({"TRUSTED_PROXIES": ""}, "The sites use https, but TRUSTED_PROXIES is empty"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT=xml is not a log format"),
        ({"METRICS_TOKEN": "15-characters..", "WEB_CONCURRENCY": "1"}, "METRICS_TOKEN is shorter than 16 characters"),
        ({"METRICS_TOKEN": METRICS_TOKEN}, "Without PROMETHEUS_MULTIPROC_DIR, /metrics reports one process only"),
        ({"PROMETHEUS_MULTIPROC_DIR": "/nowhere"}, "PROMETHEUS_MULTIPROC_DIR=/nowhere is not a writable directory"),
        ({"PROMETHEUS_MULTIPROC_DIR": ""}, "PROMETHEUS_MULTIPROC_DIR= is not a writable directory"),
    ],
    ids=str,
)
@pytest.mark.clause("deployment", "", "SEC-06 SEC-20")
def test_what_would_be_unsafe_stops_the_start_up(changes: dict[str, str | None], words: str) -> None:
    answer = run(SERVE, **changes)
    assert answer.returncode != 0
    assert words in answer.stderr.splitlines()[-1]
    answer = run(["manage.py", "check"], **changes)
    assert answer.returncode != 0
    assert words in answer.stderr


@pytest.mark.clause("deployment", "", "SEC-06")
def test_metrics_are_for_one_process_or_a_shared_directory(tmp_path: Path) -> None:
    for changes in ({"WEB_CONCURRENCY": "1"}, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}):
        answer = run(SERVE, METRICS_TOKEN=METRICS_TOKEN, **changes)
        assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.clause("deployment", "", "SEC-06")
def test_every_problem_has_a_line_of_its_own() -> None:
    answer = run(SERVE, DEBUG="true", REDIS_URL=None, DJANGO_SECRET_KEY="short")
    lines = [line for line in answer.stderr.splitlines() if "idjag_demo.E" in line]
    assert len(lines) == 3


@pytest.mark.clause("deployment", "", "SEC-06 SEC-20")
def test_the_demos_own_secrets_are_refused() -> None:
    ask = "from idjag_demo.start import make_files; make_files(); from idjag_demo import settings as it; "
    ask += "print(it.SECRET_KEY, *it.CROSSAPP_REQUESTING_APP['ENCRYPTION_KEYS'])"
    names = ("DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
    demo = run(["-c", ask], DEMO="true", BASE_DOMAIN="localhost:8000", **dict.fromkeys(names))
    key, encryption_key = demo.stdout.split()
    for changes, number in (({names[0]: key}, 3), ({names[1]: encryption_key}, 4)):
        answer = run(SERVE, **changes)
        assert f"idjag_demo.E00{number}" in answer.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"REDIS_URL": None, "WEB_CONCURRENCY": "1"},
        {"BASE_DOMAIN": "localhost:8123"},
        {"REDIS_URL": "redis://:a-password-of-ours@cache.example:6379/0"},
        {"REDIS_URL": "rediss://cache.example:6379/0", "REDIS_PASSWORD": "a-password-of-ours"},
        {"TRUSTED_PROXIES": "10.0.0.0/8,fc00::/7,104.16.0.0/13,2400:cb00::/32"},
    ],
)
@pytest.mark.clause("deployment", "", "SEC-06")
def test_one_process_or_loopback_may_do_with_less(changes: dict[str, str | None]) -> None:
    answer = run(SERVE, **changes)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.clause("deployment", "", "SEC-06")
def test_the_demo_starts_with_nothing_set() -> None:
    answer = run(SERVE, **dict.fromkeys(DEPLOYMENT))
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    "environment",
    [{"BASE_DOMAIN": "apps.example"}, {"BASE_DOMAIN": "127.apps.example"}, {"WIKI_ORIGIN": "https://wiki.example"}],
    ids=str,
)
@pytest.mark.parametrize("arguments", [SERVE, ["manage.py", "check"], ["manage.py", "migrate"]], ids=" ".join)
@pytest.mark.clause("deployment", "", "SEC-06 SEC-20")
def test_off_this_machine_demo_must_be_set(arguments: list[str], environment: dict[str, str]) -> None:
    answer = run(arguments, **(dict.fromkeys(DEPLOYMENT) | {"DATABASE_URL": "sqlite://:memory:"} | environment))
    assert answer.returncode != 0
    (line,) = (line for line in answer.stderr.splitlines() if "idjag_demo.E007" in line)
    assert "Set DEMO=true or DEMO=false." in answer.stderr[answer.stderr.index(line) :]


@pytest.mark.parametrize(
    "environment",
    [
        {"BASE_DOMAIN": "apps.example", "DEMO": "true", "TRUSTED_PROXIES": "127.0.0.1"},
        {"BASE_DOMAIN": "demo.localhost:8123"},
        {"HOME_ORIGIN": "http://127.0.0.1:9001", "WIKI_ORIGIN": "http://[::1]:9002"},
        {"PORT_ORIGIN": "https://box-{port}.app.example", "DEMO": "true"},
    ],
    ids=str,
)
@pytest.mark.clause("deployment", "", "SEC-06 SEC-20")
def test_the_demo_starts_where_it_is_chosen_or_on_this_machine(environment: dict[str, str]) -> None:
    answer = run(SERVE, **(dict.fromkeys(DEPLOYMENT) | environment))
    assert answer.returncode == 0, answer.stderr


@pytest.mark.clause("deployment", "", "SEC-06")
def test_the_demo_off_this_machine_needs_to_know_its_proxy() -> None:
    answer = run(SERVE, **(dict.fromkeys(DEPLOYMENT) | {"BASE_DOMAIN": "apps.example", "DEMO": "true"}))
    assert answer.returncode != 0
    assert "The sites use https, but TRUSTED_PROXIES is empty: every page would redirect to itself." in answer.stderr


@pytest.mark.parametrize("command", ["seed", "resetdb"])
@pytest.mark.clause("deployment", "", "SEC-20")
def test_demo_accounts_are_made_in_demo_mode_only(command: str) -> None:
    answer = run(["manage.py", command])
    assert answer.returncode != 0
    assert "demo" in answer.stderr.lower()
