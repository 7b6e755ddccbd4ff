"""What is noted of a request: its identifiers in every line of the log, a line of its own in JSON, never a secret."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from tests.support.demo import Demo
from tests.support.logs import JsonLog, json_log

ROOT = Path(__file__).resolve().parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def log() -> Iterator[JsonLog]:
    with json_log() as log:
        yield log


def ask(path: str, **headers: str) -> str:
    """Ask the bare host, and return the X-Request-ID of the answer."""
    return str(Client(headers={"host": "localhost:8000", **headers}).get(path)["X-Request-ID"])


def test_the_answer_names_the_request() -> None:
    assert ask("/healthz", **{"x-request-id": "from-the-proxy"}) == "from-the-proxy"
    made = {ask("/healthz") for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


@pytest.mark.parametrize("headers", [{"host": "elsewhere.example"}, {"x-large": "x" * 20_000}], ids=str)
def test_an_answer_from_before_the_sites_names_it_too(headers: dict[str, str]) -> None:
    assert ask("/", **{"x-request-id": "the-request", **headers}) == "the-request"


def test_what_is_ill_formed_is_not_repeated(log: JsonLog) -> None:
    nasty = 'x"\r\nSet-Cookie: a=b'
    assert re.fullmatch("[0-9a-f]{32}", ask("/healthz", **{"x-request-id": nasty, "traceparent": nasty}))
    assert "Set-Cookie" not in "".join(log.texts)


def test_every_line_of_a_request_has_its_identifiers_and_one_after_it_has_none(log: JsonLog) -> None:
    ask("/nothing", **{"x-request-id": "the-request", "traceparent": TRACEPARENT})
    logging.getLogger("idjag_demo").warning("later")
    *of_the_request, later = log.lines
    assert [line["logger"] for line in of_the_request] == ["idjag_demo.access", "django.request"]
    assert {(line["request_id"], line["trace_id"]) for line in of_the_request} == {("the-request", TRACE)}
    assert (later["request_id"], later["trace_id"]) == ("", "")


@pytest.mark.django_db
def test_the_access_log_says_what_was_asked_and_answered(demo: Demo, log: JsonLog) -> None:
    browser = Client(headers={"host": "customer1.idp.localhost:8000", "x-request-id": "the-request"})
    browser.get("/oauth2/v1/keys?access_token=the-token")
    [line] = log.of("idjag_demo.access")
    assert line.pop("ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "INFO",
        "logger": "idjag_demo.access",
        "request_id": "the-request",
        "trace_id": line["trace_id"],
        "method": "GET",
        "site": "http://customer1.idp.localhost:8000",
        "path": "/oauth2/v1/keys",
        "status": 200,
    }


@pytest.mark.clause("RFC 6750", "5.3", "no token of a URL is in a log")
def test_a_path_is_one_short_line_without_a_token(log: JsonLog) -> None:
    for path in ("/eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.", "/a%0d%0ab%1b[31m", "/" + "x" * 5000):
        ask(path)
    token, controls, long = (line["path"] for line in log.of("idjag_demo.access"))
    assert token == "/[token]"
    assert controls == "/a\\u000d\\u000ab\\u001b[31m"
    assert len(long) == 200


def test_a_failure_is_one_line_with_its_traceback(log: JsonLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("in the middle\nof it")

    monkeypatch.setattr("operations.health.JsonResponse", fail)
    browser = Client(headers={"host": "localhost:8000", "x-request-id": "the-request"}, raise_request_exception=False)
    assert browser.get("/healthz")["X-Request-ID"] == "the-request"
    failure, access = (log.of(name)[0] for name in ("django.request", "idjag_demo.access"))
    assert failure["exception"].startswith("Traceback (most recent call last):\n")
    assert failure["exception"].endswith("RuntimeError: in the middle\nof it")
    assert (failure["request_id"], access["request_id"], access["status"]) == ("the-request", "the-request", 500)
    assert not any("\n" in text for text in log.texts)


@pytest.mark.django_db
def test_an_act_in_the_audit_has_its_facts_as_fields(demo: Demo, log: JsonLog) -> None:
    form = {"grant_type": "authorization_code", "client_id": "wiki0"}
    Client(headers={"host": "customer1.idp.localhost:8000", "x-request-id": "the-request"}).post(
        "/oauth2/v1/token", form, content_type="application/json"
    )
    [line] = log.of("audit")
    assert (line["act"], line["outcome"], line["error"]) == ("token_request", "refused", "invalid_request")
    assert (line["request_id"], line["logger"], line["level"]) == ("the-request", "audit", "WARNING")
    assert "message" not in line


SERVE = """
import idjag_demo.wsgi
from django.test import Client
browser = Client(headers={"host": "localhost:8000", "x-request-id": "the-request"})
browser.get("/healthz?code=the-code")
browser.get("/nothing?code=the-code")
"""


def lines_with(**environment: str) -> list[str]:
    """Return what a process of the demo that answers two requests writes on standard error."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    kept |= {"DEMO": "true", "BASE_DOMAIN": "localhost:8000"} | environment
    command = [sys.executable, "-c", SERVE]
    answer = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=60, check=True)
    assert "the-code" not in answer.stderr
    return answer.stderr.splitlines()


def test_the_log_format_chooses_json() -> None:
    lines = [json.loads(line) for line in lines_with(LOG_FORMAT="json")]
    assert [line.get("path") or line["message"] for line in lines] == ["/healthz", "/nothing", "Not Found: /nothing"]
    assert {line["request_id"] for line in lines} == {"the-request"}


def test_the_demo_logs_plain_lines_without_an_access_log() -> None:
    [line] = lines_with()
    assert line.endswith(" WARNING django.request [the-request] Not Found: /nothing")
