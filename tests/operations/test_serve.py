"""`manage.py serve`, what the image runs: what its server lets in, and how it speaks."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.topology.processes import free_port, until

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Server:
    """One that runs, and all that it has written."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def send(self, *lines: str, body: str = "") -> int:
        """Send the lines of a request; return the status of the answer."""
        raw = "\r\n".join([*lines, "Connection: close", "", body]).replace("{port}", str(self.port))
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(raw.encode())
            return int(connection.recv(12).split()[1])

    def answers(self) -> bool:
        try:
            return self.send("GET /healthz HTTP/1.1", "Host: localhost:{port}") == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves an empty demo, with two processes."""
    folder, port = tmp_path_factory.mktemp("serve"), free_port()
    environment = {name: value for name, value in os.environ.items() if name in KEPT} | {
        "DEMO": "true",
        "BASE_DOMAIN": f"localhost:{port}",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "LOG_FORMAT": "json",
        "WEB_CONCURRENCY": "2",
        "DJANGO_SECRET_KEY": "a key of this test's, as long as such a key must be at least",
        "FIELD_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "prepare", "--verbosity=0"], cwd=ROOT, env=environment, check=True, capture_output=True)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*manage, "serve", f"127.0.0.1:{port}"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    running = Server(process, port, log)
    try:
        until(running.answers, "the server to answer")
        yield running
    finally:
        process.terminate()  # a master that is killed leaves its workers behind
        process.wait(40)


ODD = {
    "two Host headers": (["GET / HTTP/1.1", "Host: localhost:{port}", "Host: todo.localhost:{port}"], "", 404),
    "the Host of another site": (["GET / HTTP/1.1", "Host: evil.example"], "", 404),
    "a length and a coding": (
        ["POST / HTTP/1.1", "Host: localhost:{port}", "Content-Length: 3", "Transfer-Encoding: chunked"],
        "0\r\n\r\n",
        411,
    ),
    "a body without a length": (
        ["POST / HTTP/1.1", "Host: localhost:{port}", "Transfer-Encoding: chunked"],
        "0\r\n\r\n",
        411,
    ),
    "two lengths": (
        ["POST / HTTP/1.1", "Host: localhost:{port}", "Content-Length: 3", "Content-Length: 4"],
        "abcd",
        400,
    ),
    "a folded header": (["GET / HTTP/1.1", "Host: localhost:{port}", "X-A: a", " b"], "", 400),
    "large headers": (["GET / HTTP/1.1", "Host: localhost:{port}", f"X-A: {'a' * 17_000}"], "", 431),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.clause("RFC 9112", "6", "at the server that deployments have")
def test_an_odd_request_is_refused_and_the_next_one_answered(server: Server, odd: str) -> None:
    lines, body, status = ODD[odd]
    assert server.send(*lines, body=body) == status
    assert server.send("GET /healthz HTTP/1.1", "Host: localhost:{port}") == 200


def test_an_address_in_use_is_not_shared(server: Server) -> None:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    command = [sys.executable, "manage.py", "serve", f"127.0.0.1:{server.port}"]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode != 0
    assert answer.stderr == f"CommandError: Cannot listen on 127.0.0.1:{server.port}: Address already in use.\n"


def test_the_servers_own_lines_are_json_too_and_it_ends_when_told(server: Server) -> None:
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(20) == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    said = [line["message"] for line in lines if line["logger"].startswith("_granian")]
    assert [text for text in said if text.startswith("Spawning worker")][1:], "two processes"
    assert not [text for text in said if "quite high" in text]
    assert {line["path"] for line in lines if line["logger"] == "idjag_demo.access"} >= {"/healthz"}
