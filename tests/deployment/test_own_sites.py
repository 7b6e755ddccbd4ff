"""Our own sites asked past their proxy (OWN_SITES_AT), and the health check that a container has."""

import os
import runpy
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from base.addresses import own_address
from base.outgoing import session
from tests.deployment.proxy import Web

ROOT = Path(__file__).resolve().parents[2]
ORIGINS = {
    "staff": "https://apps.example",
    "wiki": "https://wiki.apps.example",
    "todo": "https://todo.apps.example",
    "idp": "https://{tenant}.idp.apps.example",
}


@pytest.fixture
def web(settings: Settings) -> Iterator[Web]:
    web = Web()
    settings.DEMO, settings.ORIGINS, settings.OWN_SITES_AT = False, ORIGINS, web.address
    yield web
    web.stop()


@pytest.mark.parametrize("origin", [ORIGINS["todo"], "https://acme.idp.apps.example"])
def test_an_own_site_is_asked_where_it_is_at_hand(web: Web, origin: str) -> None:
    assert session().post(f"{origin}/oauth2/v1/token?a=b", data={"c": "d"}).status_code == 200
    method, path, headers, _ = web.received[-1]
    assert (method, path) == ("POST", "/oauth2/v1/token?a=b")
    assert (headers["Host"], headers["X-Forwarded-Proto"]) == (origin.removeprefix("https://"), "https")


@pytest.mark.parametrize(
    "origin",
    [
        "http://wiki.apps.example",
        "https://wiki.apps.example:8443",
        "https://wiki.apps.example.evil.example",
        "https://somebody@wiki.apps.example",
        "https://a.b.idp.apps.example",
        "https://idp.example",
    ],
)
def test_other_origins_have_no_internal_address(web: Web, origin: str) -> None:
    assert own_address(origin) is None
    assert own_address(ORIGINS["wiki"]) == ("127.0.0.1", web.server.server_port)


def test_without_it_nothing_is_said_of_the_scheme(web: Web, settings: Settings) -> None:
    settings.OWN_SITES_AT, settings.DEMO = "", True
    session().get(f"http://{web.address}/")
    assert "X-Forwarded-Proto" not in web.headers()


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({}, "localhost:8000"),
        ({"BASE_DOMAIN": "apps.example"}, "apps.example"),
        ({"BASE_DOMAIN": "apps.example", "HOME_ORIGIN": "https://start.example:8443"}, "start.example:8443"),
    ],
)
def test_the_health_check_asks_the_bare_host(
    environment: dict[str, str], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BASE_DOMAIN", "HOME_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    asked: list[urllib.request.Request] = []

    def answer(self: object, request: urllib.request.Request, **kwargs: Any) -> None:
        asked.append(request)
        if len(asked) > 1:
            raise urllib.request.HTTPError(request.full_url, 503, "Service Unavailable", {}, None)  # type: ignore[attr-defined]

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", answer)
    runpy.run_path(str(ROOT / "deploy" / "ready.py"))
    assert (asked[0].full_url, asked[0].get_header("Host")) == ("http://127.0.0.1:8000/readyz", host)
    with pytest.raises(SystemExit, match="not ready: HTTP Error 503"):
        runpy.run_path(str(ROOT / "deploy" / "ready.py"))


def test_the_health_check_asks_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker gives every container those of its host."""
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    for name, value in {"http_proxy": "http://127.0.0.1:3128", "no_proxy": ""}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="not ready"):
        runpy.run_path(str(ROOT / "deploy" / "ready.py"))
    assert connected == [("127.0.0.1", 8000)]


GET_STYLE_SHEETS = """
from django.test import Client
import idjag_demo.wsgi
browser = Client(headers={"host": "localhost:8000"})
for name in ("idjag_demo.css", "admin/css/base.css"):
    answer = browser.get(f"/static/{name}")
    print(answer.status_code, answer["Content-Type"])
"""
ASK_FOR_SOMEBODY_ELSE = """
from django.test import Client
import idjag_demo.wsgi
print(Client(headers={"host": "evil.example"}).get("/").status_code)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` where a company runs its web processes."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    environment = {
        "DEMO": "false",
        "BASE_DOMAIN": "localhost:8000",
        "DJANGO_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "FIELD_ENCRYPTION_KEYS": "fR8KnDtS6GZP0SeQqzzFjhH0mjAnvWDlmFxD59ILj6Y=",
        "DATABASE_URL": "sqlite://:memory:",
        "LOG_FORMAT": "plain",
    }
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=120)


def test_static_files_are_there_without_being_collected() -> None:
    answer = run(GET_STYLE_SHEETS)
    assert answer.stdout.splitlines() == ['200 text/css; charset="utf-8"'] * 2, answer.stderr


def test_anybody_can_send_any_host_and_the_log_says_nothing_of_it() -> None:
    answer = run(ASK_FOR_SOMEBODY_ELSE)
    assert (answer.stdout, answer.stderr) == ("404\n", "")
