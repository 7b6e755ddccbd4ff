"""What `flow` raises: an error with a cause that a page can explain to its reader."""

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
