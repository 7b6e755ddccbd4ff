"""RFC 7515 (JWS) and RFC 8725: a strict parser of the compact form, and the check of a signature.

Every value is unverified, and named so, until `verify_signature` has returned. No encryption (RFC 7516), no JSON
serialization, no unencoded payload (RFC 7797). Nothing is fetched.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .algorithms import ALGORITHMS
from .jwk import VerificationKey
from .strict_json import NotStrictJson, strict_json_object

MAX_LENGTH = 16 * 1024


class MalformedJws(ValueError):
    """The text is not a compact JWS with a JSON object as payload; the message says why, without quoting it."""


class BadSignature(Exception):
    """The signature was not made with this key and algorithm over this header and payload."""


@dataclass(frozen=True)
class UnverifiedJws:
    """A well-formed, unverified JWS."""

    unverified_header: Mapping[str, Any]
    unverified_payload: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def parse_jws(compact: str) -> UnverifiedJws:
    """Decode `compact`: RFC 7515 section 5.2 steps 1 to 7 and RFC 7519 section 7.2; raises MalformedJws."""
    if len(compact) > MAX_LENGTH:
        raise MalformedJws(f"it is longer than {MAX_LENGTH} bytes")
    parts = compact.split(".")
    if len(parts) != 3:
        raise MalformedJws("it does not have three parts")
    header, payload, signature = map(_base64url, parts)
    try:
        unverified_header = strict_json_object(header)
    except NotStrictJson as error:
        raise MalformedJws(f"its header is malformed: {error}") from error
    try:
        unverified_payload = strict_json_object(payload)
    except NotStrictJson as error:
        raise MalformedJws(f"its payload is malformed: {error}") from error
    return UnverifiedJws(unverified_header, unverified_payload, compact.rpartition(".")[0].encode(), signature)


def verify_signature(jws: UnverifiedJws, *, key: VerificationKey, alg: str) -> None:
    """Check the signature: RFC 7515 section 5.2 step 8. `alg` is an accepted algorithm; raises BadSignature.

    The key's own type, curve and algorithm must match, regardless of the header: RFC 8725 section 3.1.
    """
    if not key.fits(alg) or not ALGORITHMS[alg].verifier.verify(jws.signing_input, key.public_key, jws.signature):
        raise BadSignature


def _base64url(part: str) -> bytes:
    """Decode one part: RFC 7515 section 2, without padding, line breaks or unused bits."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", part) or len(part) % 4 == 1:
        raise MalformedJws("a part is not base64url without padding")
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise MalformedJws("a part is not base64url without padding")
    return decoded
