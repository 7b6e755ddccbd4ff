"""What the access log of the development server says of a request, and what it must not."""

import io
import logging
import socket
import threading
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import Client
from django.utils.log import configure_logging

from operations.logs import JsonFormatter, WithoutQueries, without_tokens

SECRETS = "code=the-code&state=the-state&id_token_hint=the-hint&access_token=the-token"


@pytest.fixture
def server_log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The project's own configuration of logging, with what the handler of `django.server` writes."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    (handler,) = logging.getLogger("django.server").handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    return written


@pytest.fixture
def port(db: None) -> Iterator[int]:
    """The port of the development server, which answers with the project's sites."""
    with ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler) as server:
        server.set_app(WSGIHandler())
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, request_line: str) -> None:
    """Send a request line as it is, and wait for the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"{request_line}\r\nHost: localhost:8000\r\nConnection: close\r\n\r\n".encode())
        while connection.recv(65536):
            pass


@pytest.mark.clause("RFC 6750", "5.3", "no token of a URL is in a log")
def test_the_access_log_shows_the_path_without_its_query(port: int, server_log: io.StringIO) -> None:
    ask(port, f"GET /nothing?{SECRETS} HTTP/1.1")
    (line,) = server_log.getvalue().splitlines()
    assert '"GET /nothing?… HTTP/1.1" 404 ' in line
    assert line.startswith("[")  # Django's own format, with the time
    assert "the-" not in line


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET /x?a b?{SECRETS} HTTP/1.1",
        f"GET http://localhost:8000/x?{SECRETS}#?{SECRETS} HTTP/1.1",
        f"GET /x?{SECRETS}",
    ],
    ids=["a space", "an absolute URL", "no version"],
)
@pytest.mark.clause("RFC 6750", "5.3", "no token of a URL is in a log")
def test_an_odd_request_does_not_get_its_query_into_the_log(
    port: int, server_log: io.StringIO, request_line: str
) -> None:
    ask(port, request_line)
    assert "/x?…" in server_log.getvalue()
    assert "the-" not in server_log.getvalue()


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (("%s", "no URL at all: 100%"), "no URL at all: 100%"),
        (('"%s" %s %s', "GET /x HTTP/1.1", "200", "17"), '"GET /x HTTP/1.1" 200 17'),
        (('"%s" %s %s', "GET /x?p=100%25s HTTP/1.1", "200", "17"), '"GET /x?… HTTP/1.1" 200 17'),
    ],
    ids=str,
)
def test_the_rest_of_a_line_stays_as_it_is(server_log: io.StringIO, message: tuple[str, ...], shown: str) -> None:
    logging.getLogger("django.server").info(*message)
    assert server_log.getvalue().partition("] ")[2] == shown + "\n"


@pytest.mark.django_db
@pytest.mark.clause("RFC 6750", "5.3", "no token of a URL is in a log")
def test_nothing_logs_the_query_of_a_request_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    browser = Client(headers={"host": "localhost:8000"}, enforce_csrf_checks=True)
    caplog.set_level(logging.INFO)
    assert browser.get(f"/nothing?{SECRETS}").status_code == 404
    referer = {"referer": f"https://elsewhere.example/?{SECRETS}"}
    browser.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    assert browser.post(f"/admin/login/?{SECRETS}", secure=True, headers=referer).status_code == 403
    assert "https://elsewhere.example/?…" in caplog.text
    assert "the-" not in caplog.text


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        (f"/api/todos/{JWT}", "/api/todos/…"),
        (f"/{JWT}/x", "/…/x"),
        ("/oauth2/v1/" + "aB3" * 15, "/oauth2/v1/…"),
        ("/x/" + "0123456789abcdef" * 4, "/x/…"),
        ("/static/idjag_demo.0123456789ab.css", "/static/idjag_demo.0123456789ab.css"),
        ("/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server"),
        ("/pages/12345/edit", "/pages/12345/edit"),
    ],
)
def test_what_looks_like_a_token_in_a_path_is_in_no_log(path: str, logged: str) -> None:
    assert without_tokens(path) == logged


@pytest.mark.django_db
def test_neither_the_access_log_nor_djangos_has_a_token_of_a_path(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert Client(headers={"host": "todo.localhost:8000"}).get(f"/nothing/{JWT}").status_code == 404
    lines = [JsonFormatter().format(record) for record in caplog.records if WithoutQueries().filter(record)]
    assert any("/nothing/\\u2026" in line for line in lines)
    assert JWT not in "".join(lines)
