"""What no HTTP client sends: odd hosts, odd request lines, odd lengths, byte by byte over a socket.

What must not happen is the same everywhere: an answer of another site, an answer to a request that was smuggled into
another one's body, or a failure.
"""

import re
import socket
from urllib.parse import urlsplit

import pytest

FORM = "Content-Type: application/x-www-form-urlencoded"
KEYS, TOKEN = "/oauth2/v1/keys", "/oauth2/v1/token"


@pytest.fixture
def port(live_demo: dict[str, str]) -> int:
    """The port that all sites are on."""
    return urlsplit(live_demo["staff"]).port or 80


def send(port: int, *lines: str, body: str = "") -> bytes:
    """Send the lines of a request and return everything that comes back until the server closes the connection."""
    raw = "\r\n".join([*lines, "", body]).replace("{port}", str(port))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw.encode("utf-8"))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer in what came back."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", answer)]


CLOSE = "Connection: close"
ODD_HOSTS = {
    "of another site": ["Host: evil.example"],
    "of no site": ["Host: evil.localhost:{port}"],
    "an address": ["Host: 127.0.0.1:{port}"],
    "with more behind": ["Host: todo.localhost.evil.example"],
    "with another port": ["Host: todo.localhost:99999"],
    "without its port": ["Host: todo.localhost"],
    "two in one": ["Host: todo.localhost:{port}, evil.example"],
    "empty": ["Host:"],
    "missing": [],
    "twice, alike": ["Host: todo.localhost:{port}", "Host: todo.localhost:{port}"],
    "twice, ours and another": ["Host: todo.localhost:{port}", "Host: evil.example"],
    "twice, another and ours": ["Host: evil.example", "Host: todo.localhost:{port}"],
    "twice, both ours": ["Host: todo.localhost:{port}", "Host: wiki.localhost:{port}"],
    "folded": ["Host: todo.localhost:{port}", " evil.example"],
    "with a space before the colon": ["Host : todo.localhost:{port}"],
    "with a user name": ["Host: evil@todo.localhost:{port}"],
    "with a path": ["Host: todo.localhost:{port}/evil"],
    "in capitals": ["Host: TODO.localhost:{port}"],
    "with a dot behind": ["Host: todo.localhost.:{port}"],
    "with NUL": ["Host: todo.localhost:{port}\x00"],
    "with an umlaut": ["Host: tödo.localhost:{port}"],
    "with an underscore in its name": ["Ho_st: todo.localhost:{port}"],
}


@pytest.mark.clause("RFC 9112", "3.2", "WEB-13")
def test_an_odd_host_gets_no_site(port: int) -> None:
    assert statuses(send(port, f"GET {KEYS} HTTP/1.1", "Host: todo.localhost:{port}", CLOSE)) == [200]
    wrong = {}
    for name, lines in ODD_HOSTS.items():
        answer = send(port, f"GET {KEYS} HTTP/1.1", *lines, CLOSE)
        if statuses(answer) not in ([400], [404]) or b"evil" in answer:
            wrong[name] = answer
    assert wrong == {}


ODD_TARGETS = {
    "another site's address": f"GET http://wiki.localhost:{{port}}{KEYS}",
    "the address of another site": f"GET http://evil.example{KEYS}",
    "an address that begins with two slashes": f"GET //evil.example{KEYS}",
    "an authority": "CONNECT wiki.localhost:{port}",
    "a star": "OPTIONS *",
    "a backslash": f"GET \\\\evil.example{KEYS}",
    "an encoded line break": f"GET {KEYS}%0d%0aHost:%20evil.example",
}


@pytest.mark.clause("RFC 9112", "3.2.2", "WEB-13")
def test_a_request_line_cannot_name_another_site(port: int) -> None:
    wrong = {}
    for name, target in ODD_TARGETS.items():
        answer = send(port, f"{target} HTTP/1.1", "Host: todo.localhost:{port}", CLOSE)
        if statuses(answer) not in ([400], [404]) or b'"keys"' in answer or b"\nHost:" in answer:
            wrong[name] = answer
    assert wrong == {}


SMUGGLED = f"GET {KEYS} HTTP/1.1\r\nHost: wiki.localhost:{{port}}\r\n\r\n"
ODD_LENGTHS = {
    "chunked": ["Transfer-Encoding: chunked"],
    "chunked and a length": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "chunked after a length of nothing": ["Content-Length: 0", "Transfer-Encoding: chunked"],
    "chunked in disguise": ["Transfer-Encoding: xchunked"],
    "chunked twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    "chunked in capitals": ["Transfer-Encoding: CHUNKED"],
    "chunked, folded": ["Transfer-Encoding:", " chunked"],
    "a length with a sign": ["Content-Length: +5"],
    "a length below nothing": ["Content-Length: -1"],
    "a length of words": ["Content-Length: five"],
    "two lengths in one": ["Content-Length: 5, 5"],
    "a length without end": ["Content-Length: 1" + "0" * 40],
}


@pytest.mark.clause("RFC 9112", "6.3", "WEB-29")
def test_no_request_is_smuggled_in_the_body_of_another(port: int) -> None:
    wrong = {}
    for name, lines in ODD_LENGTHS.items():
        head = [f"POST {TOKEN} HTTP/1.1", "Host: todo.localhost:{port}", FORM, *lines]
        answer = send(port, *head, body=f"0\r\n\r\n{SMUGGLED}")
        if statuses(answer) not in ([400], [411], [413]) or b'"keys"' in answer:
            wrong[name] = answer
    assert wrong == {}


@pytest.mark.clause("RFC 9110", "10.1.1", "WEB-29")
def test_ranges_and_expectations_get_a_whole_answer(port: int) -> None:
    whole = send(port, f"GET {KEYS} HTTP/1.1", "Host: todo.localhost:{port}", CLOSE).partition(b"\r\n\r\n")[2]
    for odd in ("Range: bytes=0-9", "Range: bytes=0-0,-1", "If-Range: x\r\nRange: bytes=0-9", "Range: lines=1-2"):
        answer = send(port, f"GET {KEYS} HTTP/1.1", "Host: todo.localhost:{port}", odd, CLOSE)
        assert (statuses(answer), answer.partition(b"\r\n\r\n")[2]) == ([200], whole), odd
    for expectation, expected in (("100-continue", [100, 400]), ("something else", [400])):
        head = [f"POST {TOKEN} HTTP/1.1", "Host: todo.localhost:{port}", FORM, "Content-Length: 3"]
        answer = send(port, *head, f"Expect: {expectation}", CLOSE, body="a=b")
        assert statuses(answer) == expected, expectation
        assert b'"invalid_request"' in answer


@pytest.mark.clause("RFC 9112", "9.3", "WEB-29")
def test_an_unread_body_is_not_taken_for_the_next_request(port: int) -> None:
    body = SMUGGLED.replace("{port}", str(port))
    for path, expected in ((TOKEN, 400), (KEYS, 405), ("/nothing", 404)):
        head = [f"POST {path} HTTP/1.1", "Host: todo.localhost:{port}", f"Content-Length: {len(body)}"]
        answer = send(port, *head, body=body)
        assert statuses(answer) == [expected], path


@pytest.mark.clause("RFC 6585", "5", "LIM-02")
def test_headers_larger_than_16_kib_are_refused(port: int) -> None:
    host = "Host: todo.localhost:{port}"
    for lines, status in (
        (["X-Some: " + "a" * 15_000], 200),
        (["X-Some: " + "a" * 17_000], 431),
        ([f"X-Some-{number}: {'a' * 900}" for number in range(20)], 431),
        (["Cookie: idjag_session=" + "a" * 17_000], 431),
        (["Authorization: Bearer " + "a" * 17_000], 431),
        (["X-Some: " + "a" * 70_000], 431),
        (["X-Some: a"] * 150, 431),
    ):
        answer = send(port, f"GET {KEYS} HTTP/1.1", host, *lines, CLOSE)
        assert statuses(answer) == [status], lines[0][:30]
