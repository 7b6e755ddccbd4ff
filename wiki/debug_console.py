"""The debug console: records each step of an exchange when it happens, and shows the records.

A step arrives with its secrets masked and its tokens decoded. This module masks it once more and limits its size.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.db import DatabaseError
from django.db.models import Q
from django.db.models.signals import post_save
from django.utils import timezone

from crossapp.core.masking import Masker
from crossapp.requesting_app.signals import step_taken
from tenants.models import Realm, User
from tenants.signals import signed_in
from wiki.models import RecordedStep

logger = logging.getLogger(__name__)

KEPT_PER_USER = 50
SURPLUS = 10  # a process checks for surplus rows at the first and every tenth step of a user
MOST_USERS = 10_000  # the users whose steps a process counts
KEPT_FOR = timedelta(hours=24)
SHOWN_API_REQUESTS = 10

_Kind = RecordedStep.Kind
_LONGEST_TEXT = 2000
_LONGEST_LIST = 50
_DEEPEST = 8

_until_a_look: dict[int, int] = {}  # the steps of a user until this process checks for surplus rows
_unwritten: ContextVar[list[RecordedStep] | None] = ContextVar("unwritten_steps", default=None)


@dataclass(frozen=True)
class Console:
    """The content of the console: decoded tokens, the last exchange, the last API requests, newest first.

    Wiki0's client identifiers come from the ID token (at its IdP) and from the ID-JAG (at Todo0); "" if unknown.
    """

    client_id_at_idp: str
    client_id_at_todo0: str
    id_token: Any
    id_jag: Any
    access_token: Any
    token_exchange: RecordedStep | None
    jwt_bearer: RecordedStep | None
    api_requests: list[RecordedStep]

    @property
    def id_jag_is_opaque(self) -> bool:
        """Say whether the IdP's answer is not a JWT."""
        return self.id_jag is None and self.token_exchange is not None and self.token_exchange.status == 200

    @property
    def access_token_is_opaque(self) -> bool:
        """Say whether Todo0's access token is not a JWT, which is allowed."""
        return self.access_token is None and self.jwt_bearer is not None and self.jwt_bearer.status == 200


def is_on() -> bool:
    """Say whether the debug console is on: only in demo mode."""
    return bool(settings.DEMO)


def connect() -> None:
    """Connect the receivers that record steps."""
    step_taken.connect(_record_step, dispatch_uid="wiki.debug_console")
    signed_in.connect(_record_sign_in, dispatch_uid="wiki.debug_console")
    user_logged_out.connect(_forget, dispatch_uid="wiki.debug_console")
    post_save.connect(_forget_if_inactive, sender=User, dispatch_uid="wiki.debug_console")


@contextmanager
def recording_together() -> Iterator[None]:
    """Write the steps of one user together at the end, because a page waits for each statement."""
    steps: list[RecordedStep] = []
    token = _unwritten.set(steps)
    try:
        yield
    finally:
        _unwritten.reset(token)
        try:
            _write(steps)
        except DatabaseError:
            logger.exception("cannot record steps")


def console_of(user: User) -> Console:
    """Return the records of `user`."""
    steps = list(RecordedStep.objects.filter(user=user, at__gt=timezone.now() - KEPT_FOR)[:KEPT_PER_USER])
    id_token, id_jag = _newest_claims(steps, "id_token", "subject_token"), _newest_claims(steps, "id_jag")
    return Console(
        client_id_at_idp=_text(id_token, "azp") or _text(id_token, "aud"),
        client_id_at_todo0=_text(id_jag, "client_id"),
        id_token=id_token,
        id_jag=id_jag,
        access_token=_newest_claims(steps, "access_token"),
        token_exchange=next((step for step in steps if step.kind == _Kind.TOKEN_EXCHANGE), None),
        jwt_bearer=next((step for step in steps if step.kind == _Kind.JWT_BEARER), None),
        api_requests=[step for step in steps if step.kind == _Kind.API][:SHOWN_API_REQUESTS],
    )


def masked(value: Any) -> Any:
    """Return a copy of the JSON `value` without credentials and with limited size."""
    return Masker([]).value(_cut(value))


def _cut(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {str(key)[:200]: _cut(item, depth + 1) for key, item in list(value.items())[:_LONGEST_LIST]}
    if isinstance(value, list | tuple):
        return [_cut(item, depth + 1) for item in value[:_LONGEST_LIST]]
    if isinstance(value, str):
        text = value.replace("\x00", "").encode("utf-8", "replace").decode()
        return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    return value


def _newest_claims(steps: list[RecordedStep], *names: str) -> Any:
    return next((step.claims[name] for step in steps for name in names if step.claims.get(name)), None)


def _text(token: Any, claim: str) -> str:
    claims = token.get("claims") if isinstance(token, dict) else None
    value = claims.get(claim) if isinstance(claims, dict) else None
    return value if isinstance(value, str) else ""


def _record_sign_in(sender: Any, *, user: User, id_token_claims: dict[str, Any], **kwargs: Any) -> None:
    _record(user, kind=_Kind.SIGN_IN, claims={"id_token": {"claims": masked(id_token_claims)}}, at=timezone.now())


def _record_step(sender: Any, *, user: User, step: Any, **kwargs: Any) -> None:
    _record(
        user,
        kind=step.kind,
        method=step.method,
        url=masked(step.url)[:500],
        status=step.status,
        duration_ms=max(0, round(step.duration_ms)),
        request=masked(step.request),
        response=masked(step.response),
        claims=masked(step.claims),
        at=step.started_at,
    )


def _record(user: User, **fields: Any) -> None:
    if not is_on() or user.realm != Realm.WIKI:
        return
    step, unwritten = RecordedStep(user=user, **fields), _unwritten.get()
    if unwritten is None:
        _write([step])
    else:
        unwritten.append(step)


def _write(steps: list[RecordedStep]) -> None:
    """Write the steps of one user, and sometimes delete old and surplus rows."""
    if not steps:
        return
    RecordedStep.objects.bulk_create(steps)
    user = steps[0].user
    left = _until_a_look.pop(user.pk, 0) - len(steps)
    if len(_until_a_look) >= MOST_USERS:
        _until_a_look.clear()  # the next step of each user checks for surplus rows
    _until_a_look[user.pk] = left if left > 0 else SURPLUS
    if left > 0:
        return
    newest = RecordedStep.objects.filter(user=user).values_list("pk", flat=True)
    if surplus := list(newest[KEPT_PER_USER:]):
        RecordedStep.objects.filter(Q(pk__in=surplus) | Q(at__lt=timezone.now() - KEPT_FOR)).delete()


def _forget(sender: Any, *, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        RecordedStep.objects.filter(user=user).delete()


def _forget_if_inactive(sender: Any, *, instance: User, **kwargs: Any) -> None:
    if not instance.is_active:
        _forget(sender, user=instance)
