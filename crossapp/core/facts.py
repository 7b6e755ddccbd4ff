"""What is known of one request to a token endpoint. It travels on the request, as `request.facts`."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class RequestFacts(dict[str, Any]):
    """The facts by name, as far as the request got: `client_id`, `audience`, `issuer`, `sub`, `jti`, `resource`, ….

    What is only claimed stands apart, in `unverified`; `detail` says why the request is refused, and is not for the
    peer. `passed` has the names of the checks that passed, in order, and `failed` that of the check that did not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []
        self.failed = ""
        self._started = time.monotonic()

    @classmethod
    def of(cls, request: Any) -> "RequestFacts":
        """Return the facts of an oauthlib request. A parameter of that name never passes for them."""
        facts: RequestFacts = vars(request).setdefault("facts", cls())
        return facts

    @property
    def ms(self) -> float:
        """How long the request has taken so far."""
        return round((time.monotonic() - self._started) * 1000, 1)

    def check(self, name: str, run: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Return what `run` returns, and note that the check `name` passed; if `run` raises, that it failed."""
        try:
            result = run(*args, **kwargs)
        except Exception:
            self.failed = name
            raise
        self.passed.append(name)
        return result
