"""A small HTTP server on loopback that misbehaves on request, or answers with given documents."""

import gzip
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """The path says what happens, if the server has no documents."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        if self.server.documents is not None:
            self._answer_with_document(self.server.documents)
            return
        kind = self.path.partition("?")[0].strip("/")
        if kind == "drip-headers":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100)
        elif kind == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self._drip(b"x" * 100)
        elif kind == "silence":
            time.sleep(3)
            self.close_connection = True
        elif kind == "redirect":
            self._answer(b"away", 302, Location="/echo", **{"Set-Cookie": "a=b"})
        elif kind == "big":
            self._answer(b"x" * (256 * 1024 + 1))
        elif kind == "full":
            self._answer(b"x" * (256 * 1024))
        elif kind == "bomb":
            self._answer(gzip.compress(b"0" * 10_000_000), **{"Content-Encoding": "gzip"})
        else:
            seen = {"headers": dict(self.headers), "path": self.path, "peer": self.client_address[1]}
            self._answer(json.dumps(seen).encode(), **{"Set-Cookie": "a=b; Path=/"})

    do_POST = do_GET

    def _answer_with_document(self, documents: Mapping[str, object]) -> None:
        """Answer with the document of the path, after the request's body is read; 404 if there is none."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 200 if self.path in documents else 404
        body = json.dumps(documents.get(self.path, "not found")).encode()
        self._answer(body, status, **{"Content-Type": "application/json"})

    def _answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, data: bytes) -> None:
        self.close_connection = True
        try:
            for byte in data:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Notes what it is asked for in `asked`; `documents` has what it answers, by path."""

    def __init__(self, asked: list[str], documents: Mapping[str, object] | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.documents = asked, documents


@contextmanager
def serving(
    context: ssl.SSLContext | None = None,
    asked: list[str] | None = None,
    documents: Mapping[str, object] | None = None,
) -> Iterator[int]:
    """Serve on a free port of 127.0.0.1, with TLS if there is a `context`; yields the port.

    What is asked for, as "GET /path", is added to `asked`. With `documents` nothing else is answered; they may be
    filled later.
    """
    server = Server([] if asked is None else asked, documents)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
