"""RFC 8693 sections 2.1 and 2.2, client side, as profiled by ID-JAG -04 section 4.3: an ID token for an ID-JAG.

Leaves out actor tokens, SAML assertions and rich authorization requests, and does not verify the ID-JAG's signature:
its audience does. The claims of the ID-JAG are compared with the request before it is sent on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .claims import seconds_off
from .errors import BadAnswer
from .jws import MalformedJws, UnverifiedJws, parse_jws
from .token_response import read_token_response, resource_parameter, scope_parameter, text_parameter

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT_TYPE = "oauth-id-jag+jwt"


@dataclass(frozen=True)
class Wanted:
    """The expected ID-JAG: issuer, audience, client, resource and scope."""

    issuer: str
    audience: str
    client_id: str  # the client's identifier at the audience
    resource: str
    scope: str


@dataclass(frozen=True)
class IdJagGrant:
    """A checked ID-JAG, to be sent to its audience once and then discarded."""

    value: str = field(repr=False)
    expires_at: datetime
    scope: str
    jti: str


def build_request(wanted: Wanted, *, id_token: str) -> dict[str, str]:
    """Return the form of the token exchange request (RFC 8693 section 2.1, ID-JAG -04 section 4.3)."""
    form = {
        "grant_type": GRANT_TYPE,
        "requested_token_type": ID_JAG,
        "audience": wanted.audience,
        "resource": wanted.resource,
        "scope": wanted.scope,
        "subject_token": id_token,
        "subject_token_type": ID_TOKEN,
    }
    return {name: value for name, value in form.items() if value}


def read_response(status: int, headers: Mapping[str, str], body: bytes, *, wanted: Wanted, now: datetime) -> IdJagGrant:
    """Return the ID-JAG of a response; raises a `PeerError`.

    A refresh token in the response is ignored (ID-JAG -04 section 4.3.4), and so is `expires_in`: the ID-JAG says when
    it expires.
    """
    answer = read_token_response(status, headers, body)
    if answer.get("issued_token_type") != ID_JAG:  # RFC 8693 section 2.2.1
        raise BadAnswer("issued_token_type is not id-jag")
    if text_parameter(answer, "token_type").lower() != "n_a":  # RFC 8693 section 2.2.1, ID-JAG -04 section 4.3.4
        raise BadAnswer("token_type of an ID-JAG is not N_A")
    value = text_parameter(answer, "access_token")
    try:
        unverified = parse_jws(value)
    except MalformedJws as error:
        raise BadAnswer(f"the ID-JAG is malformed: {error}") from error
    _compare(unverified, wanted)
    _compare_resource(unverified.unverified_payload, answer, wanted)
    jti = unverified.unverified_payload.get("jti")
    return IdJagGrant(
        value=value,
        expires_at=_expiry(unverified.unverified_payload, now),
        scope=_scope(unverified.unverified_payload, answer, wanted),
        jti=jti if isinstance(jti, str) else "",
    )


def _compare(unverified: UnverifiedJws, wanted: Wanted) -> None:
    """Check that the ID-JAG is for the server that will receive it (ID-JAG -04 section 3.1)."""
    claims = unverified.unverified_payload
    if unverified.unverified_header.get("typ") != JWT_TYPE:  # ID-JAG -04 section 3.1, RFC 8725 section 3.11
        raise BadAnswer(f"typ of the ID-JAG is not {JWT_TYPE}")
    if claims.get("iss") != wanted.issuer:
        raise BadAnswer(f"iss of the ID-JAG is {claims.get('iss')!a}, the IdP is {wanted.issuer!r}")
    if claims.get("aud") not in (wanted.audience, [wanted.audience]):  # exactly one (ID-JAG -04 section 4.4.1)
        raise BadAnswer(f"aud of the ID-JAG is {claims.get('aud')!a}, asked for {wanted.audience!r}")
    if claims.get("client_id") != wanted.client_id:
        raise BadAnswer(f"client_id of the ID-JAG is {claims.get('client_id')!a}, expected {wanted.client_id!r}")


def _compare_resource(claims: Mapping[str, Any], answer: Mapping[str, Any], wanted: Wanted) -> None:
    """ID-JAG branch resource-iss-validation section 4.3.4: both name what was asked for, or the answer names nothing.

    An ID-JAG without the claim, which ID-JAG -04 section 3.1 allows, counts as one for the resource asked for.
    """
    claimed = resource_parameter(claims, of="the ID-JAG", requested=wanted.resource)
    returned = resource_parameter(answer, of="the token response", requested=wanted.resource)
    if returned is not None and returned != claimed:
        raise BadAnswer("resource of the token response is not that of the ID-JAG")


def _expiry(claims: Mapping[str, Any], now: datetime) -> datetime:
    exp = claims.get("exp")
    if isinstance(exp, bool) or not isinstance(exp, (int, float)):  # RFC 7519 section 4.1.4
        raise BadAnswer("exp of the ID-JAG is not a number")
    try:
        expires_at = datetime.fromtimestamp(exp, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadAnswer("exp of the ID-JAG is not a date") from error
    if expires_at <= now:
        off = seconds_off(exp, now.timestamp())
        raise BadAnswer(f"the ID-JAG has expired already: compare the clocks, exp has passed by {off} s")
    return expires_at


def _scope(claims: Mapping[str, Any], answer: Mapping[str, Any], wanted: Wanted) -> str:
    """Return the scope of the ID-JAG, which may be narrower than requested but not wider."""
    said = scope_parameter(answer, requested=wanted.scope)
    scope = scope_parameter(claims, requested=said)
    if wanted.scope and not set(scope.split()) <= set(wanted.scope.split()):
        raise BadAnswer("the scope of the ID-JAG is wider than requested")
    return scope
