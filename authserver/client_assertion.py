"""RFC 7523 sections 2.2 and 3, OpenID Connect Core section 9: a client authenticates with a JWT that it has signed.

`CHECKS` has all checks in order: those without a key first, then the key, the signature and the replay. The peer gets
the same answer for every failure; the log names the failed check. Left out on purpose: assertions with a shared secret
(client_secret_jwt), and assertions signed by another party.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction

from authserver.models import AuthorizationServer, Client
from base.issuers import keys
from crossapp.core.algorithms import ALGORITHMS
from crossapp.core.checks import JwtCase, in_order
from crossapp.core.claims import MAX_TEXT_LENGTH, BadClaim, how_far_off, seconds, text
from crossapp.core.client_authentication import AuthMethod
from crossapp.core.jwk import (
    MAX_KID_LENGTH,
    KeysUnavailable,
    UnknownKey,
    VerificationKey,
    find_key,
    usable_keys,
)
from crossapp.core.jws import BadSignature, MalformedJws, UnverifiedJws, parse_jws, verify_signature
from crossapp.resource_app import replay

log = logging.getLogger("idjag_demo.authserver.client_assertion")

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = (None, "JWT", "client-authentication+jwt")
LIFETIME, SKEW = 300, 30  # seconds


class Refused(Exception):
    """The assertion is refused; the text is the reason, for the log and the audit."""


@dataclass
class Case(JwtCase):
    """One assertion during the checks; `check_client` adds the client that it names."""

    server: AuthorizationServer
    find_client: Callable[[str], Client | None]
    now: float
    client: Client = field(init=False)


def authenticate(
    assertion_type: str | None,
    assertion: str | None,
    *,
    server: AuthorizationServer,
    find_client: Callable[[str], Client | None],
    passed: Callable[[str], None],
) -> Client:
    """Return the client that signed `assertion` for `server`; `find_client` looks one up by its identifier.

    `passed` is called with the name of each check that passes, such as `client_assertion.exp`. An assertion that
    authenticates is used up, also if the request fails later. Raises Refused.
    """
    name, unverified_client_id = "client_assertion_type", ""
    try:
        if assertion_type != ASSERTION_TYPE:  # RFC 7523 section 2.2
            raise Refused(f"it is not {ASSERTION_TYPE}")
        name = "jws"
        case = Case(_parse(assertion or ""), server, find_client, time.time())
        unverified_client_id = str(case.payload.get("sub", ""))[:MAX_TEXT_LENGTH]
        for check in CHECKS:
            name = check.name
            check.run(case)
            passed(f"client_assertion.{name}")
    except (Refused, BadClaim) as refused:
        facts = {"issuer": server.issuer, "unverified_client": unverified_client_id, "check": name}
        log.info("client assertion refused %s", json.dumps(facts | {"detail": str(refused)[:MAX_TEXT_LENGTH]}))
        raise Refused(f"The client assertion fails the check {name}: {refused}.") from refused
    return case.client


def _parse(assertion: str) -> UnverifiedJws:
    """RFC 7523 section 3 (8), RFC 7515 section 5.2: a compact JWS."""
    try:
        return parse_jws(assertion)
    except MalformedJws as error:
        raise Refused(str(error)) from error


def check_typ(case: Case) -> None:
    """RFC 8725 section 3.11: no other kind of JWT is accepted as a client assertion."""
    if case.header.get("typ") not in TYPES:
        raise Refused(f"typ is not one of {TYPES}")


def check_alg(case: Case) -> None:
    """RFC 8725 section 3.1: the algorithm is on the list of this server, which never has "none" or a shared secret."""
    alg = case.header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise Refused(f"alg is not one of {', '.join(ALGORITHMS)}")


def check_crit(case: Case) -> None:
    """RFC 7515 section 4.1.11 and RFC 7797 section 6: this server supports no extension, so none may be critical."""
    if "crit" in case.header or "b64" in case.header:
        raise Refused("the header has crit or b64")


def check_kid(case: Case) -> None:
    """RFC 7515 section 4.1.4: kid is optional, and a string."""
    kid = case.header.get("kid", "-")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise Refused("kid is not a short string")


def check_iss_sub(case: Case) -> None:
    """RFC 7523 section 3 (1) and (2) B: iss and sub are the client."""
    if text(case.payload, "iss") != text(case.payload, "sub"):
        raise Refused("iss and sub differ")


def check_aud(case: Case) -> None:
    """rfc7523bis-11 section 4: for this server alone, by its issuer, byte for byte.

    By its token endpoint, as in RFC 7523 section 3 (3), only from a client whose registration says so.
    """
    audience = case.payload.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    good = [case.server.issuer] + [case.server.token_endpoint] * case.client.token_endpoint_audience
    if not isinstance(audience, str) or audience not in good:
        raise Refused(f"aud is not exactly {' or '.join(good)}")


def check_exp(case: Case) -> None:
    """RFC 7523 section 3 (4): it has not expired, and expires within LIFETIME."""
    exp = seconds(case.payload, "exp")
    if exp + SKEW <= case.now:
        raise Refused(f"the assertion has expired {how_far_off(exp, case.now, SKEW)}")
    if exp > case.now + LIFETIME + SKEW:
        raise Refused(f"exp is more than {LIFETIME} seconds from now")


def check_iat(case: Case) -> None:
    """RFC 7523 section 3 (6): iat, if present, is recent."""
    if "iat" not in case.payload:
        return
    iat = seconds(case.payload, "iat")
    if iat > case.now + SKEW:
        raise Refused(f"iat is in the future {how_far_off(iat, case.now, SKEW)}")
    if not 0 < seconds(case.payload, "exp") - iat <= LIFETIME:
        raise Refused(f"exp is not within {LIFETIME} seconds of iat")


def check_nbf(case: Case) -> None:
    """RFC 7523 section 3 (5): nbf, if present, is not in the future."""
    if "nbf" in case.payload and seconds(case.payload, "nbf") > case.now + SKEW:
        raise Refused(f"nbf is in the future {how_far_off(case.payload['nbf'], case.now, SKEW)}")


def check_jti(case: Case) -> None:
    """OpenID Connect Core section 9: jti is a string."""
    text(case.payload, "jti")


def check_client(case: Case) -> None:
    """OpenID Connect Core section 9: an active client of this server that is registered for this method."""
    client = case.find_client(case.payload["sub"])
    if client is None:
        raise Refused("this server has no such client")
    if not client.accepts(AuthMethod.PRIVATE_KEY_JWT):
        raise Refused(f"the client is registered for {client.auth_method}")
    case.client = client


def check_key(case: Case) -> None:
    """RFC 8725 sections 3.1 and 3.10: the client's own key, found by kid or as the only one for the algorithm."""
    kid = case.header.get("kid")
    try:
        case.key = find_key(_keys_of(case.client, kid), kid=kid, alg=case.header["alg"])
    except (KeysUnavailable, UnknownKey) as error:
        raise Refused(str(error)) from error


def _keys_of(client: Client, kid: str | None) -> Sequence[VerificationKey]:
    return keys().keys_at(client.jwks_uri, kid) if client.jwks_uri else usable_keys(client.jwks.get("keys", []))


def check_signature(case: Case) -> None:
    """RFC 7523 section 3 (9): the client has signed it."""
    try:
        verify_signature(case.jws, key=case.key, alg=case.header["alg"])
    except BadSignature as error:
        raise Refused("the signature is wrong") from error


def check_replay(case: Case) -> None:
    """RFC 7523 section 3 (7): it is used once; the database decides which process is first."""
    namespace = f"client-assertion {case.server.issuer} {case.client.client_id}"  # no issuer has a space
    expires_at = datetime.fromtimestamp(case.payload["exp"] + SKEW, UTC)
    try:
        with transaction.atomic(using=replay.database()):
            replay.claim(issuer=namespace, jti=case.payload["jti"], expires_at=expires_at)
    except replay.Replayed as error:
        raise Refused("the jti was used before") from error
    replay.sweep_now_and_then()


CHECKS = in_order(
    check_typ,
    check_alg,
    check_crit,
    check_kid,
    check_iss_sub,
    check_exp,
    check_iat,
    check_nbf,
    check_jti,
    check_client,
    check_aud,
    check_key,
    check_signature,
    check_replay,
)
