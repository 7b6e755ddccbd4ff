"""Writes an act: one row in the table and one line of JSON in the log "audit"."""

import json
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypedDict

from django.db import Error, OperationalError, router, transaction

from audit.current_request import current_request
from audit.models import MAX_TEXT, Act, AuditEvent, Outcome
from audit.signals import acted
from base import trace_context
from base.limits import RECORDED_REFUSALS, Throttled, neighbourhood
from crossapp.core.masking import JWT
from tenants.models import User

logger = logging.getLogger("audit")
trouble = logging.getLogger("idjag_demo.audit")  # apart from the log "audit", which has JSON only


_LIMITED_BEFORE = {Act.THROTTLED, Act.CROSS_APP_ACCESS}


class NotRecorded(OperationalError):
    """The database could not write the row, so the act must not take place and the answer is 503."""


class Facts(TypedDict, total=False):
    """The known facts of an act, all optional, named like the columns of `AuditEvent`.

    `shell_user` goes into the column `user` if no user acted.
    """

    server: str
    tenant: str
    user: User | None
    shell_user: str
    client_id: str
    issuer: str
    sub: str
    email: str
    actor: str
    sub_profile: str
    jti: str
    audience: str
    resource: str
    scope_asked: str
    scope_granted: str
    target: str
    detail: str
    checks_passed: Sequence[str]
    unverified: Mapping[str, object]
    ms: float


def done(act: Act, facts: Facts) -> None:
    """Record an act in its transaction; raises `NotRecorded`."""
    event = _event(act, Outcome.DONE, facts)
    try:
        event.save()
    except Error as error:
        raise NotRecorded(type(error).__name__) from error
    transaction.on_commit(partial(_tell, event), using=router.db_for_write(AuditEvent), robust=True)


def refused(act: Act, facts: Facts, *, check: str, error: str = "") -> None:
    """Record a refusal after its rollback; never raises, because the refusal stands in any case.

    Any sender can cause refusals. Those without client authentication are recorded up to LIMIT_RECORDED_REFUSALS for
    each address, then one row says that there were more. An authenticated client has its own limit, and the requesting
    app tells of a failed access once.
    """
    acted.send_robust(None, act=act, outcome=Outcome.REFUSED.value, error=error)
    authenticated = facts.get("client_id") and act != Act.SIGN_IN  # at a sign-in it is the app's identifier at the IdP
    if act not in _LIMITED_BEFORE and not authenticated and _is_one_too_many():
        return
    event = _event(act, Outcome.REFUSED, facts)
    event.error, event.failed_check = one_line(error), one_line(check)
    _write_line(event)
    try:
        event.save()
    except Error as failure:
        trouble.error("cannot write the audit row of a refusal: %s", type(failure).__name__)


def _is_one_too_many() -> bool:
    """Count a refusal for the address of the current request; a command is never limited."""
    if (request := current_request()) is None:
        return False
    try:
        RECORDED_REFUSALS.count(neighbourhood(request.META.get("REMOTE_ADDR", "")))
    except Throttled:
        return True
    return False


def one_line(value: object) -> str:
    """Return `value` as text for a log: one line of 200 characters, without terminal control characters or a JWT."""
    if not isinstance(value, str):
        return "" if value is None else f"[{type(value).__name__}]"
    text = JWT.sub("[token]", value[: 100 * MAX_TEXT])
    text = text[: MAX_TEXT + 1]
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_visible, text))
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _visible(character: str) -> str:
    """Return `character`, or an escape for it if it is a control, format, surrogate or line-separating one."""
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{ord(character):04x}"
    return character


def user_name(user: User | None) -> str:
    """Return the name of an account in an event: realm and user name. Most user names already begin with the realm."""
    if user is None or not user.pk:
        return ""
    return user.username if user.username.startswith(f"{user.realm}:") else f"{user.realm}:{user.username}"


def _event(act: Act, outcome: Outcome, facts: Facts) -> AuditEvent:
    """Return the event of these facts, with the server and the sender of the current request."""
    request = current_request()
    values: dict[str, Any] = {}
    if request is not None:
        values = {"server": request.site.origin, "address": request.META.get("REMOTE_ADDR", "")}
        values["tenant"] = request.tenant.slug if request.tenant else ""
    if trace := trace_context.current.get():
        values["request_id"] = trace.request_id
    values |= {name: value for name, value in facts.items() if value}
    ms, unverified, shell_user = values.pop("ms", None), values.pop("unverified", {}), values.pop("shell_user", "")
    values["user"] = user_name(facts.get("user")) or shell_user
    return AuditEvent(
        act=act,
        outcome=outcome,
        ms=None if ms is None else round(ms, 1),
        checks_passed=list(values.pop("checks_passed", [])),
        unverified={name: one_line(value) for name, value in unverified.items() if value},
        **{name: one_line(value) for name, value in values.items()},
    )


def _tell(event: AuditEvent) -> None:
    """Tell of an act that has taken place."""
    _write_line(event)
    acted.send_robust(None, act=Act(event.act), outcome=Outcome.DONE.value, error="")


def _write_line(event: AuditEvent) -> None:
    """Write all fields that are not empty, as JSON and as `record.audit`."""
    fields = {"at": event.at.isoformat(timespec="milliseconds")}
    fields |= {name: value for name in _COLUMNS if (value := getattr(event, name)) not in ("", None, [])}
    fields |= {f"unverified_{name}": value for name, value in event.unverified.items()}
    level = logging.INFO if event.outcome == Outcome.DONE else logging.WARNING
    logger.log(level, "%s", _Json(fields), extra={"audit": fields})


class _Json(dict[str, Any]):
    """Builds the text only on demand: a JSON formatter does not need it."""

    def __str__(self) -> str:
        return json.dumps(self)


_COLUMNS = [column.name for column in AuditEvent._meta.concrete_fields if column.name not in ("id", "at", "unverified")]
