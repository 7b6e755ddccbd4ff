"""RFC 6749 section 6 and OpenID Connect Core 1.0 section 12: exchanges a refresh token for a new ID token.

Ignores the access token of the response, because nothing calls the IdP's APIs. The signature of the new ID token is
verified by the host product's `SubjectTokenStore.replace`, with the keys it verified the sign-in with.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import BadAnswer
from .jws import parse_jws
from .token_response import read_token_response


class WrongTokens(BadAnswer):
    """The refresh succeeded, but its tokens do not match the old ones and must not be used."""


@dataclass(frozen=True)
class Refreshed:
    """The tokens that replace the old ones."""

    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def build_request(*, refresh_token: str) -> dict[str, str]:
    """Return the form of the refresh request (RFC 6749 section 6)."""
    return {"grant_type": "refresh_token", "refresh_token": refresh_token}


def read_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    issuer: str,
    client_id: str,
    old_id_token: str,
    old_refresh_token: str,
) -> Refreshed:
    """Return the new tokens; raises a `PeerError`, `WrongTokens` if the new tokens do not match the old ones."""
    answer = read_token_response(status, headers, body)
    id_token = answer.get("id_token")
    if not isinstance(id_token, str):
        raise WrongTokens("the refresh response has no ID token")
    old, new = _claims(old_id_token), _claims(id_token)
    if new.get("iss") != issuer:  # OpenID Connect Core 1.0 section 12.2
        raise WrongTokens("iss of the new ID token differs")
    if new.get("sub") != old.get("sub"):  # OpenID Connect Core 1.0 section 12.2
        raise WrongTokens("sub of the new ID token differs")
    audience = new.get("aud")
    if client_id not in (
        audience if isinstance(audience, list) else [audience]
    ):  # OpenID Connect Core 1.0 section 12.2
        raise WrongTokens("aud of the new ID token differs")
    refresh_token = answer.get("refresh_token") or old_refresh_token  # without a new one, the old one stays valid
    if not isinstance(refresh_token, str) or not re.fullmatch(r"[\x20-\x7E]{1,16384}", refresh_token):  # RFC 6749 A.17
        raise WrongTokens("the refresh response has no usable refresh token")
    return Refreshed(id_token=id_token, refresh_token=refresh_token)


def _claims(id_token: str) -> Mapping[str, Any]:
    try:
        return parse_jws(id_token).unverified_payload
    except ValueError as error:
        raise WrongTokens(f"the ID token is malformed: {error}") from error
