"""RFC 7523 section 2.1, client side, as profiled by ID-JAG -04 section 4.4: exchanges an ID-JAG for an access token.

The ID-JAG goes to the resource app's authorization server; the answer is that of RFC 6749 section 5.1.
Leaves out refresh tokens: one in the response is ignored (ID-JAG -04 section 4.4.3), a new ID-JAG takes its place.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .errors import BadAnswer
from .token_response import (
    expiry_parameter,
    read_token_response,
    resource_parameter,
    scope_parameter,
    text_parameter,
)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEFAULT_SECONDS = 300  # if the server sends no expires_in
LONGEST_SECONDS = 24 * 3600


@dataclass(frozen=True)
class AccessToken:
    """An access token for the resource app's API."""

    value: str = field(repr=False)
    scope: str
    expires_at: datetime


def build_request(*, id_jag: str, scope: str, resource: str) -> dict[str, str]:
    """Return the form of the access token request (RFC 7523 section 2.1, RFC 8707 section 2.2)."""
    form = {"grant_type": GRANT_TYPE, "assertion": id_jag, "scope": scope, "resource": resource}
    return {name: value for name, value in form.items() if value}


def read_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    requested_scope: str,
    requested_resource: str,
    now: datetime,
) -> AccessToken:
    """Return the access token of a response, with the granted scope; raises a `PeerError`.

    A response that names no resource is for the requested one. The ID-JAG was for that one or for none in particular,
    so this is within the ID-JAG's (ID-JAG branch resource-iss-validation section 4.4.2).
    """
    answer = read_token_response(status, headers, body)
    if text_parameter(answer, "token_type").lower() != "bearer":  # RFC 6749 sections 5.1 and 7.1
        raise BadAnswer("token_type is not Bearer")
    value = text_parameter(answer, "access_token")
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{1,16384}=*", value):  # RFC 6750 section 2.1
        raise BadAnswer("the access token is malformed")
    resource_parameter(answer, of="the token response", requested=requested_resource)
    return AccessToken(
        value=value,
        scope=scope_parameter(answer, requested=requested_scope),
        expires_at=expiry_parameter(answer, now=now, default=DEFAULT_SECONDS, longest=LONGEST_SECONDS),
    )
