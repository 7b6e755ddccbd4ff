"""The load generator: what it sends, and what it takes for a failure."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks.load import LoadError, Outcome, ask, http_request, run_flows


class Site(ThreadingHTTPServer):
    """Answers with the path; `/500` with that status, `/close` and ends the connection, `/chunked` without a length."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.connections = 0
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked.append(self.path)
        body = self.path.encode() * 3
        self.send_response(500 if self.path == "/500" else 200)
        if self.path == "/close":
            self.send_header("Connection", "close")
            self.close_connection = True
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def in_a_thread(*arguments: Any) -> Outcome:
    """Run the flows in a thread: in this one a loop may run already, that of Playwright."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run_flows, *arguments).result()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def flow(*paths: str) -> list[bytes]:
    return [http_request("GET", f"http://wiki.localhost:8000{path}") for path in paths]


def test_every_request_is_sent_once_and_connections_are_kept(site: Site) -> None:
    flows = [flow(f"/{number}", f"/{number}/next") for number in range(20)]
    outcome = in_a_thread(site.port, flows, 4, [(b"/", 3), (b"/next", 3)])
    assert sorted(site.asked) == sorted(f"/{number}{end}" for number in range(20) for end in ("", "/next"))
    assert site.connections == 4
    assert outcome.failures == 0
    assert len(outcome.latencies) == 20
    assert all(len(steps) == 2 and min(steps) > 0 for steps in outcome.latencies)


def test_the_requests_of_a_flow_follow_each_other(site: Site) -> None:
    in_a_thread(site.port, [flow("/a", "/b", "/c")], 8, [(b"/", 3)] * 3)
    assert site.asked == ["/a", "/b", "/c"]


def test_an_answer_that_holds_something_else_is_a_failure(site: Site) -> None:
    outcome = in_a_thread(site.port, [flow("/card"), flow("/reason"), flow("/card")], 1, [(b"/card", 3)])
    assert outcome.failures == 1
    assert "/reason" in outcome.failure


def test_an_error_is_a_failure_whatever_it_holds(site: Site) -> None:
    assert in_a_thread(site.port, [flow("/500")], 1, [(b"/500", 3)]).failures == 1


def test_a_closed_connection_is_opened_again(site: Site) -> None:
    outcome = in_a_thread(site.port, [flow("/close"), flow("/close", "/1"), flow("/close")], 1, [(b"/", 3)] * 2)
    assert (outcome.failures, site.connections) == (0, 3)


def test_an_answer_of_unknown_length_is_refused(site: Site) -> None:
    with pytest.raises(LoadError, match="Content-Length"):
        in_a_thread(site.port, [flow("/chunked")], 1, [(b"", 1)])


def test_a_single_request_comes_back_with_status_and_body(site: Site) -> None:
    request = http_request("POST", "http://wiki.localhost:8000/a?b=c", body=b"d=e", Content_Type="text/plain")
    assert request.startswith(b"POST /a?b=c HTTP/1.1\r\nHost: wiki.localhost:8000\r\n")
    assert b"\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nd=e" in request
    assert ask(site.port, request) == (200, b"/a?b=c" * 3)
