"""The one place that sends HTTP: what it repeats, what it bounds, and what becomes of a failure."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from crossapp.core import http
from crossapp.core.errors import BadAnswer, Unreachable
from crossapp.requesting_app.conf import http_session
from tests.requesting_app.peers import API, IDP, World

POOL = HTTPConnectionPool("idp.example")
TOKEN = f"{IDP}/oauth2/v1/token"
FORM = {"grant_type": "refresh_token", "refresh_token": "x"}


def never_connected() -> Exception:
    return requests.ConnectionError(
        MaxRetryError(POOL, "/", NewConnectionError(HTTPConnection("idp.example"), "refused"))
    )


def broken_off() -> Exception:
    return requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError()))


def timed_out() -> Exception:
    return requests.ConnectTimeout(MaxRetryError(POOL, "/", ReadTimeoutError(POOL, "/", "slow")))


def send(method: str) -> http.Answer:
    if method == "GET":
        return http.send("GET", f"{IDP}/.well-known/openid-configuration", session=http_session())
    return http.send("POST", TOKEN, session=http_session(), form=FORM)


@pytest.mark.parametrize(("method", "kind"), [("GET", "metadata"), ("POST", "refresh")])
def test_a_request_that_never_reached_anybody_is_sent_once_more(world: World, method: str, kind: str) -> None:
    world.next[kind] = [never_connected()]
    assert send(method).status == 200
    assert len(world.sent) == 2

    world.next[kind] = [never_connected(), never_connected()]
    with pytest.raises(Unreachable):
        send(method)
    assert len(world.sent) == 4


def test_a_broken_connection_is_a_reason_to_repeat_a_get_only(world: World) -> None:
    world.next["metadata"] = [broken_off()]
    assert send("GET").status == 200

    world.next["refresh"] = [broken_off()]
    with pytest.raises(Unreachable):
        send("POST")
    assert len(world.sent) == 3


@pytest.mark.parametrize("failure", [timed_out(), requests.ReadTimeout(), requests.exceptions.ChunkedEncodingError()])
def test_nothing_is_repeated_after_a_timeout_or_half_an_answer(world: World, failure: Exception) -> None:
    world.next["metadata"] = [failure]
    with pytest.raises(Unreachable):
        send("GET")
    assert len(world.sent) == 1


@pytest.mark.parametrize("failure", [requests.exceptions.InvalidURL(), requests.exceptions.InvalidSchema()])
def test_a_url_that_the_session_refuses_is_a_bad_answer(world: World, failure: Exception) -> None:
    world.next["metadata"] = [failure]
    with pytest.raises(BadAnswer, match=r"^requests to .* are not allowed"):
        send("GET")


def test_an_answer_is_bounded_in_size(world: World) -> None:
    world.next["metadata"] = [(200, b"x" * 256 * 1024), (200, b"x" * (256 * 1024 + 1))]
    assert len(send("GET").body) == 256 * 1024
    with pytest.raises(BadAnswer, match="more than 262144 bytes"):
        send("GET")


def test_nothing_is_sent_after_the_deadline(world: World) -> None:
    with pytest.raises(Unreachable, match="no time left"):
        http.send("GET", IDP, session=http_session(), deadline=0)
    assert world.sent == []


@pytest.mark.clause("RFC 9700", "4.12", "CL-20: a redirect of a token request is not followed")
def test_a_redirect_is_not_followed() -> None:
    received: list[Any] = []

    class Redirecting(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            received.append(request.url)
            response = requests.Response()
            response.status_code, response.url, response.request = 307, str(request.url), request
            response.headers["Location"] = "https://evil.example/"
            response._content, response._content_consumed = b"", True
            return response

        def close(self) -> None:
            pass

    session = requests.Session()
    session.mount("http://", Redirecting())
    session.mount("https://", Redirecting())
    assert http.send("POST", TOKEN, session=session, form=FORM).status == 307
    assert received == [TOKEN]


@pytest.fixture
def slow_server() -> Iterator[str]:
    """The address of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()
        thread = threading.Thread(target=lambda: done.wait(20))
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join()


@pytest.fixture
def own_session(settings: Any) -> None:
    settings.CROSSAPP_REQUESTING_APP = {"SUBJECT_TOKEN_STORE": "tests.requesting_app.peers.MemoryStore"}


def test_a_server_that_says_nothing_is_given_up(
    own_session: None, slow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    with pytest.raises(Unreachable, match="does not answer: ReadTimeout"):
        http.send("GET", slow_server, session=http_session())


def test_a_server_that_drips_is_given_up(own_session: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.5)
    dripped: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
                try:
                    for number in range(100):
                        connection.sendall(b" ")
                        dripped.append(number)
                        time.sleep(0.05)
                except OSError:
                    pass  # the other side has had enough

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(Unreachable, match="took too long"):
            http.send("GET", f"http://127.0.0.1:{server.getsockname()[1]}", session=http_session())
        thread.join()
    assert len(dripped) < 100


def test_a_closed_port_is_unreachable(own_session: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="does not answer: ConnectionError"):
        http.send("POST", f"http://127.0.0.1:{port}", session=http_session(), form=FORM)


def test_our_own_session_takes_nothing_from_the_environment_and_no_cookies(own_session: None) -> None:
    session = http_session()

    assert session is http.default_session()
    assert session.trust_env is False
    assert session.cookies._policy.allowed_domains() == ()


def test_headers_come_in_lower_case(world: World) -> None:
    headers = {"Authorization": "Bearer x"}
    assert http.send("GET", f"{API}/todos", session=http_session(), headers=headers).headers["content-type"]
