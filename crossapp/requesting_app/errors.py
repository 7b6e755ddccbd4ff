"""What can go wrong, in two families.

`PeerError`: what an authorization server or an API did, as the protocol modules see it.
`CrossAppError`: what `flow` raises, with a cause that a page can explain to its reader.
"""

import enum
from collections.abc import Mapping


class Cause(enum.Enum):
    """Why there is no access, in the words of somebody looking at a page."""

    SIGN_IN_AGAIN = "sign_in_again"  # the user can mend it by signing in
    NOT_ALLOWED = "not_allowed"  # the user's organisation says no
    UNREACHABLE = "unreachable"  # nobody answers just now
    REFUSED = "refused"  # something is set up wrongly: the operator has to look


class CrossAppError(Exception):
    """No access to the resource app.

    `detail` is for the log and holds no token or secret. `step` names where it happened. `code` is the OAuth error
    code, if a peer sent one. `sign_in_parameters` are for the next authorization request (RFC 9470 section 4).
    """

    def __init__(
        self,
        cause: Cause,
        detail: str,
        *,
        step: str,
        code: str = "",
        sign_in_parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{step}: {detail}")
        self.cause = cause
        self.detail = detail
        self.step = step
        self.code = code
        self.sign_in_parameters = dict(sign_in_parameters or {})


class PeerError(Exception):
    """Something went wrong between us and a peer."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unreachable(PeerError):
    """No answer in time, or one that says to come back later (429, 5xx), perhaps with the seconds until then."""

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BadAnswer(PeerError):
    """An answer that the protocol does not allow, or that is not what was asked for."""


class OAuthError(PeerError):
    """An error response of a token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, code: str, description: str = "", sign_in_parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.sign_in_parameters = dict(sign_in_parameters or {})
