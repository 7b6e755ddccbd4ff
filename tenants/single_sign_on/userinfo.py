"""OpenID Connect Core 1.0 section 5.3: UserInfo, asked for the name and the email that an ID token lacks.

The ID token has authenticated the person. So the sign-in goes on without UserInfo that is missing, malformed or another
person's; the log has the reason. Leaves out signed and encrypted answers (application/jwt, section 5.3.2).
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from base.outgoing import session
from crossapp.core.errors import BadAnswer, PeerError
from crossapp.core.http import send
from crossapp.core.strict_json import strict_json_object
from tenants.subjects import NAME_PARTS, text_claim

logger = logging.getLogger(__name__)


def completed_claims(claims: Mapping[str, Any], *, endpoint: str, access_token: str) -> Mapping[str, Any]:
    """Return the claims of a verified ID token, with the name and the email of UserInfo if it lacks them.

    `endpoint` is the userinfo_endpoint of its issuer, or ""; `access_token` came with the ID token. The request takes
    five seconds at most. An email is taken together with its `email_verified`.
    """
    missing = [name for name in ("name", "email") if not text_claim(claims, name)]
    if not missing or not endpoint:
        return claims
    try:
        found = _ask(endpoint, access_token, sub=claims["sub"])
    except PeerError as error:
        logger.warning("UserInfo not used issuer=%s reason=%s", claims["iss"], error.detail)
        return claims
    if "email" in missing:
        missing.append("email_verified")
    if "name" in missing:
        missing += [part for part in NAME_PARTS if not text_claim(claims, part)]
    return {**claims, **{name: found.get(name) for name in missing}}


def _ask(endpoint: str, access_token: str, *, sub: str) -> Mapping[str, Any]:
    """Send the UserInfo request and return its claims; raises a `PeerError`."""
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", access_token):  # RFC 6750 section 2.1
        raise BadAnswer("the token response has no usable access token")
    answer = send("GET", endpoint, session=session(), headers={"Authorization": f"Bearer {access_token}"})
    return read_userinfo(answer.status, answer.headers, answer.body, sub=sub)


def read_userinfo(status: int, headers: Mapping[str, str], body: bytes, *, sub: str) -> Mapping[str, Any]:
    """Return the claims of a UserInfo response (section 5.3.2), if it is about `sub`; raises `BadAnswer`."""
    if status != 200:
        raise BadAnswer(f"the UserInfo endpoint answered {status}")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/jwt":
        raise BadAnswer(
            "the UserInfo is signed or encrypted (application/jwt), which is not supported: choose JSON at the IdP"
        )
    if media_type != "application/json":
        raise BadAnswer("the UserInfo endpoint answered 200 without the content type application/json")
    try:
        claims = strict_json_object(body)
    except ValueError as error:
        raise BadAnswer(f"the UserInfo is not JSON: {error}") from error
    if claims.get("sub") != sub:  # section 5.3.2: otherwise its values must not be used
        raise BadAnswer("sub of the UserInfo is not that of the ID token")
    return claims
