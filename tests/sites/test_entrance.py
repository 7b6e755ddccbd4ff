"""The Content-Type of a request: the peer chooses no codec, and no codec is used but UTF-8."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import RequestFactory

from idjag_demo.entrance import Utf8Request
from tests.sites.test_raw_requests import CLOSE, send, statuses

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def port(live_demo: dict[str, str]) -> int:
    """The port that all sites are on."""
    return urlsplit(live_demo["staff"]).port or 80


def request_with(content_type: str, body: bytes = b"", query: str = "") -> Utf8Request:
    environ = RequestFactory()._base_environ(
        REQUEST_METHOD="POST", QUERY_STRING=query, CONTENT_TYPE=content_type, CONTENT_LENGTH=str(len(body))
    )
    return Utf8Request(environ | {"wsgi.input": BytesIO(body)})


@pytest.mark.parametrize(
    "content_type",
    [FORM, f"{FORM};charset=utf-8", f'{FORM}; charset="UTF-8"', f"{FORM} ; CHARSET=utf8", f"{FORM}; charset=us-ascii",
     f"{FORM};", f"{FORM}; q=1;charset=utf-8"],
)  # fmt: skip
def test_a_form_in_utf_8_is_read(content_type: str) -> None:
    request = request_with(content_type, b"name=J%C3%BCrgen", "next=%C3%A4")
    assert (request.unreadable, request.content_type) == ("", FORM)
    assert (request.POST["name"], request.GET["next"]) == ("Jürgen", "ä")


CODECS = [
    "punycode",
    "hex",
    "zlib",
    "idna",
    "utf-7",
    "utf-16",
    "iso-8859-1",
    "rot13",
    "unicode_escape",
    "mbcs",
    "a\0b",
    "ä",
]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("media_type", [FORM, "application/json", "x/y", ""])
def test_a_codec_that_the_peer_names_is_not_used(media_type: str, codec: str) -> None:
    request = request_with(f"{media_type}; charset={codec}", b"name=x", "next=%C3%A4")
    assert request.unreadable in ("The body must be UTF-8.", "The Content-Type is malformed.")
    assert request.encoding is None
    assert request.GET["next"] == "ä"


@pytest.mark.parametrize(
    "content_type",
    [f"{FORM}; charset*=punycode''x", f"{FORM}; charset*0=hex", f"{FORM}; x*=hex'en'00", f"{FORM}; charset=\"a\\b\"",
     f"{FORM}; charset", "text/plain, text/html", f"{FORM}\n; x", ";" * 9 + "=", "ä/b"],
)  # fmt: skip
def test_a_content_type_with_another_syntax_is_refused(content_type: str) -> None:
    assert request_with(content_type).unreadable == "The Content-Type is malformed."


@pytest.mark.parametrize("kind", ["form-data; boundary=x", "mixed", "form-data; boundary=x; charset=punycode"])
def test_a_multipart_body_is_refused(kind: str) -> None:
    """Its parts have headers of their own, which may name codecs too."""
    assert request_with(f"multipart/{kind}").unreadable.startswith("Send the form as application/x-www-form-urlencoded")


def test_the_application_that_is_served_has_this_entrance() -> None:
    assert settings.WSGI_APPLICATION == "idjag_demo.wsgi.application"
    source = Path(__file__).resolve().parents[2] / "idjag_demo" / "wsgi.py"  # it takes over the process that imports it
    assert "    application = Entrance()\n" in source.read_text()


@pytest.mark.parametrize("path", ["/sign-in", "/oauth2/v1/token", "/api/todos", "/", "/nothing-here"])
@pytest.mark.parametrize("codec", ["punycode", "hex"])
def test_the_refusal_over_the_wire_has_a_request_id_and_costs_nothing(
    port: int,
    path: str,
    codec: str,
) -> None:
    content_type = f"Content-Type: multipart/form-data; boundary=xx; charset={codec}"
    body = '--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + "0" * 50_000 + "\r\n--xx--\r\n"
    length = f"Content-Length: {len(body)}"
    answer = send(port, f"POST {path} HTTP/1.1", "Host: todo.localhost:{port}", content_type, length, CLOSE, body=body)
    assert statuses(answer) == [415]
    assert re.search(rb"(?i)x-request-id: [0-9a-f]{32}", answer)


def test_a_get_with_a_charset_is_refused_in_the_same_way(port: int) -> None:
    query: Any = "0" * 3000
    line = f"GET /sign-in?next={query} HTTP/1.1"
    answer = send(port, line, "Host: wiki.localhost:{port}", "Content-Type: x/y; charset=punycode", CLOSE)
    assert statuses(answer) == [415]
