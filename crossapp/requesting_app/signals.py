"""Signals of the flow, for instance for a debug console."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.dispatch import Signal

StepKind = Literal["refresh", "token_exchange", "jwt_bearer", "api"]


@dataclass(frozen=True)
class Step:
    """One HTTP request and its answer. Secrets, tokens and assertions are masked: it may be stored and shown.

    `request` has the keys "headers" and, where there is one, "form", "params" or "json". `response` is the parsed JSON,
    a remark about a body that is not JSON, or None. `claims` maps "subject_token", "id_jag" and "access_token" to
    {"header": …, "claims": …}, decoded but not verified, for those tokens of the step that are JWTs.
    """

    kind: StepKind
    method: str
    url: str
    status: int | None  # None: no answer
    duration_ms: int
    started_at: datetime
    request: dict[str, Any]
    response: Any
    claims: dict[str, Any]


# Sent after every HTTP exchange of the flow, with `user`, `resource_app` and `step`. Receivers cannot break the flow.
step_taken = Signal()

# Sent for each look-up of an access token, with `user`, `resource_app` and `result`: "hit" (a stored one was valid),
# "miss" (an exchange brought a new one) or "failed" (there is none). Receivers cannot break the flow.
token_looked_up = Signal()

# Sent for a failure, with `user`, `resource_app` and `error`, a `CrossAppError`: once for each remembered failure (see
# `failures`), not for each request that it spoils. Receivers cannot break the flow.
access_failed = Signal()
