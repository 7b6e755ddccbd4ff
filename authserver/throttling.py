"""Limits a client's requests and failed client authentications. RFC 6585 section 4."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from audit.clients import unverified_client
from authserver.current_server import server_of
from authserver.responses import oauth_error
from base.limits import (
    CLIENT,
    CLIENT_FAILURES,
    CLIENT_FAILURES_ADDRESS,
    Limit,
    Throttled,
    neighbourhood,
)

Authenticate = Callable[..., bool]
_Limits = list[tuple[Limit, tuple[object, ...]]]


def throttled(authenticate: Authenticate) -> Authenticate:
    """Wrap the client authentication that the token, revocation and introspection endpoints share.

    Successes count for the client, failures for the address, so an attacker without the secret cannot use up a client's
    limit, and cannot keep the client out from the same address: the credentials are checked in any case, and only
    failures get 429 (Throttled). A secret is machine-made, so guesses need no other limit.
    """

    @wraps(authenticate)
    def counted(self: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        address = neighbourhood(request.headers.get("REMOTE_ADDR", ""))
        server, client_id = server_of(request).pk, unverified_client(request)
        # The address first: over its limit, further identifiers get no counters, which would drop others' from memory.
        limits: _Limits = [
            (CLIENT_FAILURES_ADDRESS, (address, server)),
            (CLIENT_FAILURES, (address, server, client_id)),
        ]
        facts = {"unverified": {"client_id": client_id}}
        try:
            authenticated = authenticate(self, request, *args, **kwargs)
        except OAuth2Error:
            _count(limits, facts)
            raise
        if not authenticated:
            _count(limits, facts)
            return False
        CLIENT.count(request.client.pk, client_id=request.client.client_id)
        return True

    return counted


def _count(limits: _Limits, facts: dict[str, Any]) -> None:
    for limit, who in limits:
        limit.count(*who, **facts)


def throttled_response(throttled: Throttled) -> HttpResponse:
    """Answer 429 with Retry-After.

    The token endpoint has no registered code for this. `slow_down` (RFC 8628 section 3.5) would tell a device to keep
    polling. `temporarily_unavailable` (RFC 6749 section 4.1.2.1) fits: the same request may succeed later.
    """
    response = oauth_error("temporarily_unavailable", str(throttled), status=429)
    response["Retry-After"] = str(throttled.retry_after)
    return response
