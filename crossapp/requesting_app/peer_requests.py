"""Sends one HTTP request of the flow, reports it to `step_taken` without secrets, and maps a failure to a cause."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.cache import cache
from django.utils import timezone

from ..client_key import client_key
from ..core import http
from ..core.client_authentication import Credentials, OwnClient
from ..core.discovery import Discovery
from ..core.errors import BadAnswer, NotOffered, OAuthError, PeerError, Unreachable
from ..core.jws import MalformedJws, parse_jws
from ..core.masking import MASKED, Masker, telling_members
from ..core.metadata import Kind
from ..core.strict_json import strict_json, strict_json_object
from . import failures
from .conf import http_session
from .errors import Cause, CrossAppError, Party
from .models import ResourceApp
from .signals import Step, StepKind, step_taken

T = TypeVar("T")
discovery = Discovery(cache, http_session)
MAX_DETAIL = 500

# The tokens of a step: name for the console -> (side, parameter).
_TOKENS: dict[str, dict[str, tuple[str, str]]] = {
    "refresh": {"subject_token": ("response", "id_token")},
    "token_exchange": {"subject_token": ("request", "subject_token"), "id_jag": ("response", "access_token")},
    "jwt_bearer": {"id_jag": ("request", "assertion"), "access_token": ("response", "access_token")},
    "api": {"access_token": ("request", "access_token")},
}
_CAUSES: dict[str, dict[str, Cause]] = {
    "refresh": {"invalid_grant": Cause.SIGN_IN_AGAIN},
    "token_exchange": {
        # Both say that the subject token is unusable: ID-JAG -04 section 4.3.4.3 and RFC 8693 section 2.2.2.
        "invalid_grant": Cause.SIGN_IN_AGAIN,
        "invalid_request": Cause.SIGN_IN_AGAIN,
        "insufficient_user_authentication": Cause.SIGN_IN_AGAIN,
        "access_denied": Cause.NOT_ALLOWED,
        "invalid_target": Cause.NOT_ALLOWED,
        "invalid_scope": Cause.NOT_ALLOWED,
        "unauthorized_client": Cause.NOT_ALLOWED,
        "unsupported_grant_type": Cause.NOT_OFFERED,
    },
    "jwt_bearer": {"access_denied": Cause.NOT_ALLOWED},
}


@dataclass(frozen=True)
class Run:
    """The user, the resource app and the deadline (`time.monotonic`) of one run of the flow."""

    user: Any
    resource_app: ResourceApp
    deadline: float


def token_request(
    run: Run,
    kind: StepKind,
    *,
    client: OwnClient,
    subject_issuer: str,
    metadata: Kind,
    form: Mapping[str, str],
    read: Callable[[int, Mapping[str, str], bytes], T],
) -> T:
    """Send `form` as `client` to its token endpoint; return the result of `read`. Raises `CrossAppError`.

    After an issuer did not answer or sent Retry-After, no request is sent to it until then for users whose IdP is
    `subject_issuer`. Users of other IdPs are unaffected: the resource app may only be stuck on that IdP's keys.
    """
    outage = f"issuer:{client.issuer} for {subject_issuer}"
    failures.raise_recent(outage)
    authentication = _credentials(kind, client)
    secrets = (*telling_members(form), *authentication.secrets)
    answer = None
    try:
        url = discovery.metadata(client.issuer, metadata, deadline=run.deadline).token_endpoint
        answer = request(
            run,
            kind,
            "POST",
            url,
            headers=authentication.headers,
            form={**form, **authentication.form},
            secrets=secrets,
        )
        return read(answer.status, answer.headers, answer.body)
    except PeerError as error:
        failure = explained(kind, error, secrets)
        silent = answer is None and time.monotonic() < run.deadline  # otherwise the deadline of this run had passed
        if isinstance(error, Unreachable) and (silent or error.retry_after):
            failures.remember(outage, failure, seconds=error.retry_after)
        raise failure from error


def _credentials(kind: StepKind, client: OwnClient) -> Credentials:
    try:
        return client.credentials(client_key)
    except BadAnswer as error:
        raise not_configured(kind, error) from error


def request(
    run: Run,
    kind: StepKind,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    secrets: Iterable[str],
    tokens: Mapping[str, str] | None = None,
    **content: Any,
) -> http.Answer:
    """Send a request, send `step_taken`, and return the answer; raises `PeerError`.

    `tokens` are tokens outside the form. `content` goes to `http.send`: form, params or json.
    """
    started_at, start, answer = timezone.now(), time.monotonic(), None
    try:
        session = http_session()
        answer = http.send(method, url, session=session, headers=headers, deadline=run.deadline, **content)
        return answer
    finally:
        response = _shown_body(kind, answer) if answer else None
        mask = Masker([*secrets, *telling_members(response)])
        step = Step(
            kind=kind,
            method=method,
            url=mask.text(url),
            status=answer.status if answer else None,
            duration_ms=ms_since(start),
            started_at=started_at,
            request=mask.value(_shown_request(headers, content)),
            response=mask.value(response),
            claims=mask.value(_claims(kind, {**(content.get("form") or {}), **(tokens or {})}, response)),
        )
        step_taken.send_robust(sender=ResourceApp, user=run.user, resource_app=run.resource_app, step=step)


def ms_since(start: float) -> int:
    """Return the milliseconds since `start` (`time.monotonic`)."""
    return round((time.monotonic() - start) * 1000)


def explained(kind: StepKind, error: PeerError, secrets: Iterable[str]) -> CrossAppError:
    """Return the `CrossAppError` for `error` in this step."""
    mask = Masker(secrets)
    return CrossAppError(
        _cause(kind, error),
        mask.text(error.detail)[:MAX_DETAIL],
        step=kind,
        code=mask.text(error.code),
        description=mask.text(error.description)[:MAX_DETAIL],
        sign_in_parameters=error.sign_in_parameters if isinstance(error, OAuthError) else {},
    )


def not_configured(kind: StepKind, error: PeerError) -> CrossAppError:
    """Return the `CrossAppError` for a request that this app cannot send."""
    return CrossAppError(Cause.REFUSED, error.detail, step=kind, party=Party.REQUESTING_APP)


def _cause(kind: StepKind, error: PeerError) -> Cause:
    if isinstance(error, OAuthError):
        return _CAUSES.get(kind, {}).get(error.code, Cause.REFUSED)
    causes = {Unreachable: Cause.UNREACHABLE, NotOffered: Cause.NOT_OFFERED}
    return next((cause for type_, cause in causes.items() if isinstance(error, type_)), Cause.BAD_ANSWER)


def _shown_request(headers: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request. Of each header only the scheme is shown, because all are for authentication."""
    shown = {name: f"{value.partition(' ')[0]} {MASKED}" for name, value in headers.items()}
    return {"headers": shown} | {name: value for name, value in content.items() if value}


def _shown_body(kind: StepKind, answer: http.Answer) -> Any:
    """Return the JSON of an answer; of other bodies only the size, because their content is unknown."""
    if not answer.body:
        return None
    try:
        return strict_json(answer.body) if kind == "api" else strict_json_object(answer.body)
    except ValueError:
        return f"[{len(answer.body)} bytes that are not the expected JSON]"


def _claims(kind: StepKind, sent: Mapping[str, str], response: Any) -> dict[str, Any]:
    """Return the decoded tokens of a step, without those that are not JWTs."""
    sides: dict[str, Any] = {"request": sent, "response": response if isinstance(response, dict) else {}}
    claims: dict[str, Any] = {}
    for name, (side, parameter) in _TOKENS[kind].items():
        try:
            decoded = parse_jws(str(sides[side].get(parameter, "")))
        except MalformedJws:
            continue
        claims[name] = {"header": decoded.unverified_header, "claims": decoded.unverified_payload}
    return claims
