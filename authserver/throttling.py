"""How often a client may ask, and how often anybody may be wrong about its secret. RFC 6585 section 4."""

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any

import jwt
from django.http import HttpResponse
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from authserver.responses import oauth_error
from tenants.throttling import CLIENT, CLIENT_FAILURES, CLIENT_FAILURES_ADDRESS, Throttled, neighbourhood

Authenticate = Callable[..., bool]


def throttled(authenticate: Authenticate) -> Authenticate:
    """Wrap the client authentication that the token, revocation and introspection endpoints share.

    Successes are counted for the client, failures for the address: nobody can use up the requests of a client whose
    secret they do not have. Raises Throttled.
    """

    @wraps(authenticate)
    def counted(self: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        address = neighbourhood(request.headers.get("REMOTE_ADDR", ""))
        server = request.headers["X_SERVER"].pk
        claimed = (address, server, _claimed_client(request))
        CLIENT_FAILURES.check(*claimed)
        CLIENT_FAILURES_ADDRESS.check(address, server)
        authenticated = False
        try:
            authenticated = authenticate(self, request, *args, **kwargs)
        except OAuth2Error:
            _note_failure(claimed)
            raise
        if not authenticated:
            _note_failure(claimed)
            return False
        CLIENT.count(request.client.pk)
        return True

    return counted


def throttled_response(throttled: Throttled) -> HttpResponse:
    """Answer 429 with Retry-After.

    No code for this is registered at the token endpoint; `slow_down` (RFC 8628 section 3.5) would tell a device to go
    on polling. `temporarily_unavailable` (RFC 6749 section 4.1.2.1) says what is meant: the same request may succeed
    later.
    """
    response = oauth_error("temporarily_unavailable", str(throttled), status=429)
    response["Retry-After"] = str(throttled.retry_after)
    return response


def _note_failure(claimed: tuple[str, int, str]) -> None:
    CLIENT_FAILURES.note(*claimed)
    CLIENT_FAILURES_ADDRESS.note(*claimed[:2])


def _claimed_client(request: Any) -> str:
    """Return the client identifier that the request brings, which nothing has verified yet; "" if it is elsewhere."""
    scheme, _, pair = str(request.headers.get("HTTP_AUTHORIZATION") or "").partition(" ")
    try:
        if scheme.lower() == "basic":
            return base64.b64decode(pair).decode("utf-8", "replace").partition(":")[0]
        if assertion := getattr(request, "client_assertion", None):
            return str(jwt.decode(assertion, options={"verify_signature": False}).get("sub"))
    except (jwt.PyJWTError, ValueError):
        return ""
    return str(request.client_id or "")
