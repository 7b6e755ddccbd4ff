"""RFC 6750 section 2.1: a request to a resource app's API with the access token in the Authorization header."""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import unquote, urlsplit

from ..core.errors import BadAnswer, PeerError, Unreachable
from ..core.strict_json import strict_json
from . import failures
from .errors import Cause, CrossAppError, Party
from .peer_requests import Run, explained, ms_since, not_configured, request

logger = logging.getLogger(__name__)
SECONDS = 3.0  # for one request, because a page waits for it
AT_A_TIME = 16  # requests of this process to one API; more at once would only slow each other down

_turns: dict[Any, BoundedSemaphore] = {}  # by resource app


@dataclass(frozen=True)
class ApiResponse:
    """The API's answer: the status, and the parsed JSON or None."""

    status: int
    body: Any


def call(
    run: Run, access_token: str, *, method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None
) -> ApiResponse:
    """Call `path` below the API of the run's resource app; raises `CrossAppError`.

    After an API did not answer at all, no request is sent to it for a few seconds, for any user.
    """
    with _turn(run):
        return _call(run, access_token, method=method, path=path, params=params, json=json)


@contextmanager
def _turn(run: Run) -> Iterator[None]:
    """Wait until fewer than `AT_A_TIME` requests are running. `SECONDS` does not include the wait."""
    turns = _turns.setdefault(run.resource_app.pk, BoundedSemaphore(AT_A_TIME))
    if not turns.acquire(timeout=max(0, run.deadline - time.monotonic())):
        detail = "too many requests are waiting for the API"
        raise CrossAppError(Cause.UNREACHABLE, detail, step="api", party=Party.REQUESTING_APP)
    try:
        yield
    finally:
        turns.release()


def _call(
    run: Run, access_token: str, *, method: str, path: str, params: Mapping[str, Any] | None, json: Any
) -> ApiResponse:
    outage = f"api:{run.resource_app.pk}"
    failures.raise_recent(outage)
    url = _url(run, path)
    answer, start = None, time.monotonic()
    run = replace(run, deadline=min(run.deadline, start + SECONDS))
    try:
        answer = request(
            run,
            "api",
            method,
            url,
            headers={"Authorization": f"Bearer {access_token}"},
            secrets=(access_token,),
            tokens={"access_token": access_token},
            params=params,
            json=json,
        )
        response = read(answer.status, answer.headers, answer.body)
    except PeerError as error:
        failure = explained("api", error, (access_token,))
        if answer is None and isinstance(error, Unreachable):
            failures.remember(outage, failure)
        logger.warning(
            "API call failed resource_app=%s host=%s user=%s cause=%s ms=%d reason=%s",
            *(run.resource_app.key, _host(run), run.user.pk, failure.cause.value, ms_since(start), failure.detail),
        )
        raise failure from error
    logger.info(
        "API called resource_app=%s host=%s user=%s status=%d ms=%d",
        *(run.resource_app.key, _host(run), run.user.pk, response.status, ms_since(start)),
    )
    return response


def _url(run: Run, path: str) -> str:
    try:
        return url_below(run.resource_app.resource, path)
    except BadAnswer as error:
        raise not_configured("api", error) from error


def url_below(resource: str, path: str) -> str:
    """Return the URL of `path` below the API's base URL; raises `BadAnswer` for a path that leads elsewhere."""
    segments = unquote(path).split("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+/?", path) or {".", ".."} & set(segments):
        raise BadAnswer(f"{ascii(path)[:200]} is not a path below the API")
    return resource.removesuffix("/") + path


def read(status: int, headers: Mapping[str, str], body: bytes) -> ApiResponse:
    """Return the answer for the caller; raises a `PeerError` for an answer that the caller cannot handle."""
    if status == 429 or status >= 500:
        raise Unreachable(f"the API answered {status}")
    if 300 <= status < 400:
        raise BadAnswer(f"the API answered {status}, a redirect")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/([a-z0-9.-]+\+)?json", media_type):
        return ApiResponse(status, None)
    try:
        return ApiResponse(status, strict_json(body))
    except ValueError:
        return ApiResponse(status, None)


def _host(run: Run) -> str:
    return urlsplit(run.resource_app.resource).netloc
