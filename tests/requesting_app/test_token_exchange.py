"""The pair of the token exchange: a valid case, then one thing broken at a time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crossapp.core.errors import BadAnswer, OAuthError, Unreachable
from crossapp.core.token_exchange import IdJagGrant, Wanted, build_request, read_response
from tests.requesting_app.peers import API, IDP, OTHER_RESOURCES, TODO, exchanged, id_jag, id_jag_claims, jwt

WANTED = Wanted(issuer=IDP, audience=TODO, client_id="wiki0-at-todo0", resource=API, scope="read write")
JSON = {"content-type": "application/json;charset=UTF-8"}


def read(answer: Any, *, status: int = 200, wanted: Wanted = WANTED) -> IdJagGrant:
    return read_response(status, JSON, json.dumps(answer).encode(), wanted=wanted, now=datetime.now(UTC))


@pytest.mark.clause("RFC 8693", "2.1", "the request has the parameters of the ID-JAG profile")
def test_the_request_names_audience_resource_scope_and_both_token_types() -> None:
    assert build_request(WANTED, id_token="x.y.z") == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
        "audience": TODO,
        "resource": API,
        "scope": "read write",
        "subject_token": "x.y.z",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    }


def test_a_request_without_scope_does_not_send_an_empty_one() -> None:
    assert "scope" not in build_request(replace(WANTED, scope=""), id_token="x.y.z")


def test_a_good_response_gives_the_id_jag_its_expiry_and_its_scope() -> None:
    claims = id_jag_claims(scope="read")
    value = jwt(claims, typ="oauth-id-jag+jwt")

    grant = read(exchanged(access_token=value, token_type="n_a", scope="read"))

    assert grant == IdJagGrant(value, datetime.fromtimestamp(claims["exp"], UTC), "read", claims["jti"])
    assert value not in repr(grant)


@pytest.mark.parametrize(
    ("said", "claimed", "scope"),
    [("", "", "read write"), ("", "read", "read"), ("read", "", "read"), ("read", "read", "read")],
)
@pytest.mark.clause("RFC 6749", "5.1", "an empty scope says nothing")
def test_an_empty_scope_counts_as_absent(said: str, claimed: str, scope: str) -> None:
    assert read(exchanged(access_token=id_jag(scope=claimed), scope=said)).scope == scope


@pytest.mark.parametrize("typical", [{"aud": [TODO]}, {"resource": [API]}, {"act": {"sub": "x"}, "sub_profile": "y"}])
def test_an_id_jag_as_real_peers_make_it_is_accepted(typical: dict[str, Any]) -> None:
    assert read(exchanged(access_token=id_jag(**typical)))


@pytest.mark.clause("ID-JAG", "4.3.4", "CL-14: a refresh token in the response is ignored")
def test_a_refresh_token_in_the_response_is_ignored() -> None:
    assert not hasattr(read(exchanged(refresh_token="canary")), "refresh_token")


@pytest.mark.clause("ID-JAG", "4.3.4", "CL-15: the ID-JAG itself says when it expires")
@pytest.mark.parametrize("expires_in", [None, "300", -1, 10**12, True, [], 0])
def test_whatever_expires_in_says_the_exp_of_the_id_jag_counts(expires_in: Any) -> None:
    claims = id_jag_claims()

    grant = read(exchanged(access_token=jwt(claims, typ="oauth-id-jag+jwt"), expires_in=expires_in))

    assert grant.expires_at == datetime.fromtimestamp(claims["exp"], UTC)


@pytest.mark.clause(
    "RFC 8693", "2.2.1", "CL-12, CL-13: the response says what was issued, and that it is no access token"
)
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"issued_token_type": None}, "issued_token_type is not id-jag"),
        ({"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}, "issued_token_type is not id-jag"),
        ({"issued_token_type": ["urn:ietf:params:oauth:token-type:id-jag"]}, "issued_token_type is not id-jag"),
        ({"token_type": None}, "the token response has no usable token_type"),
        ({"token_type": 1}, "the token response has no usable token_type"),
        ({"token_type": "Bearer"}, "token_type of an ID-JAG is not N_A"),
        ({"access_token": None}, "the token response has no usable access_token"),
        ({"access_token": {"a": 1}}, "the token response has no usable access_token"),
        ({"access_token": "opaque"}, "the ID-JAG is malformed: it does not have three parts"),
        ({"access_token": "a.b.c.d.e"}, "the ID-JAG is malformed: it does not have three parts"),
        ({"access_token": "eyJ0eXAiOiIifQ.%%%.c"}, "the ID-JAG is malformed: a part is not base64url without padding"),
        ({"scope": ["read"]}, "the scope of the token response is not a list of scopes"),
    ],
)
def test_a_response_that_is_not_what_the_profile_says_is_refused(changes: dict[str, Any], detail: str) -> None:
    assert read(exchanged())

    with pytest.raises(BadAnswer) as caught:
        read(exchanged(**changes))
    assert caught.value.detail == detail


@pytest.mark.clause("ID-JAG", "3.1", "CL-16, CL-17: an ID-JAG that is not the one asked for is not redeemed")
@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"iss": IDP + "/"}, f"iss of the ID-JAG is '{IDP}/', the IdP is '{IDP}'"),
        ({"iss": None}, f"iss of the ID-JAG is None, the IdP is '{IDP}'"),
        ({"aud": TODO + "/"}, f"aud of the ID-JAG is '{TODO}/', asked for '{TODO}'"),
        ({"aud": [TODO, "https://evil.example"]}, "aud of the ID-JAG is"),
        ({"aud": []}, "aud of the ID-JAG is"),
        ({"client_id": "wiki0"}, "client_id of the ID-JAG is 'wiki0', expected 'wiki0-at-todo0'"),
        ({"resource": "http://todo.localhost:8100/other"}, "resource of the ID-JAG is"),
        ({"exp": 1}, "the ID-JAG has expired already: compare the clocks"),
        ({"exp": None}, "exp of the ID-JAG is not a number"),
        ({"exp": True}, "exp of the ID-JAG is not a number"),
        ({"exp": "4000000000"}, "exp of the ID-JAG is not a number"),
        ({"exp": 10**17}, "exp of the ID-JAG is not a date"),
        ({"exp": 10**30}, "the ID-JAG is malformed: its payload is malformed: an integer is too long"),
        ({"scope": "read write admin"}, "the scope of the ID-JAG is wider than requested"),
        ({"scope": ["read"]}, "the scope of the token response is not a list of scopes"),
    ],
)
def test_an_id_jag_that_is_not_what_we_asked_for_is_refused(claims: dict[str, Any], detail: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(exchanged(access_token=id_jag(**claims)))
    assert caught.value.detail.startswith(detail)


@pytest.mark.clause("ID-JAG", "3.1", "CL-17: the operator reads by how much the clocks differ")
def test_an_id_jag_that_has_expired_is_refused_by_how_much() -> None:
    expired = int(datetime.now(UTC).timestamp()) - 100
    with pytest.raises(BadAnswer, match=r"compare the clocks, exp has passed by 10[01] s$"):
        read(exchanged(access_token=id_jag(exp=expired)))


@pytest.mark.parametrize("claimed", [API, [API]], ids=["text", "array"])
@pytest.mark.parametrize("named", [None, API, [API]], ids=["absent", "text", "array"])
@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.3.4", "resource: absent or the one asked for")
def test_an_id_jag_for_the_resource_asked_for_is_taken(named: Any, claimed: Any) -> None:
    assert read(exchanged(access_token=id_jag(resource=claimed), resource=named))


@pytest.mark.clause("ID-JAG", "3.1", "the claim resource is optional")
def test_an_id_jag_without_a_resource_counts_as_one_for_what_was_asked_for() -> None:
    without = jwt(
        {name: value for name, value in id_jag_claims().items() if name != "resource"}, typ="oauth-id-jag+jwt"
    )
    assert read(exchanged(access_token=without))
    with pytest.raises(BadAnswer, match="resource of the token response is not that of the ID-JAG"):
        read(exchanged(access_token=without, resource=API))


@pytest.mark.parametrize("named", OTHER_RESOURCES)
@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.3.4", "an ID-JAG for another resource is not used")
def test_an_id_jag_for_another_resource_is_refused(named: Any) -> None:
    with pytest.raises(BadAnswer, match="resource of the token response is"):
        read(exchanged(resource=named))
    with pytest.raises(BadAnswer, match="resource of the ID-JAG is"):
        read(exchanged(access_token=id_jag(resource=named)))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/oauth-id-jag+jwt", ""])
@pytest.mark.clause("RFC 8725", "3.11", "typ says that it is an ID-JAG")
def test_a_jwt_of_another_type_is_refused(typ: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(exchanged(access_token=jwt(id_jag_claims(), typ=typ)))
    assert caught.value.detail == "typ of the ID-JAG is not oauth-id-jag+jwt"


def test_an_oauth_error_keeps_its_code_and_a_printable_description() -> None:
    with pytest.raises(OAuthError) as caught:
        read({"error": "access_denied", "error_description": "no\npolicy\x1b[31m"}, status=400)
    assert (caught.value.code, caught.value.description) == ("access_denied", "no?policy?[31m")


def test_a_description_that_is_too_long_is_told_by_its_length_alone() -> None:
    with pytest.raises(OAuthError) as caught:
        read({"error": "access_denied", "error_description": "x" * 2001}, status=400)
    assert caught.value.description == "(2001 characters)"


@pytest.mark.clause("RFC 9470", "3", "CL-09: what the IdP wants of the next sign-in is kept")
def test_a_wish_for_stronger_authentication_is_kept() -> None:
    error = {"error": "insufficient_user_authentication", "max_age": 5, "acr_values": "urn:mfa phr"}
    with pytest.raises(OAuthError) as caught:
        read(error, status=400)
    assert caught.value.sign_in_parameters == {"max_age": "5", "acr_values": "urn:mfa phr"}


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_an_idp_that_is_busy_is_unreachable(status: int) -> None:
    with pytest.raises(Unreachable, match=f"the token endpoint answered {status}"):
        read({"error": "invalid_grant"}, status=status)
