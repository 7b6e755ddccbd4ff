"""The checks of an ID-JAG, in order: ID-JAG -04 sections 3.1 and 4.4.1, RFC 7523 section 3, RFC 8725.

`CHECKS` has those without a key first, then the key, then the signature. Nothing is fetched before the issuer is known
to be trusted.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .algorithms import ALGORITHMS
from .checks import JwtCase, in_order
from .claims import MAX_TEXT_LENGTH, BadClaim, how_far_off, seconds, text
from .jwk import MAX_KID_LENGTH, KeysUnavailable, UnknownKey, VerificationKey
from .jws import BadSignature, verify_signature
from .oauth_text import is_scope
from .refusals import InvalidGrant, TemporarilyUnavailable, shown

TYP = "oauth-id-jag+jwt"
MAX_ACTOR_LENGTH = 1000  # of `act` as JSON: the access token that carries it has to fit into a header
_NOT_TRUSTED = "The issuer of the ID-JAG is not trusted for this client."


@dataclass(frozen=True)
class TrustedIssuer:
    """An IdP whose ID-JAGs are accepted from the authenticated client.

    `connection` is the host's own object, handed back untouched. Without `single_use` an ID-JAG may be redeemed again
    until it expires (ID-JAG -04 section 4.4.3), against RFC 7523 section 3 (7). With `tells_access_denied` a known
    subject without access is answered access_denied (ID-JAG branch access_denied_error section 4.4.3), else like any
    other. With `requires_resource` an ID-JAG without the claim `resource` is refused. `clock_skew`, in seconds,
    replaces that of `Expected`.
    """

    issuer: str
    connection: Any
    single_use: bool = True
    tells_access_denied: bool = False
    requires_resource: bool = False
    clock_skew: int | None = None

    def skew(self, default: int) -> int:
        """Return the difference of clocks that is accepted in this issuer's ID-JAGs, in seconds."""
        return default if self.clock_skew is None else self.clock_skew


class IssuerRefused(Exception):
    """The issuer is not trusted for the authenticated client. `detail` is the reason, for the log only."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class Expected:
    """The expected values of an ID-JAG. `now` and the other times are in seconds.

    `trusted_issuer` never fetches, and may raise IssuerRefused. `key_for(issuer, kid, alg)` may fetch, and raises
    UnknownKey or KeysUnavailable.
    """

    audience: str
    client_id: str
    now: float
    trusted_issuer: Callable[[str], TrustedIssuer | None]
    key_for: Callable[[str, str, str], VerificationKey]
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    max_lifetime: int = 300
    clock_skew: int = 30


@dataclass
class Case(JwtCase):
    """One ID-JAG during the checks; `check_iss` adds the trusted issuer."""

    expected: Expected
    trusted: TrustedIssuer = field(init=False)

    @property
    def skew(self) -> int:
        return self.trusted.skew(self.expected.clock_skew)

    def how_far_off(self, name: str) -> str:
        return how_far_off(self.payload[name], self.expected.now, self.skew)


def check_typ(case: Case) -> None:
    """RFC 8725 section 3.11: exactly the type of an ID-JAG, so no other token of the issuer is accepted."""
    if case.header.get("typ") != TYP:
        raise InvalidGrant(f"typ in the header of the ID-JAG must be '{TYP}'.")


def check_alg(case: Case) -> None:
    """RFC 8725 section 3.1: the algorithm is one of `algorithms`, which never has "none" or HMAC."""
    if case.header.get("alg") not in case.expected.algorithms:
        raise InvalidGrant(f"alg in the header of the ID-JAG must be one of {', '.join(case.expected.algorithms)}.")


def check_crit(case: Case) -> None:
    """RFC 7515 section 4.1.11 and RFC 7797 section 6: this server supports no extension, so none may be critical."""
    if "crit" in case.header or "b64" in case.header:
        raise InvalidGrant("The header of the ID-JAG must have neither crit nor b64.")


def check_kid(case: Case) -> None:
    """RFC 7515 section 4.1.4: kid names the key; a key in the header is ignored."""
    kid = case.header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise InvalidGrant("The header of the ID-JAG must have a kid, a string.")


def check_iss(case: Case) -> None:
    """RFC 7523 section 3 (1); ID-JAG -04 section 9.3: an issuer trusted for this client, and not this server."""
    issuer = text(case.payload, "iss")
    try:
        trusted = None if issuer == case.expected.audience else case.expected.trusted_issuer(issuer)
    except IssuerRefused as refused:
        raise InvalidGrant(_NOT_TRUSTED, detail=refused.detail) from refused
    if trusted is None or trusted.issuer != issuer:
        raise InvalidGrant(_NOT_TRUSTED)
    case.trusted = trusted


def check_aud(case: Case) -> None:
    """RFC 7523 section 3 (3); ID-JAG -04 section 4.4.1: one audience: this server's issuer, byte for byte."""
    audience = case.payload.get("aud")
    if audience is None:
        raise BadClaim("aud", "is missing")
    if isinstance(audience, list):
        if len(audience) != 1:
            raise InvalidGrant("aud in the ID-JAG must name exactly one audience.")
        audience = audience[0]
    if audience != case.expected.audience:
        raise InvalidGrant(
            f"aud in the ID-JAG is {shown(audience)}, but this authorization server is {shown(case.expected.audience)}."
        )


def check_client_id(case: Case) -> None:
    """ID-JAG -04 section 4.4.1: the authenticated client, by its identifier at this server."""
    client_id = text(case.payload, "client_id")
    if client_id != case.expected.client_id:
        raise InvalidGrant(
            f"client_id in the ID-JAG is {shown(client_id)}, but {shown(case.expected.client_id)} authenticated."
            " It must be the client's identifier at this authorization server."
        )


def check_exp(case: Case) -> None:
    """RFC 7523 section 3 (4): it has not expired."""
    if seconds(case.payload, "exp") + case.skew <= case.expected.now:
        raise InvalidGrant("The ID-JAG has expired.", detail=f"exp has passed {case.how_far_off('exp')}")


def check_iat(case: Case) -> None:
    """RFC 7523 section 3 (6); ID-JAG -04 section 3.1: iat is present and not in the future."""
    if seconds(case.payload, "iat") > case.expected.now + case.skew:
        detail = f"iat is in the future {case.how_far_off('iat')}"
        raise InvalidGrant("iat in the ID-JAG is in the future.", detail=detail)


def check_lifetime(case: Case) -> None:
    """RFC 7523 section 3 (4) and (6): it lives for minutes. `iat` is not in the future, so `exp` is near too."""
    exp, iat, longest = seconds(case.payload, "exp"), seconds(case.payload, "iat"), case.expected.max_lifetime
    if not 0 < exp - iat <= longest:
        raise InvalidGrant(f"The ID-JAG must expire after it was issued, and within {longest} seconds.")


def check_nbf(case: Case) -> None:
    """RFC 7523 section 3 (5): nbf, if present, is not in the future."""
    if "nbf" in case.payload and seconds(case.payload, "nbf") > case.expected.now + case.skew:
        detail = f"nbf is in the future {case.how_far_off('nbf')}"
        raise InvalidGrant("nbf in the ID-JAG is in the future.", detail=detail)


def check_jti(case: Case) -> None:
    """RFC 7523 section 3 (7); ID-JAG -04 section 3.1: it can be told from every other."""
    text(case.payload, "jti")


def check_sub(case: Case) -> None:
    """RFC 7523 section 3 (2): sub is a string."""
    text(case.payload, "sub")


def check_identity_claims(case: Case) -> None:
    """ID-JAG -04 section 3.1: what else it says of the subject, and of an actor, has the right types."""
    for name in ("email", "name", "tenant"):
        if case.payload.get(name) is not None:
            text(case.payload, name)
    if "email_verified" in case.payload and not isinstance(case.payload["email_verified"], bool):
        raise InvalidGrant("email_verified in the ID-JAG must be true or false.")
    actor = case.payload.get("act", {})  # RFC 8693 section 4.1
    if not isinstance(actor, dict) or len(json.dumps(actor)) > MAX_ACTOR_LENGTH:
        raise InvalidGrant(f"act in the ID-JAG must be an object of {MAX_ACTOR_LENGTH} characters at most.")
    if len(str(case.payload.get("sub_profile", ""))) > MAX_TEXT_LENGTH:
        raise InvalidGrant(f"sub_profile in the ID-JAG must have {MAX_TEXT_LENGTH} characters at most.")


def check_scope(case: Case) -> None:
    """RFC 6749 section 3.3: a string of scopes, if present."""
    scope = case.payload.get("scope", "")
    if not isinstance(scope, str) or (scope and not is_scope(scope)):
        raise InvalidGrant("scope in the ID-JAG must be a string of scopes with single spaces between them.")


def check_resource(case: Case) -> None:
    """ID-JAG -04 section 3.1: one resource identifier or an array of them; none, if the connection allows that."""
    if case.trusted.requires_resource and "resource" not in case.payload:
        raise InvalidGrant("resource in the ID-JAG is missing.")
    if "resource" in case.payload:
        resources = as_list(case.payload["resource"])
        if not resources or not all(isinstance(resource, str) and resource for resource in resources):
            raise InvalidGrant("resource in the ID-JAG must be a URI or an array of URIs.")


def check_authorization_details(case: Case) -> None:
    """ID-JAG -04 section 4.4.1: an array of objects, if present; the grant refuses them."""
    details = case.payload.get("authorization_details", [])
    if not isinstance(details, list) or not all(isinstance(detail, dict) for detail in details):
        raise InvalidGrant("authorization_details in the ID-JAG must be an array of objects.")


def check_key(case: Case) -> None:
    """RFC 8725 sections 3.1 and 3.10: the issuer's own key with that kid, for that algorithm."""
    issuer, kid, alg = case.payload["iss"], case.header["kid"], case.header["alg"]
    try:
        case.key = case.expected.key_for(issuer, kid, alg)
    except UnknownKey as error:
        raise InvalidGrant(f"The issuer publishes no usable key {shown(kid)} for {alg}.") from error
    except KeysUnavailable as error:
        raise TemporarilyUnavailable(
            "The issuer's keys are unavailable. Try again later.", detail=str(error)
        ) from error


def check_signature(case: Case) -> None:
    """RFC 7523 section 3 (9): the issuer has signed it."""
    try:
        verify_signature(case.jws, key=case.key, alg=case.header["alg"])
    except BadSignature as error:
        raise InvalidGrant("The signature of the ID-JAG is wrong.") from error


def as_list(value: Any) -> list[Any]:
    """Return the values of a claim that may be one value or an array of them."""
    return value if isinstance(value, list) else [value]


CHECKS = in_order(
    check_typ,
    check_alg,
    check_crit,
    check_kid,
    check_iss,
    check_aud,
    check_client_id,
    check_exp,
    check_iat,
    check_lifetime,
    check_nbf,
    check_jti,
    check_sub,
    check_identity_claims,
    check_scope,
    check_resource,
    check_authorization_details,
    check_key,
    check_signature,
)
