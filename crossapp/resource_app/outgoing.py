"""The HTTP session this app uses unless CROSSAPP_RESOURCE_APP["HTTP_SESSION"] names a better one.

https only, no redirects, no cookies, nothing from the environment, an answer that is small and complete within
seconds. It does not look at addresses: only what the host's trusted issuers name is fetched, never what a client
sends.
"""

import io
import time
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 2.0, 4.0, 5.0
MAX_BODY = 256 * 1024


@cache
def session() -> requests.Session:
    """Return the session that every thread of this process shares."""
    return BoundedSession()


class BoundedSession(requests.Session):
    """A session whose every answer has been read whole, within limits, when it is returned."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        del self.adapters["http://"]

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, whatever the caller says."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send `request`; raises requests.RequestException, for an answer that is too long or too slow as well."""
        deadline = time.monotonic() + TOTAL_SECONDS
        response = super().send(request, **kwargs | {"stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS)})
        with response:
            body = _read(response, deadline)
        response.raw = io.BytesIO(body)
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the body of `response` as it came, one read of the socket at a time: a drip must not reset the clock."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(16 * 1024, decode_content=True):
            body += chunk
            if len(body) > MAX_BODY:
                raise requests.RequestException(f"the answer is longer than {MAX_BODY} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout(f"no complete answer within {TOTAL_SECONDS} seconds")
    except urllib3.exceptions.HTTPError as error:
        raise requests.RequestException(str(error)) from error
    return bytes(body)
