"""The verification of an ID token, each check by breaking it."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from crossapp.core.jwk import VerificationKey, find_key, usable_keys
from tenants.single_sign_on.id_token import Expected, IdToken, IdTokenRefused, verify_id_token
from tests.resource_app.fakes import KIDS, compact, jwks
from tests.support import fake_idp
from tests.support.fake_idp import CLIENT_ID, ISSUER, private_key, public_jwk, sign

NOW = 1_800_000_000  # fixed: test names hold it, and every xdist worker must find the same ones
EXPECTED = Expected(issuer=ISSUER, client_id=CLIENT_ID, nonce="the-nonce", access_token="an-access-token")


def id_token_claims(**changes: Any) -> dict[str, Any]:
    return fake_idp.id_token_claims(**{"iat": NOW, "exp": NOW + 300, "auth_time": NOW - 5} | changes)


def at_hash(access_token: str, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def verify(token: Any, expected: Expected = EXPECTED, keys: Sequence[Any] = ()) -> IdToken:
    """Verify `token` with the keys of an issuer, by default with the one of `sign`."""
    usable = usable_keys(keys or [public_jwk()])

    def key_for(issuer: str, kid: str | None, alg: str) -> VerificationKey:
        assert issuer == ISSUER
        return find_key(usable, kid=kid, alg=alg)

    return verify_id_token(token, expected=expected, key_for=key_for, now=datetime.fromtimestamp(NOW, UTC))


def refused(token: Any, expected: Expected = EXPECTED, keys: Sequence[Any] = ()) -> str:
    with pytest.raises(IdTokenRefused) as caught:
        verify(token, expected, keys)
    return caught.value.detail


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "a valid ID token is accepted")
def test_a_valid_id_token_is_accepted() -> None:
    token = sign(id_token_claims())
    verified = verify(token)
    assert (verified.issuer, verified.subject, verified.compact) == (ISSUER, "u-bob", token)
    assert verified.claims["email"] == "bob@tables.example"


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "the algorithm is one the client registered")
@pytest.mark.parametrize(
    ("alg", "hash_name"),
    [
        ("RS256", "sha256"),
        ("RS384", "sha384"),
        ("RS512", "sha512"),
        ("PS256", "sha256"),
        ("PS384", "sha384"),
        ("PS512", "sha512"),
        ("ES256", "sha256"),
        ("ES384", "sha384"),
        ("ES512", "sha512"),
        ("EdDSA", "sha512"),
        ("Ed25519", "sha512"),
    ],
)
def test_every_algorithm_of_the_list_works(alg: str, hash_name: str) -> None:
    header = {"alg": alg, "kid": KIDS[alg]}
    token = compact(header, id_token_claims(at_hash=at_hash("an-access-token", hash_name)), alg=alg)
    assert verify(token, keys=jwks()).subject == "u-bob"
    other = compact(header, id_token_claims(at_hash=at_hash("another", hash_name)), alg=alg)
    assert refused(other, keys=jwks()) == "at_hash does not match the access token"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID], "azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"aud": ["project-4711", "another", CLIENT_ID], "azp": CLIENT_ID},
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


OPTIONAL = ["azp", "nbf", "auth_time", "at_hash", "email", "email_verified", "name", "acr"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_claim_that_is_null_counts_as_absent(name: str) -> None:
    claims = id_token_claims() | {name: None}
    assert name not in verify(sign(claims)).claims


def test_null_is_no_azp_for_several_audiences() -> None:
    claims = id_token_claims(aud=[CLIENT_ID, "another"]) | {"azp": None}
    detail = "aud has several audiences and azp is missing"
    assert refused(sign(claims)) == f"{detail}: expected 'wiki-client', found ['wiki-client', 'another']"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "nonce"])
def test_a_required_claim_that_is_null_is_missing(name: str) -> None:
    assert refused(sign(id_token_claims() | {name: None})) == refused(sign(id_token_claims(**{name: None})))


BROKEN = [
    ({"iss": "https://evil.example"}, "iss is not the connection's issuer"),
    ({"iss": f"{ISSUER}/"}, "iss is not the connection's issuer"),
    ({"iss": [ISSUER]}, "iss is not the connection's issuer"),
    ({"iss": None}, "iss is not the connection's issuer"),
    ({"aud": "another"}, "aud is not this client"),
    ({"aud": "another", "azp": CLIENT_ID}, "aud is not this client"),
    ({"aud": ["another", "a third"], "azp": CLIENT_ID}, "aud is not this client"),
    ({"aud": {CLIENT_ID: 1}}, "aud is not this client"),
    ({"aud": f"{CLIENT_ID} another", "azp": CLIENT_ID}, "aud is not this client"),
    ({"aud": ["another"]}, "aud is not this client"),
    ({"aud": []}, "aud is not this client"),
    ({"aud": None}, "aud is not this client"),
    ({"aud": [CLIENT_ID, 1], "azp": CLIENT_ID}, "aud is not this client"),
    ({"aud": [[CLIENT_ID]]}, "aud is not this client"),
    ({"aud": [CLIENT_ID, CLIENT_ID]}, "aud has several audiences and azp is missing"),
    ({"aud": CLIENT_ID.upper()}, "aud is not this client"),
    ({"aud": [CLIENT_ID, "another"]}, "aud has several audiences and azp is missing"),
    ({"aud": ["another", CLIENT_ID]}, "aud has several audiences and azp is missing"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "azp is not this client"),
    ({"aud": [CLIENT_ID, "another"], "azp": [CLIENT_ID]}, "azp is not this client"),
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
    ("changes", "detail"),
    [
        ({"exp": NOW - 95}, "exp has passed by 95 s; 60 s are accepted: compare the clocks"),
        ({"iat": NOW + 95}, "iat is in the future by 95 s; 60 s are accepted: compare the clocks"),
        ({"iat": NOW - 700}, "iat is too long ago by 700 s; 600 s are accepted: compare the clocks"),
        ({"nbf": NOW + 60.5}, "nbf is in the future by 61 s; 60 s are accepted: compare the clocks"),
        ({"exp": NOW - 60}, "exp has passed by 60 s; 60 s are accepted: compare the clocks"),
        ({"exp": 0}, f"exp has passed by {NOW} s; 60 s are accepted: compare the clocks"),
    ],
    ids=str,
)
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "LIM-13 rules 9 and 10: the operator reads by how much")
def test_the_refusal_of_a_time_says_by_how_much_it_is_off(changes: dict[str, Any], detail: str) -> None:
    assert refused(sign(id_token_claims(**changes)), replace(EXPECTED, clock_skew=60)) == detail


@pytest.mark.parametrize("changes", [{"exp": NOW - 99}, {"iat": NOW + 100}, {"nbf": NOW + 100}], ids=str)
@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "LIM-13 rules 9 and 10: the difference of clocks is a setting")
def test_the_accepted_difference_of_clocks_is_the_connections(changes: dict[str, Any]) -> None:
    token = sign(id_token_claims(**changes))
    assert "30 s are accepted" in refused(token)
    assert verify(token, replace(EXPECTED, clock_skew=100))
    assert "0 s are accepted" in refused(sign(id_token_claims(iat=NOW + 1)), replace(EXPECTED, clock_skew=0))


SHARED = replace(EXPECTED, tenant_claim="tid", tenant_value="4711")


@pytest.mark.parametrize("said", [{}, {"tid": "4712"}, {"tid": ""}, {"tid": 4711}, {"tid": ["4711"]}, {"TID": "4711"}])
@pytest.mark.clause("ID-JAG", "6.1", "MT-34: the tenant of an issuer that several tenants share")
def test_a_token_of_another_tenant_of_the_issuer_is_refused(said: dict[str, Any]) -> None:
    assert verify(sign(id_token_claims(tid="4711")), SHARED)
    assert refused(sign(id_token_claims(**said)), SHARED) == "tid is not '4711', the value of the connection's tenant"
    assert verify(sign(id_token_claims(**said)))


@pytest.mark.parametrize(
    ("asked", "said", "detail"),
    [
        ({"max_age": 60}, {"auth_time": NOW - 90}, ""),
        ({"max_age": 60, "clock_skew": 90}, {"auth_time": NOW - 150}, ""),
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
@pytest.mark.parametrize("alg", ["none", "HS256", "ES256K"])
def test_an_algorithm_off_the_list_is_refused(alg: str) -> None:
    off_the_list = ec.generate_private_key(ec.SECP256K1())
    key: Any = {"none": "", "HS256": "the client secret, which is long enough for it"}.get(alg, off_the_list)
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


@pytest.mark.clause("RFC 8725", "3.1", "RP-11: a key is used with the algorithms of its own type and curve")
@pytest.mark.parametrize(
    ("alg", "kid"), [("ES256", "rsa"), ("ES256", "p384"), ("ES384", "ec"), ("ES512", "p384"), ("RS512", "ed")]
)
def test_a_key_of_another_type_or_curve_is_not_used(alg: str, kid: str) -> None:
    token = compact({"alg": alg, "kid": kid}, id_token_claims(), alg=alg)
    assert refused(token, keys=jwks()) == f"the issuer has no such key: no key fits kid '{kid}' and alg {alg}"


@pytest.mark.parametrize(("alg", "header"), [("ES384", "ES256"), ("RS512", "RS256"), ("PS256", "PS384")])
@pytest.mark.clause("RFC 8725", "3.1", "RP-11: the signature is made with the algorithm in the header")
def test_a_signature_of_another_algorithm_is_wrong(alg: str, header: str) -> None:
    token = compact({"alg": header, "kid": KIDS[header]}, id_token_claims(), alg=alg)
    assert refused(token, keys=jwks()) == "the signature is wrong"


def test_an_unknown_key_id_is_refused() -> None:
    unknown = "the issuer has no such key: no key fits kid 'another' and alg RS256"
    assert refused(sign(id_token_claims(), kid="another")) == unknown


@pytest.mark.parametrize("kid", ["", "k" * 256])
@pytest.mark.clause("RFC 7515", "4.1.4", "kid is a string that names a key")
def test_a_key_id_that_can_not_be_one_is_refused(kid: str) -> None:
    assert refused(sign(id_token_claims(), kid=kid)) == "kid is not a string of 1 to 255 characters"


@pytest.mark.clause(
    "OpenID Connect Core", "10.1", "a token without a kid is signed with the only key for the algorithm"
)
def test_without_a_key_id_the_only_key_for_the_algorithm_is_used() -> None:
    token = sign(id_token_claims(), kid=None)
    assert verify(token, keys=[public_jwk(), *jwks()[1:]])
    ambiguous = [public_jwk(), jwks()[0]]
    assert refused(token, keys=ambiguous) == "the issuer has no such key: 2 keys fit kid None and alg RS256"


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
