"""Sends all HTTP requests, with limits of time and size, without redirects, cookies or proxies.

In: a request and its deadline. Out: the answer, with any status; or `Unreachable` or `BadAnswer`.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from .errors import BadAnswer, Unreachable
from .urls import is_acceptable_url

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 2.0, 4.0, 5.0
MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """An HTTP response. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class TooLong(requests.RequestException):
    """The answer is too long."""


class TooSlow(requests.Timeout):
    """The answer is not complete in time."""


class BoundedSession(requests.Session):
    """A session that returns only complete answers within the limits.

    It takes no proxies or passwords from the environment, follows no redirect and keeps no cookie. It does not
    check addresses: fetch only URLs of trusted parties.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, even if the caller asks: a secret in the request must not reach another host."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send `request`; raises requests.RequestException, also for an answer that is too long or too slow."""
        timeout = kwargs.get("timeout") or (CONNECT_SECONDS, READ_SECONDS)
        deadline = deadline_within(timeout)
        response = super().send(request, **kwargs | {"stream": True, "timeout": timeout})
        with response:
            response._content = read_whole(response, deadline)
        return response


class DefaultSession(BoundedSession):
    """The default session of a product: https, or plain http to this machine."""

    def get_adapter(self, url: str) -> Any:
        if not is_acceptable_url(url, query=True):
            raise requests.exceptions.InvalidSchema(f"{url} is neither https nor on this machine")
        return super().get_adapter(url)


@cache
def default_session() -> requests.Session:
    """Return the default session, shared by all threads of this process."""
    return DefaultSession()


def deadline_within(timeout: Any) -> float:
    """Return the deadline (`time.monotonic`) of an answer, which the caller may set earlier."""
    return time.monotonic() + min(TOTAL_SECONDS, getattr(timeout, "total", None) or TOTAL_SECONDS)


def read_whole(response: requests.Response, deadline: float) -> bytes:
    """Return the decoded body of `response`, at most `MAX_BYTES`, read until `deadline` (`time.monotonic`).

    Raises `TooLong`, `TooSlow` or another RequestException.
    """
    body = bytearray()
    try:
        for chunk in _chunks(response):
            body += chunk
            if len(body) > MAX_BYTES:
                raise TooLong(f"it answered more than {MAX_BYTES} bytes", response=response)
            if time.monotonic() > deadline:
                raise TooSlow("it took too long to answer")
    except HTTPError as error:
        raise requests.RequestException(type(error).__name__) from error
    return bytes(body)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it arrives, one read of the socket at a time, so a slow peer cannot exceed the deadline."""
    if response.raw is None or response.raw.closed:  # the session has read it already
        yield response.content
        return
    while chunk := response.raw.read1(16 * 1024, decode_content=True):
        yield chunk


def send(
    method: str,
    url: str,
    *,
    session: requests.Session,
    headers: Mapping[str, str] | None = None,
    deadline: float | None = None,
    form: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
) -> Answer:
    """Send a request and return its answer; `deadline` is in the seconds of `time.monotonic`.

    A request is repeated once if the connection failed, a GET also if the connection broke. Nothing else is repeated,
    because the peer may have acted on it. Raises `Unreachable` or `BadAnswer`.
    """
    soonest = time.monotonic() + TOTAL_SECONDS
    deadline = soonest if deadline is None else min(deadline, soonest)
    request: dict[str, Any] = {"data": form, "params": params, "json": json}
    request["headers"] = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    try:
        try:
            return _send_once(session, method, url, deadline, request)
        except requests.ConnectionError as error:
            if not _may_repeat(method, error):
                raise
            return _send_once(session, method, url, deadline, request)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise BadAnswer(f"requests to {url} are not allowed") from error
    except (OSError, HTTPError) as error:  # requests.RequestException is an OSError
        if getattr(error, "response", None) is not None:
            raise BadAnswer(f"the answer of {url} cannot be used: {_reason(error)}") from error
        raise Unreachable(f"{url} does not answer: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return this module's message, or the type of a library's error, whose message may quote a secret."""
    return str(error) if isinstance(error, TooLong | TooSlow) else type(error).__name__


def _send_once(session: requests.Session, method: str, url: str, deadline: float, request: Mapping[str, Any]) -> Answer:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise Unreachable(f"no time left for a request to {url}")
    timeout: Any = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS, total=remaining)  # requests hands it on
    with session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **request) as response:
        body = read_whole(response, deadline)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, body)


def _may_repeat(method: str, error: requests.ConnectionError) -> bool:
    """Say whether the request cannot have taken effect. A timeout is not repeated."""
    if isinstance(error, requests.Timeout):
        return False
    cause = getattr(error.args[0], "reason", error.args[0]) if error.args else None
    return method == "GET" or isinstance(cause, NewConnectionError | NameResolutionError)
