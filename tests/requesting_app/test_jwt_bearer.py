"""The pair of the jwt-bearer grant: a valid case, then one thing broken at a time."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossapp.core.errors import BadAnswer, OAuthError
from crossapp.core.jwt_bearer import AccessToken, build_request, read_response
from tests.requesting_app.peers import API, OTHER_RESOURCES, redeemed

NOW = datetime(2030, 1, 1, tzinfo=UTC)
JSON = {"content-type": "application/json"}


def read(answer: Any, *, status: int = 200) -> AccessToken:
    body = json.dumps(answer).encode()
    return read_response(status, JSON, body, requested_scope="read write", requested_resource=API, now=NOW)


@pytest.mark.clause("RFC 7523", "2.1", "the request has the grant type and the assertion")
def test_the_request_carries_the_id_jag_scope_and_resource() -> None:
    assert build_request(id_jag="x.y.z", scope="read", resource=API) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": "x.y.z",
        "scope": "read",
        "resource": API,
    }
    assert "scope" not in build_request(id_jag="x.y.z", scope="", resource=API)


def test_a_good_response_gives_the_token_its_scope_and_its_expiry() -> None:
    token = read(redeemed())

    assert token == AccessToken("canary-access-token", "read write", NOW + timedelta(hours=1))
    assert "canary" not in repr(token)


@pytest.mark.clause("RFC 6749", "5.1", "CL-24: a narrower scope is honoured")
def test_a_narrower_scope_is_honoured_and_a_missing_one_is_the_one_asked_for() -> None:
    assert read(redeemed(scope="read")).scope == "read"
    assert read(redeemed(scope=None)).scope == "read write"


def test_an_expiry_in_a_string_of_digits_counts_as_a_number() -> None:
    assert read(redeemed(expires_in="60")).expires_at == NOW + timedelta(seconds=60)


@pytest.mark.clause("RFC 6749", "5.1", "CL-24: an empty scope says nothing")
def test_an_empty_scope_is_the_one_asked_for() -> None:
    assert read(redeemed(scope="")).scope == "read write"


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-25: a refresh token is ignored")
def test_a_refresh_token_is_ignored() -> None:
    assert not hasattr(read(redeemed(refresh_token="canary")), "refresh_token")


def test_a_token_without_expiry_lives_five_minutes_and_no_token_longer_than_a_day() -> None:
    assert read(redeemed(expires_in=None)).expires_at == NOW + timedelta(minutes=5)
    assert read(redeemed(expires_in=10**15)).expires_at == NOW + timedelta(days=1)


@pytest.mark.clause("RFC 6749", "7.1", "CL-23: a token we do not know how to use is refused")
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"token_type": None}, "the token response has no usable token_type"),
        ({"token_type": "mac"}, "token_type is not Bearer"),
        ({"token_type": "N_A"}, "token_type is not Bearer"),
        ({"access_token": None}, "the token response has no usable access_token"),
        ({"access_token": 12}, "the token response has no usable access_token"),
        ({"access_token": ""}, "the token response has no usable access_token"),
        ({"access_token": "a\r\nX-Evil: 1"}, "the access token is malformed"),
        ({"access_token": "a b"}, "the access token is malformed"),
        ({"access_token": "é"}, "the access token is malformed"),
        ({"access_token": "a" * 16385}, "the access token is malformed"),
        ({"expires_in": "3600 s"}, "expires_in of the token response is not a positive number"),
        ({"expires_in": -5}, "expires_in of the token response is not a positive number"),
        ({"scope": 1}, "the scope of the token response is not a list of scopes"),
    ],
)
def test_a_token_that_we_cannot_use_is_refused(changes: dict[str, Any], detail: str) -> None:
    assert read(redeemed())

    with pytest.raises(BadAnswer) as caught:
        read(redeemed(**changes))
    assert caught.value.detail == detail


@pytest.mark.parametrize("named", [None, API, [API]])
@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.4.2", "resource: absent or the one asked for")
def test_a_token_for_the_resource_asked_for_is_taken(named: Any) -> None:
    assert read(redeemed(resource=named)).value == "canary-access-token"


@pytest.mark.parametrize("named", OTHER_RESOURCES)
@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.4.2", "a token for another resource is not used")
def test_a_token_for_another_resource_is_refused(named: Any) -> None:
    with pytest.raises(BadAnswer, match="resource of the token response is"):
        read(redeemed(resource=named))


def test_an_oauth_error_keeps_its_code() -> None:
    with pytest.raises(OAuthError) as caught:
        read({"error": "invalid_grant", "error_description": "replayed"}, status=400)
    assert (caught.value.code, caught.value.detail) == ("invalid_grant", "invalid_grant: replayed")
