"""The facts of one request to a token endpoint, stored on the request as `request.facts`."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class RequestFacts(dict[str, Any]):
    """The known facts by name: `client_id`, `audience`, `issuer`, `sub`, `jti`, `resource`, ….

    Unverified claims are apart, in `unverified`. `detail` is the reason of a refusal, not for the peer. `passed` has
    the names of the checks that passed, in order, and `failed` that of the failed check.
    """

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []
        self.failed = ""
        self._started = time.monotonic()

    @classmethod
    def of(cls, request: Any) -> "RequestFacts":
        """Return the facts of an oauthlib request. A parameter called `facts` is never used as such."""
        facts: RequestFacts = vars(request).setdefault("facts", cls())
        return facts

    @property
    def ms(self) -> float:
        """The milliseconds since the request began."""
        return round((time.monotonic() - self._started) * 1000, 1)

    def check(self, name: str, run: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Return the result of `run`, and note that the check `name` passed, or failed if `run` raises."""
        try:
            result = run(*args, **kwargs)
        except Exception:
            self.failed = name
            raise
        self.passed.append(name)
        return result
