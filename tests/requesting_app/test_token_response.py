"""What every token endpoint may answer, and what not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossapp.core.errors import BadAnswer, OAuthError, Unreachable
from crossapp.core.token_response import expiry_parameter, read_token_response, scope_parameter

JSON = {"content-type": "application/json"}
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_good_response_gives_its_parameters() -> None:
    assert read_token_response(200, JSON, b'{"access_token": "x"}') == {"access_token": "x"}


@pytest.mark.clause("RFC 6749", "5.1", "CL-11, CL-23: an answer that is no token response is a failure like any other")
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, JSON, b""),
        (200, JSON, b"<html>"),
        (200, JSON, b"[]"),
        (200, JSON, b'"text"'),
        (200, JSON, b'{"a": 1, "a": 2}'),
        (200, JSON, b'{"a": NaN}'),
        (200, JSON, b'{"a": "\\ud800"}'),
        (200, JSON, b"\xff\xfe"),
        (200, JSON, b'{"a":' * 100_000),
        (200, JSON, b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"),
        (200, JSON, b'{"a": ' + b"9" * 5000 + b"}"),
        (200, {"content-type": "text/html"}, b"{}"),
        (200, {}, b"{}"),
        (201, JSON, b"{}"),
        (204, JSON, b""),
        (302, JSON, b"{}"),
        (400, JSON, b"{}"),
        (400, JSON, b'{"error": 1}'),
        (400, JSON, b'{"error": ""}'),
        (400, JSON, b'{"error": "a\\u0000b"}'),
        (400, {"content-type": "text/html"}, b"<html>"),
        (401, JSON, b"[]"),
    ],
)
def test_an_answer_that_is_no_token_response_is_a_bad_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_token_response(status, headers, body)


def test_an_unregistered_error_code_is_an_oauth_error() -> None:
    with pytest.raises(OAuthError) as caught:
        read_token_response(400, {"content-type": "text/html"}, b'{"error": "we_are_on_holiday"}')
    assert caught.value.code == "we_are_on_holiday"


@pytest.mark.parametrize("code", ["temporarily_unavailable", "server_error"])
def test_an_error_that_passes_is_no_refusal(code: str) -> None:
    with pytest.raises(Unreachable):
        read_token_response(400, JSON, f'{{"error": "{code}"}}'.encode())


@pytest.mark.clause("RFC 9110", "10.2.3", "CL-18: seconds in Retry-After are understood, a date is left alone")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3600", 3600), (" 7 ", 7), ("0", 0), ("-1", None), ("1.5", None), ("9" * 50, None), ("٣", None), ("", None),
     ("Wed, 21 Oct 2099 07:28:00 GMT", None)],
)  # fmt: skip
def test_a_server_may_say_when_to_come_back(status: int, value: str, seconds: int | None) -> None:
    with pytest.raises(Unreachable) as caught:
        read_token_response(status, {"retry-after": value}, b"")
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    "wishes",
    ['"max_age": -1', '"max_age": true', '"max_age": "5"', '"acr_values": "a\\nb"', '"acr_values": ["a"]', '"x": 1'],
)
def test_a_malformed_wish_for_the_next_sign_in_is_dropped(wishes: str) -> None:
    with pytest.raises(OAuthError) as caught:
        read_token_response(400, JSON, f'{{"error": "insufficient_user_authentication", {wishes}}}'.encode())
    assert caught.value.sign_in_parameters == {}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(60, 60), (59.5, 59.5), (10**12, 1000), (None, 300), (1e308, 1000), ("60", 60), ("9999999999", 1000)],
)
def test_expires_in_is_bounded(seconds: Any, expected: float) -> None:
    answer = {} if seconds is None else {"expires_in": seconds}
    assert expiry_parameter(answer, now=NOW, default=300, longest=1000) == NOW + timedelta(seconds=expected)


@pytest.mark.parametrize(
    "seconds", ["", "0", "-60", "+60", "6e1", "60.5", " 60", "٦٠", "9" * 11, 0, -1, True, None, [], float("nan")]
)
def test_expires_in_that_is_no_positive_number_is_refused(seconds: Any) -> None:
    with pytest.raises(BadAnswer, match="expires_in of the token response is not a positive number"):
        expiry_parameter({"expires_in": seconds}, now=NOW, default=300, longest=1000)


@pytest.mark.parametrize("scope", [1, None, ["read"], "a\nb", 'a"b', "é", "x" * 1001])
def test_a_scope_that_is_no_list_of_scopes_is_refused(scope: Any) -> None:
    with pytest.raises(BadAnswer, match="is not a list of scopes"):
        scope_parameter({"scope": scope}, requested="read")


@pytest.mark.parametrize("scope", ["", " ", "   "])
@pytest.mark.clause("RFC 6749", "5.1", "an empty scope says nothing, so the requested one is granted")
def test_an_empty_scope_counts_as_absent(scope: str) -> None:
    assert scope_parameter({"scope": scope}, requested="read write") == "read write"
    assert scope_parameter({"scope": scope}, requested="") == ""
    assert scope_parameter({"scope": "write"}, requested="read write") == "write"
