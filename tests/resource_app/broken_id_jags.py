"""What can be wrong with an ID-JAG, one thing at a time: which check says so, and in which words.

Two suites share these tables: `test_id_jag.py` calls the verification alone, `tests/redemption` sends each over HTTP to
a token endpoint. The clock of both stands at NOW.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

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
    rsa_jwk,
    valid_claims,
)

NOW = 1_800_000_000
HEADER = {"typ": "oauth-id-jag+jwt", "alg": "RS256", "kid": "rsa"}
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
SOMEBODYS_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

Mint = Callable[..., str]  # makes an ID-JAG that is valid but for the `alg`, `key`, `header` and claims it is given


def timed(*, alg: str = "RS256", key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return an ID-JAG issued at NOW for five minutes, with the changes given."""
    return id_jag(alg=alg, key=key, header=header, **{"iat": NOW, "exp": NOW + 300, **claims})


class Case(NamedTuple):
    """One broken ID-JAG: `make` breaks it, given what makes valid ones."""

    name: str
    check: str
    description: str
    make: Callable[[Mint], str]


class Family(NamedTuple):
    """What one requirement forbids."""

    name: str
    clause: tuple[str, str, str]
    cases: Sequence[Case]


def changed(name: object, check: str, description: str, /, **changes: Any) -> Case:
    """Return the case of a valid ID-JAG with other claims, another `header`, `alg` or `key`."""
    return Case(_short(name), check, description, lambda mint: mint(**changes))


def with_claim(name: str, check: str, description: str, values: Sequence[Any]) -> list[Case]:
    return [changed(f"{name} {_short(value)}", check, description, **{name: value}) for value in values]


def with_header(name: str, check: str, description: str, values: Sequence[Any]) -> list[Case]:
    return [changed(_short(value), check, description, header={name: value}) for value in values]


def parameters(families: Sequence[Family]) -> list[Any]:
    """Return every case of `families` for `pytest.mark.parametrize`, each with its clause."""
    return [
        pytest.param(case, id=f"{family.name}: {case.name}", marks=pytest.mark.clause(*family.clause))
        for family in families
        for case in family.cases
    ]


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value.isprintable() and value.isascii() and value else repr(value)
    return text if len(text) <= 50 else f"{text[:47]}..."


# --- The JWS itself --------------------------------------------------------------------------------------------------


def _jws(name: str, problem: str, make: Callable[[Mint], str]) -> Case:
    return Case(name, "jws", f"The assertion is not a compact JWT: {problem}.", make)


def _parts(name: str, problem: str, make: Callable[[str, str, str], str]) -> Case:
    """Return the case of a valid ID-JAG whose three parts are put together in another way."""
    return _jws(name, problem, lambda mint: make(*mint().split(".")))


def _payload(name: str, problem: str, text: bytes) -> Case:
    assertion = compact(HEADER, text, alg="EdDSA")  # what it is signed with does not matter: it can not be read
    return _jws(name, f"its payload is malformed: {problem}", lambda _: assertion)


def _header(name: str, problem: str, text: bytes) -> Case:
    assertion = compact(text, valid_claims(), alg="EdDSA")
    return _jws(name, f"its header is malformed: {problem}", lambda _: assertion)


def claims_with(member: bytes) -> bytes:
    """Return valid claims with one more member, which may be no JSON."""
    return json.dumps(valid_claims() | {"iat": NOW, "exp": NOW + 300}).encode()[:-1] + b", " + member + b"}"


_NOT_THREE = "it does not have three parts"
_NOT_BASE64 = "a part is not base64url without padding"
_NOT_JSON = "it is not JSON in UTF-8"
_NO_OBJECT = "it is not a JSON object"
_TWICE = "an object has two members with one name"
_TOO_DEEP = "it is nested too deeply"
_NOT_UNICODE = "a string is not Unicode text"

JWS = [
    Family(
        "parts",
        ("RFC 7515", "7.1", "a compact JWS has three parts"),
        [
            _parts("one", _NOT_THREE, lambda h, p, s: "abc"),
            _parts("two", _NOT_THREE, lambda h, p, s: f"{h}.{p}"),
            _parts("four", _NOT_THREE, lambda h, p, s: f"{h}.{p}.{s}.{s}"),
            _parts("five, as in a JWE", _NOT_THREE, lambda h, p, s: ".".join([h] * 5)),
            _parts("JSON serialization", _NOT_THREE, lambda h, p, s: json.dumps({"payload": p, "signatures": []})),
            _parts("no signature", _NOT_BASE64, lambda h, p, s: f"{h}.{p}."),
            _parts("no payload", _NOT_BASE64, lambda h, p, s: f"{h}..{s}"),
            _parts("no header", _NOT_BASE64, lambda h, p, s: f".{p}.{s}"),
        ],
    ),
    Family(
        "base64url",
        ("RFC 7515", "2", "base64url without padding, line breaks or anything else"),
        [
            _parts("padding", _NOT_BASE64, lambda h, p, s: f"{h}.{p}.{s}=="),
            _parts("padding in the payload", _NOT_BASE64, lambda h, p, s: f"{h}.{b64(b'{}')}=.{s}"),
            _parts("standard alphabet", _NOT_BASE64, lambda h, p, s: f"{h}.{p}.+/{s[2:]}"),
            _parts("line break", _NOT_BASE64, lambda h, p, s: f"{h}.{p}.{s}\n"),
            _parts("space before", _NOT_BASE64, lambda h, p, s: f" {h}.{p}.{s}"),
            _parts("space inside", _NOT_BASE64, lambda h, p, s: f"{h}.{p[:9]} {p[9:]}.{s}"),
            _parts("not ASCII", _NOT_BASE64, lambda h, p, s: f"{h}.{p}.{s[:-1]}é"),
            _parts("NUL", _NOT_BASE64, lambda h, p, s: f"{h}.{p}.{s}\0"),
            _parts("impossible length", _NOT_BASE64, lambda h, p, s: f"{h}.{p}.{s[:-1]}"),
            _parts("bits that nobody reads", _NOT_BASE64, lambda h, p, s: f"{h}.{b64(b'{}')[:-1]}1.{s}"),
        ],
    ),
    Family(
        "size",
        ("RFC 8725", "3.11", "LIM-04 an assertion of more than 16 KiB is refused"),
        [_parts("too long", "it is longer than 16384 bytes", lambda h, p, s: f"{h}.{'A' * 16384}.{s}")],
    ),
    Family(
        "JSON",
        ("RFC 7515", "5.2", "header and payload are JSON objects in UTF-8"),
        [
            _payload("payload text", _NOT_JSON, b"hello"),
            _payload("payload empty", _NOT_JSON, b" "),
            _payload("payload an array", _NO_OBJECT, b"[]"),
            _payload("payload a string", _NO_OBJECT, b'"x"'),
            _payload("payload null", _NO_OBJECT, b"null"),
            _payload("payload two objects", _NOT_JSON, b"{}{}"),
            _payload("payload Latin-1", _NOT_JSON, b'{"sub": "\xe9"}'),
            _payload("payload UTF-16", _NOT_JSON, '{"a":1}'.encode("utf-16")),
            _payload("byte order mark", _NOT_JSON, b"\xef\xbb\xbf{}"),
            _payload("NaN", "NaN and Infinity are not JSON", claims_with(b'"x": NaN')),
            _payload("Infinity", "NaN and Infinity are not JSON", claims_with(b'"x": -Infinity')),
            _payload("1e999", "a number is too large", claims_with(b'"x": 1e999')),
            _payload("5000 digits", "an integer is too long", claims_with(b'"x": ' + b"9" * 5000)),
            _payload("21 digits", "an integer is too long", claims_with(b'"x": ' + b"9" * 21)),
            _payload("exp of 5000 digits", "an integer is too long", b'{"exp": ' + b"9" * 5000 + b"}"),
            _payload("nested 17 deep", _TOO_DEEP, claims_with(b'"x": ' + b"[" * 16 + b"]" * 16)),
            _payload("nested 500 deep", _TOO_DEEP, claims_with(b'"x": ' + b"[" * 500 + b"]" * 500)),
            _payload("objects nested 100 deep", _TOO_DEEP, b'{"a":' * 100 + b"1" + b"}" * 100),
            _payload("nested 5000 deep", _NOT_JSON, b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
            _payload("a lone surrogate", _NOT_UNICODE, claims_with(b'"name": "\\ud83e"')),
            _payload("a lone surrogate in a name", _NOT_UNICODE, claims_with(b'"\\ud83e": 1')),
            _header("header text", _NOT_JSON, b"typ"),
            _header("header an array", _NO_OBJECT, b"[]"),
        ],
    ),
    Family(
        "duplicate members",
        ("RFC 7515", "4", "no object has two members of one name"),
        [
            _payload("in the payload", _TWICE, claims_with(b'"sub": "eve"')),
            _payload("written with an escape", _TWICE, claims_with(b'"su\\u0062": "eve"')),
            _payload("deep inside", _TWICE, claims_with(b'"act": {"sub": 1, "sub": 2}')),
            _header("in the header", _TWICE, b'{"typ":"oauth-id-jag+jwt","alg":"RS256","kid":"rsa","alg":"none"}'),
        ],
    ),
]

# --- The header ------------------------------------------------------------------------------------------------------

_CRITICAL: list[dict[str, Any]] = [
    {"crit": []},
    {"crit": ["exp"], "exp": NOW + 300},
    {"crit": ["b64"], "b64": False},
    {"crit": ["b64"], "b64": True},
    {"b64": False},
    {"b64": True},
    {"crit": "alg"},
    {"crit": None},
]

HEADERS = [
    Family(
        "typ",
        ("RFC 8725", "3.11", "P5 typ is exactly oauth-id-jag+jwt"),
        with_header(
            "typ",
            "typ",
            "typ in the header of the ID-JAG must be 'oauth-id-jag+jwt'.",
            [
                ABSENT, None, "", "JWT", "jwt", "at+jwt", "logout+jwt", "OAUTH-ID-JAG+JWT", "oauth-id-jag+JWT",
                "application/oauth-id-jag+jwt", "oauth-id-jag+jwt ", ["oauth-id-jag+jwt"], 1,
            ],
        ),
    ),
    Family(
        "alg",
        ("RFC 8725", "3.1", "the algorithm is on our list; none and HMAC never are"),
        with_header(
            "alg",
            "alg",
            "alg in the header of the ID-JAG must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, "
            "ES512, EdDSA, Ed25519.",
            [
                ABSENT, None, "", "none", "None", "HS256", "HS384", "HS512", "RS1", "RS224", "PS224", "ES256K",
                "ESP256", "Ed448", "RSA-OAEP", "dir", "rs256", " RS256", ["RS256"], 256,
            ],
        ),
    ),
    Family(
        "crit",
        ("RFC 7515", "4.1.11", "no extension is understood, so none may be critical"),
        [
            changed(header, "crit", "The header of the ID-JAG must have neither crit nor b64.", header=header)
            for header in _CRITICAL
        ],
    ),
    Family(
        "kid",
        ("RFC 7515", "4.1.4", "kid is a string and names the key"),
        with_header(
            "kid",
            "kid",
            "The header of the ID-JAG must have a kid, a string.",
            [ABSENT, None, "", 1, ["rsa"], {"kid": "rsa"}, "k" * 256],
        ),
    ),
]  # fmt: skip

# --- Issuer, audience, client ----------------------------------------------------------------------------------------


def _other_audience(value: Any, seen: str) -> Case:
    description = f"aud in the ID-JAG is {seen}, but this authorization server is '{AUDIENCE}'."
    return changed(value, "aud", description, aud=value)


def _other_client(client_id: str) -> Case:
    description = (
        f"client_id in the ID-JAG is '{client_id}', but '{CLIENT_ID}' authenticated."
        " It must be the client's identifier at this authorization server."
    )
    return changed(client_id, "client_id", description, client_id=client_id)


UNTRUSTED = "The issuer of the ID-JAG is not trusted for this client."

PARTIES = [
    Family(
        "iss",
        ("RFC 7523", "3", "(1) the issuer is one we trust, byte for byte, and not ourselves"),
        [
            changed(issuer, "iss", UNTRUSTED, iss=issuer)
            for issuer in (
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
            )
        ],
    ),
    Family(
        "aud",
        ("RFC 7523", "3", "P6 (3) the audience is our issuer, byte for byte, and never the token endpoint"),
        [
            _other_audience(f"{AUDIENCE}/", f"'{AUDIENCE}/'"),
            _other_audience("https://TODO.example", "'https://TODO.example'"),
            _other_audience("http://todo.example", "'http://todo.example'"),
            _other_audience(f"{AUDIENCE}:443", f"'{AUDIENCE}:443'"),
            _other_audience(f"{AUDIENCE}/oauth2/v1/token", f"'{AUDIENCE}/oauth2/v1/token'"),
            _other_audience([f"{AUDIENCE}/oauth2/v1/token"], f"'{AUDIENCE}/oauth2/v1/token'"),
            _other_audience(f"{AUDIENCE}/api", f"'{AUDIENCE}/api'"),
            _other_audience("https://other.example", "'https://other.example'"),
            _other_audience("todo.example", "'todo.example'"),
            _other_audience(f" {AUDIENCE}", f"' {AUDIENCE}'"),
            _other_audience("", "''"),
            _other_audience("*", "'*'"),
            _other_audience([f"{AUDIENCE}/"], f"'{AUDIENCE}/'"),
            _other_audience([[AUDIENCE]], "not a string"),
            _other_audience({"aud": AUDIENCE}, "not a string"),
            _other_audience(True, "not a string"),
            _other_audience(7, "not a string"),
            _other_audience('say "hi" \\ é', "'say ?hi? ? ?'"),
            _other_audience("a" * 300, f"'{'a' * 100}...'"),
        ],
    ),
    Family(
        "aud",
        ("ID-JAG", "4.4.1", "P4 an array of audiences has exactly one element"),
        [
            changed(audience, "aud", "aud in the ID-JAG must name exactly one audience.", aud=audience)
            for audience in (
                [],
                [AUDIENCE, AUDIENCE],
                [AUDIENCE, f"{AUDIENCE}/oauth2/v1/token"],
                [AUDIENCE, "https://other.example"],
                ["https://other.example", AUDIENCE],
            )
        ],
    ),
    Family(
        "client_id",
        ("ID-JAG", "4.4.1", "client_id is that of the client that authenticated"),
        [_other_client(client_id) for client_id in ("wiki0", CLIENT_ID.upper(), f"{CLIENT_ID} ", CLIENT_ID[:-1], "*")],
    ),
]

# --- Claims of text, and what else has a type ------------------------------------------------------------------------

REQUIRED_TEXT = ["iss", "client_id", "jti", "sub"]
OPTIONAL_TEXT = ["email", "name", "tenant"]


def _check_of(claim: str) -> str:
    return "identity_claims" if claim in OPTIONAL_TEXT else claim


TYPES = [
    Family(
        "missing",
        ("ID-JAG", "3.1", "iss, sub, aud, client_id, jti, exp and iat are required"),
        [
            case
            for claim in [*REQUIRED_TEXT, "aud", "exp", "iat"]
            for case in with_claim(claim, claim, f"{claim} in the ID-JAG is missing.", [ABSENT, None])
        ],
    ),
    Family(
        "no text",
        ("RFC 7519", "4.1", "claims that are strings are not empty, not endless, and strings"),
        [
            case
            for claim in REQUIRED_TEXT + OPTIONAL_TEXT
            for case in with_claim(
                claim,
                _check_of(claim),
                f"{claim} in the ID-JAG must be a string of 1 to 255 characters.",
                ["", 7, 0, True, False, 1.5, ["bob"], {"sub": "bob"}, "x" * 256],
            )
        ],
    ),
    Family(
        "control characters",
        ("RFC 7519", "4.1.2", "identifiers hold no control characters"),
        [
            case
            for claim in REQUIRED_TEXT + OPTIONAL_TEXT
            for case in with_claim(
                claim,
                _check_of(claim),
                f"{claim} in the ID-JAG must have no control characters.",
                ["bob\0", "bob\n", "\tbob", "bo\x7fb", "bob\x85"],
            )
        ],
    ),
    Family(
        "email_verified",
        ("OIDC Core", "5.1", "email_verified is a boolean"),
        with_claim(
            "email_verified",
            "identity_claims",
            "email_verified in the ID-JAG must be true or false.",
            ["true", 1, 0, None, [], "false"],
        ),
    ),
    Family(
        "scope",
        ("RFC 6749", "3.3", "scope is a string of scopes"),
        with_claim(
            "scope",
            "scope",
            "scope in the ID-JAG must be a string of scopes with single spaces between them.",
            [["read"], 7, None, True, {}, " ", "read  write", " read", "read ", "read\twrite", "réad", 'say"', "a\\b"],
        ),
    ),
    Family(
        "resource",
        ("ID-JAG", "3.1", "resource is a URI or an array of URIs"),
        with_claim(
            "resource",
            "resource",
            "resource in the ID-JAG must be a URI or an array of URIs.",
            [[], "", [""], [RESOURCE, ""], [RESOURCE, 7], 7, None, {"uri": RESOURCE}, True],
        ),
    ),
    Family(
        "authorization_details",
        ("ID-JAG", "4.4.1", "authorization_details is an array of objects"),
        with_claim(
            "authorization_details",
            "authorization_details",
            "authorization_details in the ID-JAG must be an array of objects.",
            [{}, "x", 7, None, True, ["x"], [{"type": "todo"}, 7]],
        ),
    ),
]

# --- Times -----------------------------------------------------------------------------------------------------------


def _lifetime(name: str, iat: float, exp: float) -> Case:
    description = "The ID-JAG must expire after it was issued, and within 300 seconds."
    return changed(name, "lifetime", description, iat=iat, exp=exp)


TIMES = [
    Family(
        "no number",
        ("RFC 7519", "2", "a NumericDate is a JSON number"),
        [
            case
            for claim in ("exp", "iat", "nbf")
            for case in with_claim(
                claim,
                claim,
                f"{claim} in the ID-JAG must be a number of seconds.",
                ["1800000000", "", True, False, [NOW], {"n": NOW}, "2027-01-15T08:00:00Z"],
            )
        ]
        + with_claim("nbf", "nbf", "nbf in the ID-JAG is missing.", [None]),
    ),
    Family(
        "expired",
        ("RFC 7523", "3", "LIM-13 (4) the JWT has not expired, give or take the skew"),
        [
            changed(name, "exp", "The ID-JAG has expired.", exp=exp, iat=exp - 300)
            for name, exp in {
                "by the skew": NOW - 30,
                "by more": NOW - 31,
                "in 1970": 0,
                "before 1970": -1,
                "before the earth": -1e300,
                "at half past one": 1.5,
            }.items()
        ],
    ),
    Family(
        "iat in the future",
        ("RFC 7523", "3", "LIM-13 (6) iat is not in the future"),
        [
            changed(name, "iat", "iat in the ID-JAG is in the future.", iat=iat, exp=iat + 300)
            for name, iat in {
                "by more than the skew": NOW + 31,
                "by a little more": NOW + 30.001,
                "in twenty digits": 10**19,
                "endless": 1e300,
            }.items()
        ],
    ),
    Family(
        "lifetime",
        ("RFC 7523", "3", "(4), (6) an unreasonable lifetime is refused"),
        [
            _lifetime("301 seconds", NOW, NOW + 301),
            _lifetime("a little more than 300 seconds", NOW, NOW + 300.001),
            _lifetime("301 seconds that are almost over", NOW - 300, NOW + 1),
            _lifetime("ten minutes that are almost over", NOW - 600, NOW + 1),
            _lifetime("ten years", NOW, NOW + 10 * 365 * 86400),
            _lifetime("endless", NOW, 1e300),
            _lifetime("in twenty digits", NOW, 99999999999999999999),
            _lifetime("since 1970", 0, NOW + 60),
            _lifetime("since ever", -1e300, NOW + 60),
            _lifetime("none", NOW, NOW),
            _lifetime("backwards", NOW + 10, NOW + 5),
        ],
    ),
    Family(
        "nbf",
        ("RFC 7523", "3", "(5) nbf is honoured"),
        [
            changed(name, "nbf", "nbf in the ID-JAG is in the future.", nbf=nbf)
            for name, nbf in {"31 seconds": NOW + 31, "30.5 seconds": NOW + 30.5, "endless": 1e300}.items()
        ],
    ),
]

# --- Key and signature -----------------------------------------------------------------------------------------------

_WRONG_SIGNATURE = "The signature of the ID-JAG is wrong."


def _no_such_key(alg: str, kid: str) -> Case:
    shown = "?" if kid == "é" else kid
    description = f"The issuer publishes no usable key '{shown}' for {alg}."
    return changed(f"{kid} for {alg}", "key", description, alg=alg, header={"kid": kid})


def _signature(name: str, make: Callable[[Mint], str]) -> Case:
    return Case(name, "signature", _WRONG_SIGNATURE, make)


def _spliced(alg: str, part: int, **changes: Any) -> Callable[[Mint], str]:
    """Return a way to make an ID-JAG with one part of another one."""

    def make(mint: Mint) -> str:
        parts, others = mint(alg=alg).split("."), mint(alg=alg, **changes).split(".")
        return ".".join([*parts[:part], others[part], *parts[part + 1 :]])

    return make


def _forged(alg: str, signature: bytes) -> Callable[[Mint], str]:
    return lambda mint: f"{mint(alg=alg).rpartition('.')[0]}.{b64(signature)}"


def _der(mint: Mint) -> str:
    unsigned = mint(alg="ES256").rpartition(".")[0]
    return f"{unsigned}.{b64(EC_KEY.sign(unsigned.encode(), ec.ECDSA(SHA256())))}"


SIGNATURES = [
    Family(
        "key",
        ("RFC 8725", "3.10", "the key is the issuer's, of exactly that name"),
        [_no_such_key("RS256", kid) for kid in ("other", "RSA", "rsa ", "../rsa", "é")],
    ),
    Family(
        "another's words",
        ("RFC 7523", "3", "(9) the signature is that of the issuer"),
        [
            case
            for alg in ALGORITHMS
            for case in (
                _signature(f"a changed payload, {alg}", _spliced(alg, 1, sub="eve")),
                _signature(f"a changed header, {alg}", _spliced(alg, 0, header={"x": 1})),
                _signature(f"another's signature, {alg}", _spliced(alg, 2, sub="eve")),
            )
        ],
    ),
    Family(
        "forged",
        ("RFC 7523", "3", "(9) the signature is that of the issuer"),
        [
            _signature(f"{len(signature)} bytes {signature[:1]!r}, {alg}", _forged(alg, signature))
            for alg in ALGORITHMS
            for signature in (b"\0", b"x" * 64, b"\0" * 64, b"x" * 256, b"\xff" * 300)
        ],
    ),
    Family(
        "a key in the header",
        ("RFC 7515", "4.1.3", "a key in the header is never used"),
        [
            changed(
                "jwk, jku and x5u",
                "signature",
                _WRONG_SIGNATURE,
                key=SOMEBODYS_RSA_KEY,
                header={"jwk": rsa_jwk(SOMEBODYS_RSA_KEY, "rsa"), "jku": "https://evil.example", "x5u": "https://x"},
            )
        ],
    ),
    Family(
        "padding of RSA",
        ("RFC 8725", "2.1", "an algorithm in the header does not choose how the key is used"),
        [changed("RS256 that says PS256", "signature", _WRONG_SIGNATURE, alg="RS256", header={"alg": "PS256"})],
    ),
    Family(
        "form of ES256",
        ("RFC 7518", "3.4", "ES256 means P-256, and r and s of 32 bytes each"),
        [
            _signature("DER", _der),
            changed("of a P-384 key", "signature", _WRONG_SIGNATURE, alg="ES384", header={"alg": "ES256", "kid": "ec"}),
        ],
    ),
]

FAMILIES = [*JWS, *HEADERS, *PARTIES, *TYPES, *TIMES, *SIGNATURES]

# --- The order -------------------------------------------------------------------------------------------------------

WRONG_AT: list[tuple[str, dict[str, Any]]] = [
    ("typ", {"header": {"typ": "JWT"}}),
    ("alg", {"header": {"alg": "none"}}),
    ("crit", {"header": {"crit": []}}),
    ("kid", {"header": {"kid": ""}}),
    ("iss", {"iss": "https://evil.example"}),
    ("aud", {"aud": "x"}),
    ("client_id", {"client_id": "x"}),
    ("exp", {"exp": 1}),
    ("iat", {"iat": NOW + 500}),
    ("lifetime", {"exp": NOW + 999}),
    ("nbf", {"nbf": NOW + 500}),
    ("jti", {"jti": ""}),
    ("sub", {"sub": ""}),
    ("identity_claims", {"email": 1}),
    ("scope", {"scope": 1}),
    ("resource", {"resource": 1}),
    ("authorization_details", {"authorization_details": 1}),
    ("key", {"header": {"kid": "unknown"}}),
    ("signature", {"key": SOMEBODYS_RSA_KEY}),
]


def wrong_from(steps: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the changes that make an ID-JAG wrong at each of `steps`; where two change the same, the first does."""
    changes: dict[str, Any] = {}
    for _, wrong in reversed(steps):
        changes |= wrong | {"header": changes.get("header", {}) | wrong.get("header", {})}
    return changes


# --- The controls ----------------------------------------------------------------------------------------------------

GOOD: dict[str, dict[str, Any]] = {
    "as it is": {},
    "aud an array of one": {"aud": [AUDIENCE]},
    "exp a fraction": {"exp": NOW + 0.5},
    "iat a fraction": {"iat": NOW - 0.25, "exp": NOW + 299.5},
    "iat ahead by the skew": {"iat": NOW + 30, "exp": NOW + 330},
    "exp behind by less than the skew": {"iat": NOW - 329, "exp": NOW - 29},
    "nbf ahead by the skew": {"nbf": NOW + 30},
    "nbf long ago": {"nbf": -1e300},
    "lifetime of a second": {"exp": NOW + 1, "iat": NOW},
    "scope read": {"scope": "read"},
    "texts of 255 characters": {"sub": "s" * 255, "jti": "j" * 255, "email": ABSENT},
    "texts beyond ASCII": {"sub": "bøb 🦆", "name": "Bøb", "email": ABSENT},
    "email_verified false": {"email_verified": False},
    "authorization_details empty": {"authorization_details": []},
    "tenant": {"tenant": "acme"},
    "resource an array of one": {"resource": [RESOURCE]},
    "resource absent": {"resource": ABSENT},
    "email absent": {"email": ABSENT},
    "email, name and tenant null": {"email": None, "name": None, "tenant": None},
    "claims of the draft that are ignored": {
        "aud_sub": "someone", "aud_tenant": "acme", "act": {"sub": "agent"}, "sub_profile": "user", "amr": ["mfa"],
    },
    "unknown claims": {"unknown": {"deep": [1, 2.5, None, True]}},
    "jku ignored": {"header": {"jku": "https://evil.example/keys"}},
    "x5u ignored": {"header": {"x5u": "https://evil.example/cert"}},
    "x5c ignored": {"header": {"x5c": ["AAAA"]}},
    "jwk ignored": {"header": {"jwk": {}}},
    **{alg: {"alg": alg} for alg in ALGORITHMS},
}  # fmt: skip
