"""The one place of this app that sends HTTP.

In: a request, and the moment by which it must be over. Out: the answer, whatever its status; or `Unreachable` or
`BadAnswer`. Redirects are not followed: a secret in the request must not travel on.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from django.utils.module_loading import import_string
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from .conf import conf
from .errors import BadAnswer, Unreachable

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 2.0, 4.0, 5.0
MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """An HTTP response. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@cache
def default_session() -> requests.Session:
    """Return the session used when the host product names none: nothing of the environment, and no cookies."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _session() -> requests.Session:
    path = conf().http_session
    session: requests.Session = import_string(path)() if path else default_session()
    return session


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    deadline: float | None = None,
    form: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
) -> Answer:
    """Send a request and return its answer; `deadline` is in the seconds of `time.monotonic`.

    A request is sent once more if no connection came about, a GET also if the connection broke; nothing else is
    repeated, because the peer may have acted on it. Raises `Unreachable` or `BadAnswer`.
    """
    soonest = time.monotonic() + TOTAL_SECONDS
    deadline = soonest if deadline is None else min(deadline, soonest)
    request = {"headers": {"Accept": "application/json", "Accept-Encoding": "identity", **headers}, "data": form}
    request |= {"params": params, "json": json}
    try:
        try:
            return _send_once(method, url, deadline, request)
        except requests.ConnectionError as error:
            if not _may_repeat(method, error):
                raise
            return _send_once(method, url, deadline, request)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise BadAnswer(f"no request may go to {url}") from error
    except (OSError, HTTPError) as error:  # requests.RequestException is an OSError
        if getattr(error, "response", None) is not None:
            raise BadAnswer(f"the answer of {url} cannot be used: {_reason(error)}") from error
        raise Unreachable(f"{url} does not answer: {type(error).__name__}") from error


def _reason(error: Exception) -> str:
    """Return what the session itself found wrong, or the kind of a library's error, which quotes nobody."""
    return str(error) if type(error) is requests.RequestException else type(error).__name__


def _send_once(method: str, url: str, deadline: float, request: Mapping[str, Any]) -> Answer:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise Unreachable(f"no time left to ask {url}")
    timeout: Any = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS, total=remaining)  # requests hands it on
    with _session().request(method, url, timeout=timeout, allow_redirects=False, stream=True, **request) as response:
        body = bytearray()
        for chunk in _chunks(response):
            body += chunk
            if len(body) > MAX_BYTES:
                raise BadAnswer(f"{url} answered more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise Unreachable(f"{url} took too long to answer")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, bytes(body))


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it arrives: a peer that drips byte by byte must not keep us past the deadline."""
    if response.raw is None or response.raw.closed:  # the session has read it already
        yield response.content
        return
    while chunk := response.raw.read1(4096):
        yield chunk


def _may_repeat(method: str, error: requests.ConnectionError) -> bool:
    """Say whether the request cannot have done anything yet; a timeout is no reason to wait for another one."""
    if isinstance(error, requests.Timeout):
        return False
    cause = getattr(error.args[0], "reason", error.args[0]) if error.args else None
    return method == "GET" or isinstance(cause, NewConnectionError | NameResolutionError)
