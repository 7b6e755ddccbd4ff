"""Whatever is sent as an ID-JAG is either verified for a reason or refused in the words of RFC 6749 section 5.2."""

import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossapp.core.algorithms import ALGORITHMS
from crossapp.core.id_jag import Expected, IdJag, parse_id_jag, verify_id_jag
from crossapp.core.jwk import UnknownKey, VerificationKey, usable_keys
from crossapp.core.jws import MalformedJws, UnverifiedJws, parse_jws
from crossapp.core.refusals import InvalidGrant, Refused
from crossapp.core.strict_json import NotStrictJson, strict_json_object
from crossapp.resource_app.host import TrustedIssuer
from crossapp.resource_app.oauthlib_errors import as_oauth_error
from tests.conformance.strategies import BODIES, CLAIMS, COMPACT, HEADERS, JSON, QUICK, changes
from tests.resource_app.fakes import AUDIENCE, CLIENT_ID, ISSUER, KIDS, b64, compact, jwks, valid_claims

HEADER = {"typ": "oauth-id-jag+jwt", "alg": "EdDSA", "kid": "ed"}
KEYS = {key.kid: key for key in usable_keys(jwks())}
DESCRIPTION = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")


def key_for(issuer: str, kid: str, alg: str) -> VerificationKey:
    if kid not in KEYS:
        raise UnknownKey
    return KEYS[kid]


def verified(assertion: str) -> IdJag | None:
    """Return the verified ID-JAG, or None if it was refused as it should be."""
    trusted = {ISSUER: TrustedIssuer(ISSUER, connection="ours")}
    expected = Expected(
        audience=AUDIENCE, client_id=CLIENT_ID, now=time.time(), trusted_issuer=trusted.get, key_for=key_for
    )
    try:
        return verify_id_jag(parse_id_jag(assertion), expected)[1]
    except Refused as refused:
        answer = as_oauth_error(refused)
        assert (answer.error, answer.status_code) == ("invalid_grant", 400)
        assert DESCRIPTION.fullmatch(answer.description)
        assert refused.check
        return None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255


@pytest.mark.clause("RFC 7523", "3", "property: any claims, validly signed, are accepted only if every rule holds")
@QUICK
@given(changed=changes(CLAIMS), dropped=st.sets(CLAIMS, max_size=1))
@example(changed={"email": "bob@tables.fake"}, dropped=set())
@example(changed={"aud": [AUDIENCE]}, dropped=set())
def test_signed_claims_are_accepted_only_if_every_rule_holds(changed: dict[str, Any], dropped: set[str]) -> None:
    claims = {name: value for name, value in (valid_claims() | changed).items() if name not in dropped}
    id_jag = verified(compact(HEADER, claims, alg="EdDSA"))
    if id_jag is None:
        return
    now = time.time()
    assert claims["iss"] == ISSUER
    assert claims["aud"] in (AUDIENCE, [AUDIENCE])
    assert claims["client_id"] == CLIENT_ID
    assert all(is_text(claims[name]) for name in ("sub", "jti"))
    assert all(is_number(claims[name]) for name in ("iat", "exp"))
    assert now - 31 < claims["exp"] <= claims["iat"] + 300
    assert claims["iat"] <= now + 31
    assert "nbf" not in claims or claims["nbf"] <= now + 31
    assert isinstance(claims.get("email_verified", False), bool)
    assert (id_jag.issuer, id_jag.subject, id_jag.jti) == (ISSUER, claims["sub"], claims["jti"])
    assert dict(id_jag.claims) == claims


@pytest.mark.clause("RFC 8725", "3.1", "property: any header, validly signed, is accepted only if it is ours")
@QUICK
@given(changed=changes(HEADERS), dropped=st.sets(HEADERS, max_size=1))
@example(changed={"cty": "JWT"}, dropped=set())
def test_signed_headers_are_accepted_only_if_they_are_ours(changed: dict[str, Any], dropped: set[str]) -> None:
    header = {name: value for name, value in (HEADER | changed).items() if name not in dropped}
    if verified(compact(header, valid_claims(), alg="EdDSA")) is not None:
        assert {name: header[name] for name in HEADER} == HEADER
        assert not {"crit", "b64"} & header.keys()


@pytest.mark.clause("RFC 7523", "3", "property: without the issuer's signature nothing is accepted")
@QUICK
@given(signature=st.binary(max_size=128), alg=st.sampled_from([*ALGORITHMS, "none", "HS256"]))
def test_nothing_without_the_issuers_signature_is_accepted(signature: bytes, alg: str) -> None:
    header = HEADER | {"alg": alg, "kid": KIDS.get(alg, "rsa")}
    signed = compact(header, valid_claims(), alg="EdDSA").rpartition(".")[0]
    assert verified(f"{signed}.{b64(signature)}") is None


@pytest.mark.clause("RFC 7515", "5.2", "property: any text is parsed or refused")
@QUICK
@given(text=COMPACT)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_jws(text), UnverifiedJws)
    except MalformedJws as error:
        assert str(error)
    assert verified(text) is None


@pytest.mark.clause("RFC 7515", "5.2", "property: any bytes for header and payload are parsed or refused")
@QUICK
@given(header=BODIES, payload=BODIES, signed=st.booleans())
def test_any_bytes_are_parsed_or_refused(header: bytes, payload: bytes, signed: bool) -> None:
    text = compact(header, payload, alg="EdDSA")
    assert verified(text if signed else text.rpartition(".")[0] + ".AAAA") is None


@pytest.mark.clause("RFC 8259", "4", "property: any bytes are a JSON object or refused")
@QUICK
@given(text=BODIES | JSON.map(lambda value: repr(value).encode()))
@example(text=b'{"a":1,"a":1}')
@example(text=b'{"a":' * 3000 + b"1" + b"}" * 3000)
@example(text=b'{"a":1e999}')
@example(text=b'{"a":' + b"9" * 5000 + b"}")
def test_any_bytes_are_a_json_object_or_refused(text: bytes) -> None:
    try:
        assert isinstance(strict_json_object(text), dict)
    except NotStrictJson as error:
        assert str(error)


@pytest.mark.clause("RFC 6749", "5.2", "property: whatever a description quotes, it keeps to the characters allowed")
@QUICK
@given(text=st.text())
def test_a_description_keeps_to_its_characters(text: str) -> None:
    description = as_oauth_error(InvalidGrant(text)).description
    assert DESCRIPTION.fullmatch(description) or description == text == ""
