"""The error that `flow` raises, with a cause for the reader of a page."""

import enum
from collections.abc import Mapping


class Cause(enum.Enum):
    """The cause of missing access, for the reader of a page."""

    SIGN_IN_AGAIN = "sign_in_again"  # the user must sign in
    NOT_ALLOWED = "not_allowed"  # the user's organisation refuses
    UNREACHABLE = "unreachable"  # a peer does not answer
    REFUSED = "refused"  # a wrong configuration: the operator must act


class CrossAppError(Exception):
    """No access to the resource app.

    `detail` is for the log and holds no token or secret. `step` is the step of the flow. `code` is the OAuth error
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
