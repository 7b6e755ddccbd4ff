"""The pair of the refresh: a valid case, then one thing broken at a time."""

import json
from typing import Any

import pytest

from crossapp.core.errors import BadAnswer, OAuthError
from crossapp.core.refresh import Refreshed, WrongTokens, build_request, read_response
from tests.requesting_app.peers import IDP, id_token

OLD = id_token(n=1)
JSON = {"content-type": "application/json"}


def read(answer: Any, *, status: int = 200, body: bytes | None = None) -> Refreshed:
    return read_response(
        status,
        JSON,
        json.dumps(answer).encode() if body is None else body,
        issuer=IDP,
        client_id="wiki0",
        old_id_token=OLD,
        old_refresh_token="old",
    )


def test_the_request_carries_the_refresh_token() -> None:
    assert build_request(refresh_token="old") == {"grant_type": "refresh_token", "refresh_token": "old"}


def test_a_good_response_gives_both_tokens() -> None:
    new = id_token(n=2, aud=["wiki0", "other"])

    refreshed = read({"id_token": new, "refresh_token": "new", "access_token": "x", "token_type": "Bearer"})

    assert refreshed == Refreshed(new, "new")
    assert "new" not in repr(refreshed)


@pytest.mark.clause("RFC 6749", "6", "CL-04: without a new refresh token, the old one is kept")
def test_without_a_new_refresh_token_the_old_one_is_kept() -> None:
    for answer in ({}, {"refresh_token": None}, {"refresh_token": ""}):
        assert read({"id_token": id_token(), **answer}).refresh_token == "old"


@pytest.mark.clause("OIDC Core", "12.2", "CL-05: iss, sub and aud are those of the old ID token")
@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ({}, "the refresh response has no ID token"),
        ({"id_token": 1}, "the refresh response has no ID token"),
        ({"id_token": "opaque"}, "the ID token is malformed: it does not have three parts"),
        ({"id_token": id_token(iss=IDP + "/")}, "iss of the new ID token differs"),
        ({"id_token": id_token(sub="john")}, "sub of the new ID token differs"),
        ({"id_token": id_token(sub=None)}, "sub of the new ID token differs"),
        ({"id_token": id_token(aud="todo0")}, "aud of the new ID token differs"),
        ({"id_token": id_token(aud=["todo0"])}, "aud of the new ID token differs"),
        ({"id_token": id_token(), "refresh_token": 5}, "the refresh response has no usable refresh token"),
        ({"id_token": id_token(), "refresh_token": "é"}, "the refresh response has no usable refresh token"),
        ({"id_token": id_token(), "refresh_token": "a\nb"}, "the refresh response has no usable refresh token"),
    ],
)
def test_another_persons_id_token_discredits_the_whole_answer(answer: dict[str, Any], detail: str) -> None:
    with pytest.raises(WrongTokens) as caught:
        read(answer)
    assert caught.value.detail == detail


def test_a_page_of_html_is_a_bad_answer_but_says_nothing_about_the_tokens() -> None:
    with pytest.raises(BadAnswer) as caught:
        read(None, body=b"<html>maintenance")
    assert not isinstance(caught.value, WrongTokens)


def test_a_refused_refresh_is_an_oauth_error() -> None:
    with pytest.raises(OAuthError) as caught:
        read({"error": "invalid_grant"}, status=400)
    assert caught.value.code == "invalid_grant"
