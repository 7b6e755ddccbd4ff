"""RFC 7519 sections 2 and 4: checks the types of claims of a JWT: text and times."""

import math
import re
from collections.abc import Mapping
from typing import Any

MAX_TEXT_LENGTH = 255
_MOST_SECONDS = 10**10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc


class BadClaim(ValueError):
    """A claim is missing or wrong; `problem` follows the claim's `name` in a sentence."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name
        self.problem = problem


def text(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that must be text: present, not empty, not too long, on one line; raises BadClaim."""
    value = _required(claims, name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_LENGTH:
        raise BadClaim(name, f"must be a string of 1 to {MAX_TEXT_LENGTH} characters")
    if _CONTROL.search(value):
        raise BadClaim(name, "must have no control characters")
    return value


def seconds(claims: Mapping[str, Any], name: str) -> float:
    """Return a claim that must be a NumericDate: a JSON number, which Python's True is not; raises BadClaim."""
    value = _required(claims, name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadClaim(name, "must be a number of seconds")
    return value


def seconds_off(time: float, now: float) -> int:
    """Return by how many seconds, rounded up, `time` differs from `now`; a nonsensical time is cut to 300 years."""
    return math.ceil(min(abs(time - now), _MOST_SECONDS))


def how_far_off(time: float, now: float, accepted: int) -> str:
    """Return the end of a detail, for an operator whose clock may be wrong; `accepted` is the difference in seconds."""
    return f"by {seconds_off(time, now)} s; {accepted} s are accepted: compare the clocks"


def _required(claims: Mapping[str, Any], name: str) -> Any:
    value = claims.get(name)
    if value is None:
        raise BadClaim(name, "is missing")
    return value
