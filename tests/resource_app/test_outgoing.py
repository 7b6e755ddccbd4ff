"""The session this app uses when the product names none: bounded in every direction."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from requests.adapters import HTTPAdapter

from crossapp.core import http
from crossapp.core.http import BoundedSession

Handler = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], str]]:
    """Serve a handler on loopback and return its URL."""
    servers = []

    def start(handler: Handler) -> str:
        methods = {"do_GET": handler, "log_message": lambda *args: None}
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (BaseHTTPRequestHandler,), methods))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def session() -> BoundedSession:
    """A session that may also go to the plain http server of these tests."""
    session = BoundedSession()
    session.mount("http://127.0.0.1", HTTPAdapter())
    return session


def answer(body: bytes, status: int = 200, **headers: str) -> Handler:
    def handle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return handle


def test_an_answer_is_read(serve: Callable[[Handler], str], session: BoundedSession) -> None:
    response = session.get(serve(answer(b'{"keys": []}')))
    assert (response.status_code, response.json()) == (200, {"keys": []})


def test_plain_http_is_refused() -> None:
    with pytest.raises(requests.exceptions.InvalidSchema):
        http.default_session().get("http://idp.example/")


def test_redirects_are_not_followed(serve: Callable[[Handler], str], session: BoundedSession) -> None:
    target = serve(answer(b"secret"))
    response = session.get(serve(answer(b"", 302, Location=target)), allow_redirects=True)
    assert (response.status_code, response.history) == (302, [])


def test_cookies_are_not_kept(serve: Callable[[Handler], str], session: BoundedSession) -> None:
    session.get(serve(answer(b"{}", Set_Cookie="a=b")))
    assert not session.cookies


def test_a_long_answer_is_refused(serve: Callable[[Handler], str], session: BoundedSession) -> None:
    assert len(session.get(serve(answer(b"x" * http.MAX_BYTES))).content) == http.MAX_BYTES
    with pytest.raises(requests.RequestException, match="more than 262144 bytes"):
        session.get(serve(answer(b"x" * (http.MAX_BYTES + 1))))


def test_an_answer_that_grows_when_unpacked_is_refused(
    serve: Callable[[Handler], str], session: BoundedSession
) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with pytest.raises(requests.RequestException, match="more than 262144 bytes"):
        session.get(serve(answer(bomb, Content_Encoding="gzip")))


def test_an_answer_that_is_not_what_it_says_is_refused(
    serve: Callable[[Handler], str], session: BoundedSession
) -> None:
    with pytest.raises(requests.RequestException):
        session.get(serve(answer(b"not gzip at all", Content_Encoding="gzip")))


def test_a_drip_is_cut_off(
    serve: Callable[[Handler], str], session: BoundedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.5)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        answer(b"")(handler)
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            pass  # the other side has had enough

    started = time.monotonic()
    with pytest.raises(requests.Timeout):
        session.get(serve(drip))
    assert time.monotonic() - started < 2
