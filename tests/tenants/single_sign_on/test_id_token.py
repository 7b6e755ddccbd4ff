"""The verification of an ID token, each check by breaking it."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from crossapp.core.jwk import UnknownKey, VerificationKey, usable_keys
from tenants.single_sign_on.id_token import Expected, IdToken, IdTokenRefused, verify_id_token
from tests.support import fake_idp
from tests.support.fake_idp import CLIENT_ID, ISSUER, private_key, public_jwk, sign

NOW = 1_800_000_000  # fixed: test names hold it, and every xdist worker must find the same ones
EXPECTED = Expected(issuer=ISSUER, client_id=CLIENT_ID, nonce="the-nonce", access_token="an-access-token")


def id_token_claims(**changes: Any) -> dict[str, Any]:
    return fake_idp.id_token_claims(**{"iat": NOW, "exp": NOW + 300, "auth_time": NOW - 5} | changes)


def at_hash(access_token: str, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def verify(token: Any, expected: Expected = EXPECTED, alg: str = "RS256") -> IdToken:
    keys = usable_keys([public_jwk(alg)])

    def key_for(issuer: str, kid: str, wanted_alg: str) -> VerificationKey:
        if kid not in keys or not keys[kid].fits(wanted_alg):
            raise UnknownKey(kid)
        return keys[kid]

    return verify_id_token(token, expected=expected, key_for=key_for, now=datetime.fromtimestamp(NOW, UTC))


def refused(token: Any, expected: Expected = EXPECTED) -> str:
    with pytest.raises(IdTokenRefused) as caught:
        verify(token, expected)
    return caught.value.detail


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "a valid ID token is accepted")
def test_a_valid_id_token_is_accepted() -> None:
    token = sign(id_token_claims())
    verified = verify(token)
    assert (verified.issuer, verified.subject, verified.compact) == (ISSUER, "u-bob", token)
    assert verified.claims["email"] == "bob@tables.example"


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "the algorithm is one the client registered")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_every_algorithm_of_the_list_works(alg: str) -> None:
    claims = id_token_claims(at_hash=at_hash("an-access-token", "sha512" if alg == "EdDSA" else "sha256"))
    assert verify(sign(claims, alg=alg), alg=alg).subject == "u-bob"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"auth_time": None},
        {"iat": NOW + 20},
        {"exp": NOW - 20},
        {"nbf": NOW},
        {"at_hash": at_hash("an-access-token")},
        {"sub": "x" * 255},
        {"email": None, "name": None},
        {"unknown": {"act": ["x"]}},
    ],
    ids=str,
)
def test_what_the_specification_allows_is_accepted(changes: dict[str, Any]) -> None:
    assert verify(sign(id_token_claims(**changes)))


BROKEN = [
    ({"iss": "https://evil.example"}, "iss is not the connection's issuer"),
    ({"iss": f"{ISSUER}/"}, "iss is not the connection's issuer"),
    ({"iss": [ISSUER]}, "iss is not the connection's issuer"),
    ({"iss": None}, "iss is not the connection's issuer"),
    ({"aud": "another"}, "aud is not exactly this client"),
    ({"aud": ["another"]}, "aud is not exactly this client"),
    ({"aud": []}, "aud is not exactly this client"),
    ({"aud": None}, "aud is not exactly this client"),
    ({"aud": [CLIENT_ID, 1], "azp": CLIENT_ID}, "aud is not exactly this client"),
    ({"aud": [[CLIENT_ID]]}, "aud is not exactly this client"),
    ({"aud": [CLIENT_ID, CLIENT_ID]}, "aud is not exactly this client"),
    ({"aud": CLIENT_ID.upper()}, "aud is not exactly this client"),
    ({"aud": [CLIENT_ID, "another"]}, "aud is not exactly this client"),
    ({"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}, "aud is not exactly this client"),
    ({"aud": ["another", CLIENT_ID], "azp": CLIENT_ID}, "aud is not exactly this client"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "aud is not exactly this client"),
    ({"azp": "another"}, "azp is not this client"),
    ({"azp": [CLIENT_ID]}, "azp is not this client"),
    ({"exp": NOW - 60}, "exp has passed"),
    ({"exp": None}, "exp or iat is missing"),
    ({"exp": str(NOW + 300)}, "exp is not a time"),
    ({"exp": True}, "exp is not a time"),
    ({"exp": 10**18}, "exp is not a time"),
    ({"iat": NOW + 120}, "iat is in the future"),
    ({"iat": NOW - 700}, "iat is too long ago"),
    ({"iat": None}, "exp or iat is missing"),
    ({"iat": -1}, "iat is not a time"),
    ({"nbf": NOW + 120}, "nbf is in the future"),
    ({"nbf": "now"}, "nbf is not a time"),
    ({"auth_time": "now"}, "auth_time is not a time"),
    ({"nonce": "another"}, "nonce is not the one in the request"),
    ({"nonce": None}, "nonce is not the one in the request"),
    ({"nonce": ["the-nonce"]}, "nonce is not the one in the request"),
    ({"sub": ""}, "sub is not a string"),
    ({"sub": None}, "sub is not a string"),
    ({"sub": 7}, "sub is not a string"),
    ({"sub": "x" * 256}, "sub is not a string"),
    ({"sub": "u\x00bob"}, "sub is not a string"),
    ({"at_hash": at_hash("another")}, "at_hash does not match"),
    ({"at_hash": 1}, "at_hash does not match"),
    ({"at_hash": "ü"}, "at_hash does not match"),
]


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "rules 2 to 5, 9 to 11; 3.1.3.8: RP-12 RP-13 RP-14 RP-15 RP-18")
@pytest.mark.parametrize(("changes", "detail"), BROKEN, ids=[str(changes)[:60] for changes, _ in BROKEN])
def test_a_claim_that_does_not_fit_is_refused(changes: dict[str, Any], detail: str) -> None:
    assert detail in refused(sign(id_token_claims(**changes)))


@pytest.mark.parametrize(
    ("asked", "said", "detail"),
    [
        ({"max_age": 60}, {"auth_time": NOW - 90}, ""),
        ({"max_age": 60}, {"auth_time": NOW - 91}, "auth_time is missing or older"),
        ({"max_age": 0}, {"auth_time": NOW - 31}, "auth_time is missing or older"),
        ({"max_age": 0}, {"auth_time": None}, "auth_time is missing or older"),
        ({"max_age": 10**9}, {"auth_time": None}, "auth_time is missing or older"),
        ({"acr_values": ("mfa", "phr")}, {"acr": "phr"}, ""),
        ({"acr_values": ("mfa", "phr")}, {"acr": "pwd"}, "acr is not one of the requested values"),
        ({"acr_values": ("mfa", "phr")}, {"acr": ["phr"]}, "acr is not one of the requested values"),
        ({"acr_values": ("mfa",)}, {}, "acr is not one of the requested values"),
        ({}, {"acr": "0", "auth_time": 1}, ""),
    ],
    ids=str,
)
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "rules 12 and 13: RP-16 RP-17")
def test_the_person_authenticated_as_was_asked_for(asked: dict[str, Any], said: dict[str, Any], detail: str) -> None:
    token, expected = sign(id_token_claims(**said)), replace(EXPECTED, **asked)
    if detail:
        assert detail in refused(token, expected)
    else:
        assert verify(token, expected)


@pytest.mark.clause("RFC 8725", "3.11", "RP-19: kinds of JWT are told apart by typ")
@pytest.mark.parametrize("typ", ["oauth-id-jag+jwt", "at+jwt", "application/at+jwt", "logout+jwt", "", 1])
def test_another_kind_of_token_is_refused(typ: Any) -> None:
    token = jwt.api_jws.encode(
        b"{}", private_key(), algorithm="RS256", headers={"kid": "key-1", "typ": typ} if typ != "" else {"typ": "JOSE"}
    )
    assert refused(token) == "typ is not JWT"


def test_the_typ_may_be_absent_or_in_lower_case() -> None:
    assert verify(sign(id_token_claims(), typ="jwt"))
    assert verify(sign(id_token_claims(), typ=None))


@pytest.mark.clause("RFC 8725", "3.1", "RP-11: algorithms are ours, not the header's")
@pytest.mark.parametrize("alg", ["none", "HS256", "RS512"])
def test_an_algorithm_off_the_list_is_refused(alg: str) -> None:
    key: Any = {"none": "", "HS256": "the client secret, which is long enough for it"}.get(alg, private_key())
    token = sign(id_token_claims(), alg=alg, key=key)
    assert refused(token + "AAAA" if alg == "none" else token) == "alg is not accepted"
    assert alg != "none" or refused(token).startswith("the ID token is malformed")


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-11, rule 6: the signature is the issuer's")
def test_a_signature_by_another_key_is_refused() -> None:
    assert refused(sign(id_token_claims(), key=private_key("RS256", "theirs"))) == "the signature is wrong"


@pytest.mark.clause("RFC 8725", "3.1", "RP-11")
def test_an_embedded_key_is_not_looked_at() -> None:
    token = sign(id_token_claims(), key=private_key("RS256", "theirs"), jwk=public_jwk(), jku="https://evil.example")
    assert refused(token) == "the signature is wrong"


def test_a_key_of_another_type_is_not_used() -> None:
    assert refused(sign(id_token_claims(), alg="ES256")) == "the issuer has no such key"


def test_an_unknown_or_missing_key_id_is_refused() -> None:
    assert refused(sign(id_token_claims(), kid="another")) == "the issuer has no such key"
    assert refused(jwt.encode(id_token_claims(), private_key(), algorithm="RS256")) == "kid is missing"


@pytest.mark.clause("RFC 7515", "4.1.11", "an extension that is not understood is refused")
def test_an_extension_is_refused() -> None:
    assert refused(sign(id_token_claims(), crit=["exp"])) == "crit names an extension"


@pytest.mark.parametrize("token", [None, 1, "", "a.b", "a.b.c", "....", "x" * 20_000, "é.é.é"], ids=str)
def test_what_is_no_jwt_is_refused(token: Any) -> None:
    assert refused(token).startswith("the ID token is malformed")


def test_an_empty_expected_nonce_matches_nothing() -> None:
    expected = Expected(issuer=ISSUER, client_id=CLIENT_ID, nonce="")
    assert refused(sign(id_token_claims(nonce="")), expected) == "nonce is not the one in the request"


@pytest.mark.clause("OpenID Connect Core", "12.2", "a refreshed ID token need not carry the nonce")
def test_a_refreshed_id_token_needs_no_nonce() -> None:
    assert verify(sign(id_token_claims(nonce=None)), Expected(issuer=ISSUER, client_id=CLIENT_ID, nonce=None))
