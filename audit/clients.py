"""Reads the unverified client identifier of a request."""

import base64
from typing import Any
from urllib.parse import unquote_plus

from crossapp.core.jws import MAX_LENGTH, MalformedJws, parse_jws


def unverified_client(request: Any) -> str:
    """Return the client identifier in an (oauthlib) request, or ""."""
    return unverified_client_in(
        request.headers.get("HTTP_AUTHORIZATION"),
        client_id=request.client_id,
        assertion=getattr(request, "client_assertion", None),
    )


def unverified_client_in(authorization: str | None, *, client_id: str | None, assertion: str | None) -> str:
    """Return the client identifier in the Authorization header, else in the client assertion, else in the body, or "".

    A value longer than the longest assertion is not read.
    """
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        return _in_basic(credentials)
    return _subject_of(assertion) if assertion else client_id or ""


def _in_basic(credentials: str) -> str:
    """RFC 6749 section 2.3.1: the identifier is form-encoded, then joined to the secret."""
    try:
        pair = base64.b64decode(credentials[:MAX_LENGTH], validate=True).decode()
    except ValueError:
        return ""
    return unquote_plus(pair.partition(":")[0]) if ":" in pair else ""


def _subject_of(assertion: str) -> str:
    """RFC 7523 section 3 (2) B: the client is the subject."""
    try:
        subject = parse_jws(assertion).unverified_payload.get("sub")
    except MalformedJws:
        return ""
    return subject if isinstance(subject, str) else ""
