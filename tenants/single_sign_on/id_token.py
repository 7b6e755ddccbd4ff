"""OpenID Connect Core 1.0 section 3.1.3.7: the checks an ID token must pass, with RFC 8725 for its JOSE header.

Leaves out encrypted ID tokens and the implicit flow's hashes. Imports no Django: the caller passes the keys.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NoReturn

from crossapp.core.algorithms import ALGORITHMS
from crossapp.core.claims import how_far_off
from crossapp.core.jwk import MAX_KID_LENGTH, UnknownKey, VerificationKey
from crossapp.core.jws import BadSignature, MalformedJws, UnverifiedJws, parse_jws, verify_signature

SKEW_SECONDS = 30
MAX_AGE_SECONDS = 600
MAX_TIME = 253_402_300_799  # the last second of the year 9999

# (issuer, kid or None, alg); raises UnknownKey or KeysUnavailable
KeyFor = Callable[[str, str | None, str], VerificationKey]


class IdTokenRefused(Exception):
    """The ID token is refused. `detail` is the reason for the log, with what was expected and found."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class IdToken:
    """A verified ID token: `compact` is the token itself, `claims` its payload."""

    issuer: str
    subject: str
    expires_at: datetime
    claims: Mapping[str, Any]
    compact: str = field(repr=False)


@dataclass(frozen=True)
class Expected:
    """The expected values. Without a `nonce` (a refresh, section 12.2) the token's nonce is not checked.

    `max_age` and `acr_values` are those of the authorization request, if any. `clock_skew` is in seconds. With a
    `tenant_claim` that claim must have `tenant_value`.
    """

    issuer: str
    client_id: str
    nonce: str | None
    access_token: str | None = field(default=None, repr=False)
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    clock_skew: int = SKEW_SECONDS
    tenant_claim: str = ""
    tenant_value: str = ""


def verify_id_token(compact: Any, *, expected: Expected, key_for: KeyFor, now: datetime | None = None) -> IdToken:
    """Return the ID token in `compact`, verified; raises IdTokenRefused, or KeysUnavailable if the issuer is down.

    A claim that is null counts as absent.
    """
    try:
        unverified = parse_jws(compact if isinstance(compact, str) else "")
    except MalformedJws as error:
        raise IdTokenRefused(f"the ID token is malformed: {error}") from error
    claims = {name: value for name, value in unverified.unverified_payload.items() if value is not None}
    alg = _check_header(unverified.unverified_header)
    _check_issuer_and_audience(claims, expected)
    seconds = (now or datetime.now(UTC)).timestamp()
    _check_tenant(claims, expected)
    _check_times(claims, seconds, expected.clock_skew)
    _check_authentication(claims, expected, seconds)
    _check_nonce_and_subject(claims, expected.nonce)
    _check_signature(unverified, alg, expected.issuer, key_for)
    _check_access_token_hash(claims, alg, expected.access_token)
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return IdToken(expected.issuer, claims["sub"], expires_at, MappingProxyType(claims), compact)


def _check_header(header: Mapping[str, Any]) -> str:
    """Return the algorithm, one of `ALGORITHMS` (RFC 8725 section 3.1); refuse other kinds of token (section 3.11)."""
    typ, alg = header.get("typ", "JWT"), header.get("alg")
    if not isinstance(typ, str) or typ.upper() != "JWT":
        _refuse("typ is not JWT")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        _refuse("alg is not accepted")
    if "crit" in header:  # RFC 7515 section 4.1.11: no extension is supported
        _refuse("crit names an extension")
    return alg


def _check_issuer_and_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.7, rules 2 to 5."""
    if claims.get("iss") != expected.issuer:
        _refuse("iss is not the connection's issuer", expected.issuer, claims.get("iss"))
    audiences = claims["aud"] if isinstance(claims.get("aud"), list) else [claims.get("aud")]
    if expected.client_id not in audiences or not all(isinstance(audience, str) for audience in audiences):
        _refuse("aud is not this client", expected.client_id, claims.get("aud"))
    if len(audiences) > 1 and "azp" not in claims:  # others are trusted if the token was issued to this client
        _refuse("aud has several audiences and azp is missing", expected.client_id, claims["aud"])
    if claims.get("azp", expected.client_id) != expected.client_id:
        _refuse("azp is not this client", expected.client_id, claims["azp"])


def _check_tenant(claims: Mapping[str, Any], expected: Expected) -> None:
    """ID-JAG -04 section 6.1: the tenant of an issuer that several tenants share."""
    if expected.tenant_claim and claims.get(expected.tenant_claim) != expected.tenant_value:
        _refuse(f"{expected.tenant_claim} is not {expected.tenant_value!r}, the value of the connection's tenant")


def _check_times(claims: Mapping[str, Any], now: float, skew: int) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.7, rules 9 and 10; RFC 7519 section 4.1.5."""
    for name in ("exp", "iat", "nbf", "auth_time"):
        if name in claims and not _is_time(claims[name]):
            _refuse(f"{name} is not a time")
    if "exp" not in claims or "iat" not in claims:
        _refuse("exp or iat is missing")
    if claims["exp"] <= now - skew:
        _refuse(f"exp has passed {how_far_off(claims['exp'], now, skew)}")
    if claims["iat"] > now + skew:
        _refuse(f"iat is in the future {how_far_off(claims['iat'], now, skew)}")
    if claims["iat"] < now - MAX_AGE_SECONDS:
        _refuse(f"iat is too long ago {how_far_off(claims['iat'], now, MAX_AGE_SECONDS)}")
    if claims.get("nbf", 0) > now + skew:
        _refuse(f"nbf is in the future {how_far_off(claims['nbf'], now, skew)}")


def _check_authentication(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.7, rules 12 and 13: the person authenticated as requested."""
    if expected.acr_values and claims.get("acr") not in expected.acr_values:
        _refuse("acr is not one of the requested values", " ".join(expected.acr_values), claims.get("acr"))
    if expected.max_age is not None and claims.get("auth_time", 0) < now - expected.max_age - expected.clock_skew:
        _refuse("auth_time is missing or older than the requested max_age")


def _is_time(value: Any) -> bool:
    """RFC 7519 section 2, NumericDate."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_TIME


def _check_nonce_and_subject(claims: Mapping[str, Any], nonce: str | None) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.7, rule 11, and section 2."""
    if nonce is not None and (not nonce or claims.get("nonce") != nonce):
        _refuse("nonce is not the one in the request", _masked(nonce), _masked(claims.get("nonce")))
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255 or not sub.isprintable():
        _refuse("sub is not a string of 1 to 255 printable characters")


def _check_signature(unverified: UnverifiedJws, alg: str, issuer: str, key_for: KeyFor) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.7, rules 6 to 8: with the issuer's own key only."""
    kid = unverified.unverified_header.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_LENGTH):
        _refuse("kid is not a string of 1 to 255 characters")
    try:
        verify_signature(unverified, key=key_for(issuer, kid, alg), alg=alg)
    except UnknownKey as error:
        raise IdTokenRefused(f"the issuer has no such key: {error}") from error
    except BadSignature as error:
        raise IdTokenRefused("the signature is wrong") from error


def _check_access_token_hash(claims: Mapping[str, Any], alg: str, access_token: str | None) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.8: `at_hash`, if present, matches the access token."""
    if "at_hash" not in claims or access_token is None:
        return
    digest = hashlib.new(ALGORITHMS[alg].hash_name, access_token.encode()).digest()
    right = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not isinstance(claims["at_hash"], str) or not hmac.compare_digest(claims["at_hash"].encode(), right.encode()):
        _refuse("at_hash does not match the access token")


def _refuse(detail: str, expected: object = None, found: object = None) -> NoReturn:
    """Raise IdTokenRefused, with both values, if given, cut to fit into one row of the audit."""
    if expected:
        detail = f"{detail}: expected {ascii(expected)[:60]}, found {'none' if found is None else ascii(found)[:60]}"
    raise IdTokenRefused(detail)


def _masked(secret: object) -> object:
    """Return the beginning of a secret, enough to tell two apart."""
    if isinstance(secret, str):
        return f"{secret[:4]}[masked]" if secret else ""
    return secret if secret is None else f"[{type(secret).__name__}]"
