"""RFC 6749 section 5.2: the refusals of the resource side. The class is the error code.

`description` is for the peer: it says what to correct and reveals no accounts. `detail` and `check` are for the log.
"""

from typing import ClassVar

from .oauth_text import oauth_text

_MAX_SHOWN = 100


class Refused(Exception):
    """A refusal. `check` is the name of the check that failed (see `id_jag.CHECKS` and the README)."""

    error: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(self, description: str, *, check: str = "", detail: str = "") -> None:
        super().__init__(description)
        self.description = oauth_text(description)
        self.check = check
        self.detail = detail


class InvalidRequest(Refused):
    """The request is malformed or a parameter is repeated."""

    error = "invalid_request"


class InvalidGrant(Refused):
    """The ID-JAG is invalid, for another server or client, or was redeemed before: RFC 7523 section 3.1."""

    error = "invalid_grant"


class UnauthorizedClient(Refused):
    """The client may not use this grant."""

    error = "unauthorized_client"


class InvalidScope(Refused):
    """None of the requested scopes can be granted."""

    error = "invalid_scope"


class InvalidTarget(Refused):
    """The request names a resource that is not this server's or not the ID-JAG's: RFC 8707 section 2."""

    error = "invalid_target"


class InvalidAuthorizationDetails(Refused):
    """The request has `authorization_details`, of which no type is supported: RFC 9396 section 5."""

    error = "invalid_authorization_details"


class InvalidDPoPProof(Refused):
    """The request has a DPoP proof, which this server does not support: RFC 9449 section 5."""

    error = "invalid_dpop_proof"


class AccessDenied(Refused):
    """The grant is valid, but a policy of the resource side refuses it. Any method of a host may raise it."""

    error = "access_denied"


class TemporarilyUnavailable(Refused):
    """A service that this app needs does not answer; the same request may succeed later."""

    error = "temporarily_unavailable"
    status = 503
    retry_after = 30  # seconds


class Busy(TemporarilyUnavailable):
    """This app's database is unavailable for a moment."""

    retry_after = 5


def shown(value: object) -> str:
    """Return a peer's value for a description: quoted and short."""
    if not isinstance(value, str):
        return "not a string"
    return f"'{value[:_MAX_SHOWN]}{'...' if len(value) > _MAX_SHOWN else ''}'"
