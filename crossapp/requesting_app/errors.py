"""The error that `flow` raises: what failed, at which step, and at which party."""

import enum
from collections.abc import Mapping

from .conf import current_reference


class Cause(enum.Enum):
    """The cause of missing access, for the reader of a page."""

    SIGN_IN_AGAIN = "sign_in_again"  # the user must sign in
    NOT_ALLOWED = "not_allowed"  # the user's organisation or the resource app denies it to this user
    UNREACHABLE = "unreachable"  # a peer does not answer, or answers 429 or 5xx
    BAD_ANSWER = "bad_answer"  # a peer's answer cannot be used
    NOT_OFFERED = "not_offered"  # a peer does not support cross-app access
    REFUSED = "refused"  # a wrong configuration: the operator must act


class Party(enum.Enum):
    """The party at which a step failed."""

    IDENTITY_PROVIDER = "identity_provider"
    AUTHORIZATION_SERVER = "authorization_server"  # of the resource app
    API = "api"  # of the resource app
    REQUESTING_APP = "requesting_app"  # this project


_PARTIES = {
    "refresh": Party.IDENTITY_PROVIDER,
    "token_exchange": Party.IDENTITY_PROVIDER,
    "jwt_bearer": Party.AUTHORIZATION_SERVER,
    "api": Party.API,
}


class CrossAppError(Exception):
    """No access to the resource app.

    `detail` is for the log and holds no token or secret. `step` is the step of the flow, `party` where it failed: by
    default the peer of that step. `code` and `description` are the peer's OAuth error, if it sent one.
    `sign_in_parameters` are for the next authorization request (RFC 9470 section 4). `reference` finds the log lines of
    the request that failed first (see `conf`).
    """

    def __init__(
        self,
        cause: Cause,
        detail: str,
        *,
        step: str,
        party: Party | None = None,
        code: str = "",
        description: str = "",
        sign_in_parameters: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{step}: {detail}")
        self.cause = cause
        self.detail = detail
        self.step = step
        self.party = party or _PARTIES.get(step, Party.REQUESTING_APP)
        self.code = code
        self.description = description
        self.sign_in_parameters = dict(sign_in_parameters or {})
        self.reference = current_reference()
        self.is_new = True  # until `failures` has told of it
        self.is_remembered = False
