"""nginx with the configuration of deploy/nginx, before servers of the test's own that note what reaches them."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from threading import Thread
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "deploy" / "nginx" / "nginx.conf.template"
SECONDS = 30


@dataclass
class Web:
    """A web process that answers 200 with an empty object; a URL with "dies" in it closes the connection instead."""

    received: list[tuple[str, str, dict[str, str], int]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                web.received.append((self.command, self.path, dict(self.headers.items()), size))
                web.connections.add(self.client_address)
                if "dies" in self.path:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def headers(self) -> dict[str, str]:
        """Return those of the last request."""
        return self.received[-1][2]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]


@dataclass
class Proxy:
    """A running nginx; `log` is all that it has said."""

    port: int
    log: Path

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """Send exactly this, over a new connection; a body that is an iterator is sent in chunks."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request(method, path, body, dict(headers or {}))
        with connection.getresponse() as response:
            response.read()
            return Answer(response.status, dict(response.headers))

    def requests(self, number: int) -> list[dict[str, str]]:
        """Return what the access log says of `number` requests, once it does; they may have come to several workers."""
        deadline = time.monotonic() + SECONDS
        while len(lines := [line for line in self.log.read_text().splitlines() if line.endswith("}")]) < number:
            assert time.monotonic() < deadline, f"{len(lines)} requests were logged"
            time.sleep(0.02)
        return [json.loads(line) for line in lines]


def configuration(folder: Path, **variables: str) -> Path:
    """Return the file that envsubst would make of the template."""
    defaults = {
        "PROXY_DIR": str(folder),
        "PROXY_LISTEN": "listen 127.0.0.1:1;",
        "PROXY_UPSTREAMS": "server 127.0.0.1:1;",
        "PROXY_RESOLVER": "127.0.0.1",
        "PROXY_BALANCER": "255.255.255.255",
    }
    file = folder / "nginx.conf"
    file.write_text(Template(TEMPLATE.read_text()).safe_substitute(defaults | variables))
    return file


def nginx() -> str:
    path = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"]))
    assert path, "nginx is not installed here (Debian: apt install nginx)"
    return path


@contextmanager
def proxy_before(webs: list[Web], folder: Path, **variables: str) -> Iterator[Proxy]:
    """Run nginx before `webs`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    file = configuration(
        folder,
        PROXY_LISTEN=f"listen 127.0.0.1:{port};",
        PROXY_UPSTREAMS=" ".join(f"server {web.address} max_fails=2 fail_timeout=2s;" for web in webs),
        **variables,
    )
    log = folder / "log"
    command = [nginx(), "-e", "stderr", "-c", str(file), "-g", "daemon off;"]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_for(process, port, log)
            yield Proxy(port, log)
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
