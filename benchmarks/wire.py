"""HTTP as bytes: requests made beforehand, and single answers read whole."""

import socket
from http.client import HTTPResponse
from urllib.parse import urlsplit

SECONDS = 60.0


def http_request(method: str, url: str, *, body: bytes = b"", **headers: str) -> bytes:
    """Return a request to one of our sites as bytes; an underscore in the name of a header stands for a hyphen."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "User-Agent: benchmarks", "Accept: */*"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send `request` to 127.0.0.1:`port` and return the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as sock:
        sock.sendall(request)
        answer = HTTPResponse(sock)
        answer.begin()
        return answer.status, answer.read()
