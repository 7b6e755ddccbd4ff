"""RFC 6749 section 5: the common parts of a token endpoint's answer.

The modules of the grants interpret the fields.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from .errors import BadAnswer, NotOffered, OAuthError, PeerError, Unreachable
from .oauth_text import is_oauth_text, printable
from .strict_json import strict_json_object

MAX_DESCRIPTION = 2000
TEMPORARY = {"temporarily_unavailable", "server_error"}


def read_token_response(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the parameters of a successful response.

    Raises `Unreachable` (try again later), `OAuthError` (an OAuth error response) or `BadAnswer` (any other answer).
    """
    if status == 429 or status >= 500:
        raise _unavailable(status, headers, body)
    try:
        answer = strict_json_object(body)
    except ValueError as error:
        raise _unusable(status, f"with a body that is not JSON: {error}") from error
    if status == 200:
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":  # RFC 6749 section 5.1
            raise BadAnswer("the token endpoint answered 200 without the content type application/json")
        return answer
    raise _error(status, answer)


def _unavailable(status: int, headers: Mapping[str, str], body: bytes) -> Unreachable:
    """Return the error for 429 or 5xx, with the OAuth error in `body`, if any."""
    try:
        said = _error(status, strict_json_object(body))
    except ValueError:
        said = BadAnswer("")
    words = ": ".join(filter(None, [f"the token endpoint answered {status}", said.code, said.description]))
    retry_after = _seconds(headers.get("retry-after", ""))
    return Unreachable(words, retry_after=retry_after, code=said.code, description=said.description)


def _unusable(status: int, why: str) -> BadAnswer:
    """Return the error for an answer that is no token response; 404 means that there is no token endpoint."""
    kind = NotOffered if status == 404 else BadAnswer
    return kind(f"the token endpoint answered {status} {why}")


def _seconds(retry_after: str) -> int | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3); a date there is not supported."""
    return int(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()) else None


def _error(status: int, answer: dict[str, Any]) -> PeerError:
    code = answer.get("error")
    if not isinstance(code, str) or not 1 <= len(code) <= 100 or not is_oauth_text(code):  # section 5.2
        return _unusable(status, "without an error code")
    description = printable(answer.get("error_description"), longest=MAX_DESCRIPTION)
    if code in TEMPORARY:
        return Unreachable(f"{code}: {description}", code=code, description=description)
    return OAuthError(code, description, _sign_in_parameters(answer))


def _sign_in_parameters(answer: dict[str, Any]) -> dict[str, str]:
    """Return the parameters that the server requires of the next sign-in (RFC 9470 section 3)."""
    wanted: dict[str, str] = {}
    max_age, acr_values = answer.get("max_age"), answer.get("acr_values")
    if isinstance(max_age, int) and not isinstance(max_age, bool) and 0 <= max_age <= 10**9:
        wanted["max_age"] = str(max_age)
    if isinstance(acr_values, str) and re.fullmatch(r"[\x21-\x7E]+( [\x21-\x7E]+)*", acr_values[:500]):
        wanted["acr_values"] = acr_values[:500]
    return wanted


def text_parameter(answer: Mapping[str, Any], name: str) -> str:
    """Return a parameter that must be a non-empty string; raises `BadAnswer`."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise BadAnswer(f"the token response has no usable {name}")
    return value


def scope_parameter(answer: Mapping[str, Any], *, requested: str) -> str:
    """Return the scope granted: the requested one unless the response says otherwise (RFC 6749 section 5.1).

    An empty scope, which RFC 6749 appendix A.4 does not allow, counts as absent. That widens nothing: the server that
    the token is for decides by the token, not by this text.
    """
    value = answer.get("scope", requested)
    if not isinstance(value, str) or len(value) > 1000 or not is_oauth_text(value):
        raise BadAnswer("the scope of the token response is not a list of scopes")
    return " ".join(value.split() or requested.split())


def resource_parameter(said: Mapping[str, Any], *, of: str, requested: str) -> frozenset[str] | None:
    """Return the resources that a response, or an ID-JAG, names: those requested; None if it names none.

    ID-JAG branch resource-iss-validation sections 4.3.4 and 4.4.2: a string, or a non-empty array of different strings.
    Raises `BadAnswer`, in words about `of`, for anything else, and for a resource that was not requested. Compared byte
    for byte; nothing is compared if `requested` is empty.
    """
    if "resource" not in said:
        return None
    value = said["resource"]
    named = value if isinstance(value, list) else [value]
    if not named or not all(isinstance(one, str) and one for one in named) or len(set(named)) < len(named):
        raise BadAnswer(f"resource of {of} is neither a URI nor an array of different URIs")
    if requested and named != [requested]:
        raise BadAnswer(f"resource of {of} is {value!a}, asked for {requested!r}")
    return frozenset(named)


def expiry_parameter(answer: Mapping[str, Any], *, now: datetime, default: int, longest: int) -> datetime:
    """Return the expiry of the token: after `expires_in` seconds, or `default`, but at most after `longest`.

    Some servers send a string of digits, though RFC 6749 section 5.1 demands a JSON number.
    """
    seconds = answer.get("expires_in", default)
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,10}", seconds):
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or math.isnan(seconds) or seconds <= 0:
        raise BadAnswer("expires_in of the token response is not a positive number")
    return now + timedelta(seconds=min(seconds, longest))
