"""RFC 7519: looking into a JWT that is not ours to verify.

What comes out is what somebody claims. It serves to notice a wrong token before it is sent on, and to explain the flow.
Leaves out signatures on purpose: the audience of the token checks them.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from .strict_json import json_object

MAX_CHARACTERS = 16 * 1024


@dataclass(frozen=True)
class UnverifiedJwt:
    """The header and the claims of a JWT, as found."""

    header: dict[str, Any]
    claims: dict[str, Any]


def unverified_jwt(token: str) -> UnverifiedJwt:
    """Take `token` apart; raises `ValueError` if it is no signed JWT in compact form (RFC 7515 section 7.1)."""
    parts = token.split(".")
    if len(token) > MAX_CHARACTERS or len(parts) != 3 or not all(parts):
        raise ValueError("not a signed JWT in compact form")
    return UnverifiedJwt(header=json_object(_decoded(parts[0])), claims=json_object(_decoded(parts[1])))


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
