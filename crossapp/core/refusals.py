"""RFC 6749 section 5.2: how an authorization server refuses an ID-JAG. The class is the error code.

`description` is for the peer: it says what to mend and nothing about who exists. `detail` and `check` are for the log.
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
    """The ID-JAG is not valid, not for us, not for this client, or was redeemed before: RFC 7523 section 3.1."""

    error = "invalid_grant"


class UnauthorizedClient(Refused):
    """The client may not use this grant."""

    error = "unauthorized_client"


class InvalidScope(Refused):
    """Nothing of what was asked for can be granted."""

    error = "invalid_scope"


class InvalidTarget(Refused):
    """The request names a resource that is not ours or not the ID-JAG's: RFC 8707 section 2."""

    error = "invalid_target"


class InvalidAuthorizationDetails(Refused):
    """The request has `authorization_details`, of which no type is known here: RFC 9396 section 5."""

    error = "invalid_authorization_details"


class InvalidDPoPProof(Refused):
    """The request brings a proof of possession, to which no token is bound here: RFC 9449 section 5."""

    error = "invalid_dpop_proof"


class AccessDenied(Refused):
    """The grant is good, but a policy of this side refuses it. For hosts to raise, from any of their methods."""

    error = "access_denied"


class TemporarilyUnavailable(Refused):
    """Something this side depends on does not answer; the same request may succeed later."""

    error = "temporarily_unavailable"
    status = 503
    retry_after = 30  # seconds


class Busy(TemporarilyUnavailable):
    """What this side depends on is its own database, which is soon back."""

    retry_after = 5


def shown(value: object) -> str:
    """Return a peer's own value as it may stand in a description: quoted and short."""
    if not isinstance(value, str):
        return "not a string"
    return f"'{value[:_MAX_SHOWN]}{'...' if len(value) > _MAX_SHOWN else ''}'"
