"""From one valid ID-JAG, one thing broken at a time: which check says so, and in which words."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from crossapp.resource_app import id_jag as module
from crossapp.resource_app.errors import Refused, as_oauth_error
from crossapp.resource_app.host import TrustedIssuer
from crossapp.resource_app.id_jag import CHECKS, Expected, IdJag, parse_id_jag, verify_id_jag
from crossapp.resource_app.jwk import KeysUnavailable, UnknownKey, VerificationKey, usable_keys
from tests.resource_app.fakes import (
    ABSENT,
    AUDIENCE,
    CLIENT_ID,
    EC_KEY,
    ISSUER,
    RESOURCE,
    b64,
    compact,
    id_jag,
    jwks,
    rsa_jwk,
    valid_claims,
)

NOW = 1_800_000_000
HEADER = {"typ": "oauth-id-jag+jwt", "alg": "RS256", "kid": "rsa"}
TRUSTED = {ISSUER: TrustedIssuer(ISSUER, connection="ours")}
asked_for_keys: list[tuple[str, str, str]] = []


@pytest.fixture(autouse=True)
def _no_keys_asked_for_yet() -> None:
    asked_for_keys.clear()


def key_for(issuer: str, kid: str, alg: str) -> VerificationKey:
    asked_for_keys.append((issuer, kid, alg))
    key = usable_keys(jwks()).get(kid)
    if key is None:
        raise UnknownKey
    return key


def expected(**changes: Any) -> Expected:
    fields: dict[str, Any] = {
        "audience": AUDIENCE,
        "client_id": CLIENT_ID,
        "now": NOW,
        "trusted_issuer": TRUSTED.get,
        "key_for": key_for,
    }
    return Expected(**fields | changes)


def timed(*, alg: str = "RS256", key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return an ID-JAG issued at NOW for five minutes, with the changes given."""
    return id_jag(alg=alg, key=key, header=header, **{"iat": NOW, "exp": NOW + 300, **claims})


def verify(assertion: str, **changes: Any) -> IdJag:
    return verify_id_jag(parse_id_jag(assertion), expected(**changes))[1]


def assert_refused(
    assertion: str, check: str, description: str, *, error: str = "invalid_grant", **changes: Any
) -> None:
    with pytest.raises(Refused) as refused:
        verify(assertion, **changes)
    answer = as_oauth_error(refused.value)
    assert (refused.value.check, answer.error, answer.status_code) == (check, error, 400)
    assert json.loads(answer.json) == {"error": error, "error_description": description}


def broken(name: str, change: dict[str, Any], description: str, *clause: str) -> Any:
    return pytest.param(change, description, id=name, marks=pytest.mark.clause(*clause))


# --- The controls ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 7523", "3", "a JWT that meets every rule is accepted")
def test_a_valid_id_jag_is_accepted_and_read_whole() -> None:
    assertion = timed(tenant="acme", name="Bobby Tables", email_verified=True, act={"sub": "agent"}, sub_profile="user")
    found = verify(assertion)
    assert (found.issuer, found.subject, found.audience, found.client_id) == (ISSUER, "bob", AUDIENCE, CLIENT_ID)
    assert (found.issued_at.timestamp(), found.expires_at.timestamp()) == (NOW, NOW + 300)
    assert (found.scope, found.resource) == (("read", "write"), (RESOURCE,))
    assert (found.email, found.email_verified, found.name, found.tenant) == (
        "bob@tables.fake",
        True,
        "Bobby Tables",
        "acme",
    )
    assert found.jti
    assert found.claims["act"] == {"sub": "agent"}


def test_the_verified_claims_can_not_be_changed() -> None:
    found = verify(timed())
    with pytest.raises(TypeError):
        found.claims["sub"] = "eve"  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.subject = "eve"  # type: ignore[misc]
    assert "tables.fake" in found.email
    assert "claims" not in repr(found)


@pytest.mark.clause("draft", "3.1", "email, scope, resource and tenant are optional")
def test_an_id_jag_with_the_required_claims_only_is_accepted() -> None:
    found = verify(timed(scope=ABSENT, resource=ABSENT, email=ABSENT))
    assert (found.scope, found.resource, found.email, found.email_verified) == (None, (), "", False)
    assert (found.name, found.tenant) == ("", "")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.clause("RFC 8725", "3.1", "the algorithms on our list")
def test_each_algorithm_on_the_list_is_accepted(alg: str) -> None:
    assert verify(timed(alg=alg)).subject == "bob"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [AUDIENCE]},
        {"exp": NOW + 0.5},
        {"iat": NOW - 0.25, "exp": NOW + 299.5},
        {"iat": NOW + 30, "exp": NOW + 330},
        {"iat": NOW - 329, "exp": NOW - 29},
        {"nbf": NOW + 30},
        {"nbf": -1e300},
        {"exp": NOW + 1, "iat": NOW},
        {"resource": [RESOURCE, "https://todo.example/reports"]},
        {"scope": "read"},
        {"scope": ""},
        {"sub": "s" * 255, "jti": "j" * 255},
        {"sub": "bøb 🦆", "name": "Bøb"},
        {"email_verified": False},
        {"authorization_details": [{"type": "todo"}]},
        {"authorization_details": []},
        {"aud_sub": "someone", "aud_tenant": "acme", "act": {"sub": "agent"}, "sub_profile": "user", "amr": ["mfa"]},
        {"unknown": {"deep": [1, 2.5, None, True]}},
    ],
    ids=lambda claims: ",".join(claims),
)
@pytest.mark.clause("draft", "3.1", "what honest peers send, at its limits")
def test_what_honest_peers_send_is_accepted(claims: dict[str, Any]) -> None:
    assert verify(timed(**claims)).issuer == ISSUER


@pytest.mark.parametrize(
    "header",
    [{"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/cert"}, {"x5c": ["AAAA"]}, {"jwk": {}}],
    ids=lambda header: next(iter(header)),
)
@pytest.mark.clause("RFC 7515", "4.1.2", "keys and their addresses in the header are ignored")
def test_keys_in_the_header_are_ignored(header: dict[str, Any]) -> None:
    verify(timed(header=header))
    assert asked_for_keys == [(ISSUER, "rsa", "RS256")]


def test_the_audience_may_be_compared_with_a_trailing_slash_when_that_is_our_issuer() -> None:
    assert verify(timed(aud=f"{AUDIENCE}/"), audience=f"{AUDIENCE}/").audience == f"{AUDIENCE}/"


# --- The JWS itself --------------------------------------------------------------------------------------------------


def jws(name: str, assertion: str, description: str, section: str = "7.1") -> Any:
    marks = pytest.mark.clause("RFC 7515", section, description)
    return pytest.param(assertion, f"The assertion is not a compact JWT: {description}.", id=name, marks=marks)


_VALID = timed()
_HEADER, _PAYLOAD, _SIGNATURE = _VALID.split(".")
_BASE64 = "a part is not base64url without padding"


def payload(text: bytes) -> str:
    return compact(HEADER, text, alg="RS256")


def claims_with(member: bytes) -> bytes:
    return json.dumps(valid_claims() | {"iat": NOW, "exp": NOW + 300}).encode()[:-1] + b", " + member + b"}"


_DEPTH = "its payload can not be read: it is nested too deeply"


@pytest.mark.parametrize(
    ("assertion", "description"),
    [
        jws("one part", "abc", "it does not have three parts"),
        jws("two parts", f"{_HEADER}.{_PAYLOAD}", "it does not have three parts"),
        jws("four parts", f"{_VALID}.{_SIGNATURE}", "it does not have three parts"),
        jws("five parts, as in a JWE", ".".join([_HEADER] * 5), "it does not have three parts"),
        jws("JSON serialization", json.dumps({"payload": _PAYLOAD, "signatures": []}), "it does not have three parts"),
        jws("no signature", f"{_HEADER}.{_PAYLOAD}.", _BASE64),
        jws("no payload", f"{_HEADER}..{_SIGNATURE}", _BASE64, "2"),
        jws("no header", f".{_PAYLOAD}.{_SIGNATURE}", _BASE64, "2"),
        jws("padding", f"{_HEADER}.{_PAYLOAD}.{_SIGNATURE}==", _BASE64, "2"),
        jws("padding in the payload", f"{_HEADER}.{b64(b'{}')}=.{_SIGNATURE}", _BASE64, "2"),
        jws("standard alphabet", f"{_HEADER}.{_PAYLOAD}.+/{_SIGNATURE[2:]}", _BASE64, "2"),
        jws("line break", f"{_HEADER}.{_PAYLOAD}.{_SIGNATURE}\n", _BASE64, "2"),
        jws("space before", f" {_VALID}", _BASE64, "2"),
        jws("space inside", f"{_HEADER}.{_PAYLOAD[:9]} {_PAYLOAD[9:]}.{_SIGNATURE}", _BASE64, "2"),
        jws("not ASCII", f"{_HEADER}.{_PAYLOAD}.{_SIGNATURE[:-1]}é", _BASE64, "2"),
        jws("NUL", f"{_HEADER}.{_PAYLOAD}.{_SIGNATURE}\0", _BASE64, "2"),
        jws("impossible length", f"{_HEADER}.{_PAYLOAD}.{_SIGNATURE[:-1]}", _BASE64, "2"),
        jws("bits that nobody reads", f"{_HEADER}.{b64(b'{}')[:-1]}1.{_SIGNATURE}", _BASE64, "2"),
        jws("too long", f"{_HEADER}.{'A' * 16384}.{_SIGNATURE}", "it is longer than 16384 bytes"),
        jws("payload no JSON", payload(b"hello"), "its payload can not be read: it is not JSON in UTF-8", "5.2"),
        jws("payload empty", payload(b" "), "its payload can not be read: it is not JSON in UTF-8", "5.2"),
        jws("payload an array", payload(b"[]"), "its payload can not be read: it is not a JSON object", "5.2"),
        jws("payload a string", payload(b'"x"'), "its payload can not be read: it is not a JSON object", "5.2"),
        jws("payload null", payload(b"null"), "its payload can not be read: it is not a JSON object", "5.2"),
        jws("payload two objects", payload(b"{}{}"), "its payload can not be read: it is not JSON in UTF-8", "5.2"),
        jws(
            "payload Latin-1", payload(b'{"sub": "\xe9"}'), "its payload can not be read: it is not JSON in UTF-8", "3"
        ),
        jws(
            "payload UTF-16",
            payload('{"a":1}'.encode("utf-16")),
            "its payload can not be read: it is not JSON in UTF-8",
        ),
        jws("byte order mark", payload(b"\xef\xbb\xbf{}"), "its payload can not be read: it is not JSON in UTF-8", "3"),
        jws(
            "duplicate member",
            payload(claims_with(b'"sub": "eve"')),
            "its payload can not be read: an object has two members of the same name",
            "4",
        ),
        jws(
            "duplicate member, written with an escape",
            payload(claims_with(b'"su\\u0062": "eve"')),
            "its payload can not be read: an object has two members of the same name",
            "4",
        ),
        jws(
            "duplicate member inside",
            payload(claims_with(b'"act": {"sub": 1, "sub": 2}')),
            "its payload can not be read: an object has two members of the same name",
            "4",
        ),
        jws(
            "duplicate member in the header",
            compact(b'{"typ":"oauth-id-jag+jwt","alg":"RS256","kid":"rsa","alg":"none"}', valid_claims(), alg="RS256"),
            "its header can not be read: an object has two members of the same name",
            "4",
        ),
        jws(
            "header no JSON",
            compact(b"typ", valid_claims(), alg="RS256"),
            "its header can not be read: it is not JSON in UTF-8",
            "5.2",
        ),
        jws(
            "header an array",
            compact(b"[]", valid_claims(), alg="RS256"),
            "its header can not be read: it is not a JSON object",
            "5.2",
        ),
        jws(
            "NaN",
            payload(claims_with(b'"x": NaN')),
            "its payload can not be read: NaN and Infinity are not JSON",
            "5.2",
        ),
        jws(
            "Infinity",
            payload(claims_with(b'"x": -Infinity')),
            "its payload can not be read: NaN and Infinity are not JSON",
            "5.2",
        ),
        jws("1e999", payload(claims_with(b'"x": 1e999')), "its payload can not be read: a number is too large", "5.2"),
        jws(
            "an integer of 5000 digits",
            payload(claims_with(b'"x": ' + b"9" * 5000)),
            "its payload can not be read: an integer is too long",
            "5.2",
        ),
        jws(
            "an integer of 21 digits",
            payload(claims_with(b'"x": ' + b"9" * 21)),
            "its payload can not be read: an integer is too long",
            "5.2",
        ),
        jws("nested 17 deep", payload(claims_with(b'"x": ' + b"[" * 16 + b"]" * 16)), _DEPTH, "5.2"),
        jws("nested 500 deep", payload(claims_with(b'"x": ' + b"[" * 500 + b"]" * 500)), _DEPTH, "5.2"),
        jws("objects nested 100 deep", payload(b'{"a":' * 100 + b"1" + b"}" * 100), _DEPTH, "5.2"),
        jws(
            "nested 5000 deep",
            payload(b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
            "its payload can not be read: it is not JSON in UTF-8",
            "5.2",
        ),
        jws(
            "a lone surrogate",
            payload(claims_with(b'"name": "\\ud83e"')),
            "its payload can not be read: a string is not Unicode text",
            "5.2",
        ),
        jws(
            "a lone surrogate in a name",
            payload(claims_with(b'"\\ud83e": 1')),
            "its payload can not be read: a string is not Unicode text",
            "5.2",
        ),
    ],
)
def test_what_is_no_strict_compact_jws_is_refused(assertion: str, description: str) -> None:
    assert_refused(assertion, "jws", description)


@pytest.mark.clause("RFC 8725", "3.11", "the size limit is for what is too long only")
def test_an_id_jag_of_exactly_the_size_limit_is_accepted() -> None:
    candidates = (timed(filler="x" * length, header={"x": "y" * n}) for length in range(11650, 11800) for n in (0, 1))
    assertion = next(candidate for candidate in candidates if len(candidate) == 16384)
    assert verify(assertion).subject == "bob"


@pytest.mark.parametrize("nested", [b"[" * 15 + b"1" + b"]" * 15, b'{"a":' * 15 + b"1" + b"}" * 15])
@pytest.mark.clause("RFC 8725", "3.11", "the limit of nesting is for what is too deep only")
def test_sixteen_levels_are_not_too_deep(nested: bytes) -> None:
    assert verify(payload(claims_with(b'"x": ' + nested))).subject == "bob"


@pytest.mark.clause("RFC 7515", "4.1.4", "kid is any string")
def test_a_long_kid_is_accepted() -> None:
    key = usable_keys(jwks())["rsa"]
    assert verify(timed(header={"kid": "k" * 255}), key_for=lambda *_: key).subject == "bob"


# --- The header ------------------------------------------------------------------------------------------------------

_TYP = "typ in the header of the ID-JAG must be 'oauth-id-jag+jwt'."


@pytest.mark.parametrize(
    "typ",
    [
        ABSENT,
        None,
        "",
        "JWT",
        "jwt",
        "at+jwt",
        "logout+jwt",
        "OAUTH-ID-JAG+JWT",
        "oauth-id-jag+JWT",
        "application/oauth-id-jag+jwt",
        "oauth-id-jag+jwt ",
        ["oauth-id-jag+jwt"],
        1,
    ],
    ids=str,
)
@pytest.mark.clause("RFC 8725", "3.11", "typ is exactly oauth-id-jag+jwt")
def test_another_typ_is_refused(typ: Any) -> None:
    assert_refused(timed(header={"typ": typ}), "typ", _TYP)
    assert not asked_for_keys


@pytest.mark.parametrize(
    "alg",
    [
        ABSENT,
        None,
        "",
        "none",
        "None",
        "HS256",
        "HS384",
        "HS512",
        "RS384",
        "RS512",
        "PS384",
        "ES256K",
        "ES384",
        "RSA-OAEP",
        "dir",
        "rs256",
        " RS256",
        ["RS256"],
        256,
    ],
    ids=str,
)
@pytest.mark.clause("RFC 8725", "3.1", "the algorithm is on our list; none and HMAC never are")
def test_another_algorithm_is_refused(alg: Any) -> None:
    description = "alg in the header of the ID-JAG must be one of RS256, PS256, ES256, EdDSA."
    assert_refused(timed(header={"alg": alg}), "alg", description)
    assert not asked_for_keys


@pytest.mark.clause("RFC 8725", "3.1", "a shorter list of algorithms is kept to")
def test_an_algorithm_that_the_operator_took_off_the_list_is_refused() -> None:
    description = "alg in the header of the ID-JAG must be one of ES256."
    assert_refused(timed(), "alg", description, algorithms=("ES256",))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": []},
        {"crit": ["exp"], "exp": NOW + 300},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"b64": True},
        {"crit": "alg"},
        {"crit": None},
    ],
    ids=str,
)
@pytest.mark.clause("RFC 7515", "4.1.11", "no extension is understood, so none may be critical")
def test_a_critical_extension_is_refused(header: dict[str, Any]) -> None:
    assert_refused(timed(header=header), "crit", "The header of the ID-JAG must have neither crit nor b64.")


@pytest.mark.parametrize("kid", [ABSENT, None, "", 1, ["rsa"], {"kid": "rsa"}, "k" * 256], ids=lambda kid: str(kid)[:9])
@pytest.mark.clause("RFC 7515", "4.1.4", "kid is a string and names the key")
def test_an_id_jag_that_names_no_key_is_refused(kid: Any) -> None:
    assert_refused(timed(header={"kid": kid}), "kid", "The header of the ID-JAG must have a kid, a string.")


# --- Issuer, audience, client ----------------------------------------------------------------------------------------

_UNTRUSTED = "The issuer of the ID-JAG is not trusted for this client."


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example",
        f"{ISSUER}/",
        ISSUER.upper(),
        "https://IDP.example",
        f"{ISSUER}:443",
        "http://idp.example",
        "idp.example",
        f"{ISSUER} ",
        f"{ISSUER}#x",
        AUDIENCE,
    ],
)
@pytest.mark.clause("RFC 7523", "3", "(1) the issuer is one we trust, byte for byte")
def test_an_issuer_that_is_not_trusted_is_refused_before_any_key_is_asked_for(issuer: str) -> None:
    assert_refused(timed(iss=issuer), "iss", _UNTRUSTED)
    assert not asked_for_keys


@pytest.mark.clause("RFC 7523", "3", "(1) the issuer is one we trust, byte for byte")
def test_an_issuer_that_a_database_takes_for_another_is_refused() -> None:
    loose = {f"{ISSUER}/": TRUSTED[ISSUER]}.get
    assert_refused(timed(iss=f"{ISSUER}/"), "iss", _UNTRUSTED, trusted_issuer=loose)


@pytest.mark.clause("draft", "8.3", "an authorization server does not redeem what it issued itself")
def test_our_own_id_jag_is_refused_even_if_the_host_trusts_us() -> None:
    ourselves = {AUDIENCE: TrustedIssuer(AUDIENCE, connection=None)}.get
    assert_refused(timed(iss=AUDIENCE), "iss", _UNTRUSTED, trusted_issuer=ourselves)


@pytest.mark.parametrize(
    ("audience", "sees"),
    [
        (f"{AUDIENCE}/", f"'{AUDIENCE}/'"),
        ("https://TODO.example", "'https://TODO.example'"),
        ("http://todo.example", "'http://todo.example'"),
        (f"{AUDIENCE}:443", f"'{AUDIENCE}:443'"),
        (f"{AUDIENCE}/oauth2/v1/token", f"'{AUDIENCE}/oauth2/v1/token'"),
        (f"{AUDIENCE}/api", f"'{AUDIENCE}/api'"),
        ("https://wiki.example", "'https://wiki.example'"),
        ("todo.example", "'todo.example'"),
        (f" {AUDIENCE}", f"' {AUDIENCE}'"),
        ("", "''"),
        ("*", "'*'"),
        ([f"{AUDIENCE}/"], f"'{AUDIENCE}/'"),
        ([[AUDIENCE]], "not a string"),
        ({"aud": AUDIENCE}, "not a string"),
        (True, "not a string"),
        (7, "not a string"),
        ('say "hi" \\ é', "'say ?hi? ? ?'"),
        ("a" * 300, f"'{'a' * 100}...'"),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.clause("RFC 7523", "3", "(3) the audience is our issuer, byte for byte")
def test_another_audience_is_refused_with_both_spellings(audience: Any, sees: str) -> None:
    description = f"aud in the ID-JAG is {sees}, but this authorization server is '{AUDIENCE}'."
    assert_refused(timed(aud=audience), "aud", description)


@pytest.mark.parametrize(
    "audience",
    [[], [AUDIENCE, AUDIENCE], [AUDIENCE, "https://wiki.example"], ["https://wiki.example", AUDIENCE]],
    ids=str,
)
@pytest.mark.clause("draft", "4.4.1", "an array of audiences has exactly one element")
def test_an_array_of_any_other_length_than_one_is_refused(audience: list[str]) -> None:
    assert_refused(timed(aud=audience), "aud", "aud in the ID-JAG must name exactly one audience.")


@pytest.mark.parametrize("client_id", ["wiki0", CLIENT_ID.upper(), f"{CLIENT_ID} ", CLIENT_ID[:-1], "*"])
@pytest.mark.clause("draft", "4.4.1", "client_id is that of the client that authenticated")
def test_an_id_jag_of_another_client_is_refused_with_both_names(client_id: str) -> None:
    description = (
        f"client_id in the ID-JAG is '{client_id}', but '{CLIENT_ID}' authenticated."
        " It must be the client's identifier at this authorization server."
    )
    assert_refused(timed(client_id=client_id), "client_id", description)


# --- Claims of text --------------------------------------------------------------------------------------------------

REQUIRED_TEXT = ["iss", "client_id", "jti", "sub"]
OPTIONAL_TEXT = ["email", "name", "tenant"]


def check_of(claim: str) -> str:
    return "identity_claims" if claim in OPTIONAL_TEXT else claim


@pytest.mark.parametrize("claim", [*REQUIRED_TEXT, "aud", "exp", "iat"])
@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
@pytest.mark.clause("draft", "3.1", "iss, sub, aud, client_id, jti, exp and iat are required")
def test_a_required_claim_that_is_missing_is_refused(claim: str, value: Any) -> None:
    assert_refused(timed(**{claim: value}), check_of(claim), f"The ID-JAG has no {claim}.")


@pytest.mark.parametrize("claim", REQUIRED_TEXT + OPTIONAL_TEXT)
@pytest.mark.parametrize(
    "value", ["", 7, 0, True, False, 1.5, ["bob"], {"sub": "bob"}, "x" * 256], ids=lambda value: str(value)[:9]
)
@pytest.mark.clause("RFC 7519", "4.1", "claims that are strings are not empty, not endless, and strings")
def test_a_claim_that_should_be_text_and_is_not_is_refused(claim: str, value: Any) -> None:
    changed: dict[str, Any] = {claim: value}
    description = f"{claim} in the ID-JAG must be a string of 1 to 255 characters."
    assert_refused(timed(**changed), check_of(claim), description)


@pytest.mark.parametrize("claim", REQUIRED_TEXT + OPTIONAL_TEXT)
@pytest.mark.parametrize("value", ["bob\0", "bob\n", "\tbob", "bo\x7fb", "bob\x85"], ids=repr)
@pytest.mark.clause("RFC 7519", "4.1.2", "identifiers hold no control characters")
def test_control_characters_are_refused(claim: str, value: str) -> None:
    changed: dict[str, Any] = {claim: value}
    description = f"{claim} in the ID-JAG must have no control characters."
    assert_refused(timed(**changed), check_of(claim), description)


@pytest.mark.parametrize("value", ["true", 1, 0, None, [], "false"], ids=str)
@pytest.mark.clause("OIDC Core", "5.1", "email_verified is a boolean")
def test_email_verified_must_be_a_boolean(value: Any) -> None:
    description = "email_verified in the ID-JAG must be true or false."
    assert_refused(timed(email_verified=value), "identity_claims", description)


@pytest.mark.parametrize(
    "scope",
    [["read"], 7, None, True, {}, " ", "read  write", " read", "read ", "read\twrite", "réad", 'say"', "a\\b"],
    ids=str,
)
@pytest.mark.clause("RFC 6749", "3.3", "scope is a string of scopes")
def test_a_malformed_scope_claim_is_refused(scope: Any) -> None:
    description = "scope in the ID-JAG must be a string of scopes with single spaces between them."
    assert_refused(timed(scope=scope), "scope", description)


@pytest.mark.parametrize(
    "resource", [[], "", [""], [RESOURCE, ""], [RESOURCE, 7], 7, None, {"uri": RESOURCE}, True], ids=str
)
@pytest.mark.clause("draft", "3.1", "resource is a URI or an array of URIs")
def test_a_malformed_resource_claim_is_refused(resource: Any) -> None:
    assert_refused(timed(resource=resource), "resource", "resource in the ID-JAG must be a URI or an array of URIs.")


@pytest.mark.parametrize("details", [{}, "x", 7, None, True, ["x"], [{"type": "todo"}, 7]], ids=str)
@pytest.mark.clause("draft", "4.4.1", "authorization_details is an array of objects")
def test_malformed_authorization_details_are_refused(details: Any) -> None:
    description = "authorization_details in the ID-JAG must be an array of objects."
    assert_refused(timed(authorization_details=details), "authorization_details", description)


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"jwk": {}}, {"x5t#S256": "x"}, {"new": 1}, {}, None, "x"], ids=str)
@pytest.mark.clause("draft", "8.7.1.2.2", "an ID-JAG with cnf is not good without proof of possession")
def test_an_id_jag_bound_to_a_key_is_refused(cnf: Any) -> None:
    description = "The ID-JAG is bound to a key (cnf), and proof of possession is not supported here."
    assert_refused(timed(cnf=cnf), "cnf", description)
    assert not asked_for_keys


# --- Times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value",
    ["1800000000", "", True, False, [NOW], {"n": NOW}, "2027-01-15T08:00:00Z"],
    ids=lambda value: str(value)[:12],
)
@pytest.mark.clause("RFC 7519", "2", "a NumericDate is a JSON number")
def test_a_time_that_is_no_number_is_refused(claim: str, value: Any) -> None:
    assert_refused(timed(**{claim: value}), claim, f"{claim} in the ID-JAG must be a number of seconds.")


@pytest.mark.clause("RFC 7519", "2", "a NumericDate is a JSON number")
def test_an_nbf_of_null_is_refused() -> None:
    assert_refused(timed(nbf=None), "nbf", "The ID-JAG has no nbf.")


@pytest.mark.parametrize("exp", [NOW - 30, NOW - 31, 0, -1, -1e300, 1.5])
@pytest.mark.clause("RFC 7523", "3", "(4) the JWT has not expired, give or take the skew")
def test_an_expired_id_jag_is_refused(exp: float) -> None:
    assert_refused(timed(exp=exp, iat=exp - 300), "exp", "The ID-JAG has expired.")


@pytest.mark.parametrize("iat", [NOW + 31, NOW + 30.001, 10**19, 1e300])
@pytest.mark.clause("RFC 7523", "3", "(6) iat is not in the future")
def test_an_id_jag_from_the_future_is_refused(iat: float) -> None:
    assert_refused(timed(iat=iat, exp=iat + 300), "iat", "iat in the ID-JAG is in the future.")


@pytest.mark.parametrize(
    ("iat", "exp"),
    [
        (NOW, NOW + 301),
        (NOW, NOW + 300.001),
        (NOW - 600, NOW + 1),
        (NOW, NOW + 10 * 365 * 86400),
        (NOW, 1e300),
        (NOW, 99999999999999999999),
        (0, NOW + 60),
        (-1e300, NOW + 60),
        (NOW, NOW),
        (NOW + 10, NOW + 5),
    ],
)
@pytest.mark.clause("RFC 7523", "3", "(4), (6) an unreasonable lifetime is refused")
def test_an_id_jag_that_lives_too_long_or_not_at_all_is_refused(iat: float, exp: float) -> None:
    description = "The ID-JAG must expire after it was issued, and within 300 seconds."
    assert_refused(timed(iat=iat, exp=exp), "lifetime", description)


@pytest.mark.parametrize("nbf", [NOW + 31, NOW + 30.5, 1e300])
@pytest.mark.clause("RFC 7523", "3", "(5) nbf is honoured")
def test_an_id_jag_whose_time_has_not_come_is_refused(nbf: float) -> None:
    assert_refused(timed(nbf=nbf), "nbf", "nbf in the ID-JAG is in the future.")


def test_the_lifetime_and_the_skew_are_the_operators() -> None:
    assert verify(timed(exp=NOW + 600), max_lifetime=600).subject == "bob"
    assert verify(timed(iat=NOW - 300, exp=NOW - 59), clock_skew=60).subject == "bob"
    assert_refused(timed(iat=NOW + 1), "iat", "iat in the ID-JAG is in the future.", clock_skew=0)


# --- Key and signature -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kid", ["other", "RSA", "rsa ", "../rsa", "é"])
@pytest.mark.clause("RFC 8725", "3.10", "the key is the issuer's, of exactly that name")
def test_a_key_that_the_issuer_does_not_publish_is_refused(kid: str) -> None:
    shown = "?" if kid == "é" else kid
    assert_refused(timed(header={"kid": kid}), "key", f"The issuer publishes no usable key '{shown}' for RS256.")


_WRONG_SIGNATURE = "The signature of the ID-JAG is wrong."


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.clause("RFC 7523", "3", "(9) the signature is that of the issuer")
def test_a_changed_payload_is_refused(alg: str) -> None:
    header, _, signature = timed(alg=alg).split(".")
    other = timed(alg=alg, sub="eve").split(".")[1]
    assert_refused(f"{header}.{other}.{signature}", "signature", _WRONG_SIGNATURE)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.clause("RFC 7523", "3", "(9) the signature is that of the issuer")
def test_a_changed_header_is_refused(alg: str) -> None:
    _, payload_part, signature = timed(alg=alg).split(".")
    other = timed(alg=alg, header={"x": 1}).split(".")[0]
    assert_refused(f"{other}.{payload_part}.{signature}", "signature", _WRONG_SIGNATURE)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize(
    "forged", [b"\0", b"x" * 64, b"\0" * 64, b"x" * 256, b"\xff" * 300], ids=lambda sig: str(len(sig))
)
@pytest.mark.clause("RFC 7523", "3", "(9) the signature is that of the issuer")
def test_a_forged_signature_is_refused(alg: str, forged: bytes) -> None:
    unsigned = timed(alg=alg).rpartition(".")[0]
    assert_refused(f"{unsigned}.{b64(forged)}", "signature", _WRONG_SIGNATURE)


@pytest.mark.clause("RFC 7515", "4.1.3", "a key in the header is never used")
def test_a_key_of_the_attackers_in_the_header_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assertion = timed(key=key, header={"jwk": rsa_jwk(key, "rsa"), "jku": "https://evil.example", "x5u": "https://x"})
    assert_refused(assertion, "signature", _WRONG_SIGNATURE)


@pytest.mark.parametrize(("alg", "kid"), [("RS256", "ec"), ("ES256", "rsa"), ("PS256", "ed"), ("EdDSA", "ec")])
@pytest.mark.clause("RFC 8725", "3.1", "the algorithm fits the key's type")
def test_a_key_of_another_type_is_refused_even_if_it_is_found(alg: str, kid: str) -> None:
    assert_refused(timed(alg=alg, header={"kid": kid}), "signature", _WRONG_SIGNATURE)


@pytest.mark.clause("RFC 8725", "3.1", "the algorithm fits what the key is for")
def test_a_key_that_is_for_another_algorithm_is_refused() -> None:
    key = usable_keys([jwks()[0] | {"alg": "RS256"}])["rsa"]
    assert verify(timed(alg="RS256"), key_for=lambda *_: key).subject == "bob"
    assert_refused(timed(alg="PS256"), "signature", _WRONG_SIGNATURE, key_for=lambda *_: key)


@pytest.mark.clause("RFC 8725", "2.1", "an algorithm in the header does not choose how the key is used")
def test_a_signature_with_the_other_padding_of_rsa_is_refused() -> None:
    assertion = compact({**HEADER, "alg": "PS256"}, valid_claims() | {"iat": NOW, "exp": NOW + 300}, alg="RS256")
    assert_refused(assertion, "signature", _WRONG_SIGNATURE)


@pytest.mark.clause("RFC 7518", "3.4", "ES256 means P-256, and r and s of 32 bytes each")
def test_a_der_signature_is_refused() -> None:
    unsigned = timed(alg="ES256").rpartition(".")[0]
    der = EC_KEY.sign(unsigned.encode(), ec.ECDSA(SHA256()))
    assert_refused(f"{unsigned}.{b64(der)}", "signature", _WRONG_SIGNATURE)


@pytest.mark.clause("P7", "JWKS outage", "an outage is 503 temporarily_unavailable, never invalid_grant")
def test_keys_that_can_not_be_had_are_an_outage() -> None:
    def unavailable(*_: str) -> VerificationKey:
        raise KeysUnavailable("the IdP is down")

    with pytest.raises(Refused) as refused:
        verify(timed(), key_for=unavailable)
    answer = as_oauth_error(refused.value)
    assert (refused.value.check, answer.error, answer.status_code) == ("key", "temporarily_unavailable", 503)
    assert answer.headers == {"Retry-After": "30"}
    assert refused.value.description == "The issuer's keys can not be had now. Try again later."
    assert refused.value.detail == "the IdP is down"


# --- The list --------------------------------------------------------------------------------------------------------


def test_the_checks_run_in_the_order_of_the_list() -> None:
    """With everything wrong at once the first check speaks; with it mended, the next."""
    wrong: dict[str, dict[str, Any]] = {
        "typ": {"header": {"typ": "JWT"}},
        "alg": {"header": {"alg": "none"}},
        "crit": {"header": {"crit": []}},
        "kid": {"header": {"kid": ""}},
        "iss": {"iss": "https://evil.example"},
        "aud": {"aud": "x"},
        "client_id": {"client_id": "x"},
        "exp": {"exp": 1},
        "iat": {"iat": NOW + 500},
        "lifetime": {"exp": NOW + 999},
        "nbf": {"nbf": NOW + 500},
        "jti": {"jti": ""},
        "sub": {"sub": ""},
        "identity_claims": {"email": 1},
        "scope": {"scope": 1},
        "resource": {"resource": 1},
        "authorization_details": {"authorization_details": 1},
        "cnf": {"cnf": {}},
        "key": {"header": {"kid": "unknown"}},
        "signature": {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    }
    assert [check.name for check in CHECKS] == list(wrong)
    for check in CHECKS:
        changes: dict[str, Any] = {"header": {}}
        for name in reversed(list(wrong)[list(wrong).index(check.name) :]):
            changes["header"] |= wrong[name].get("header", {})
            changes |= {claim: value for claim, value in wrong[name].items() if claim != "header"}
        with pytest.raises(Refused) as refused:
            verify(timed(**changes))
        assert refused.value.check == check.name


def test_every_check_cites_its_clause() -> None:
    for check in CHECKS:
        assert check.run.__name__ == f"check_{check.name}"
        assert check.run.__doc__.startswith(("RFC ", "Draft section "))
        assert getattr(module, check.run.__name__) is check.run
