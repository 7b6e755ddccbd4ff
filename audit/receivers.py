"""Hears what the apps below this one tell: who signs in and out, and who asks too often."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from audit import log
from audit.current_request import after_answering, current_request
from audit.models import Act
from base.signals import throttled
from tenants.models import IdPConnection, User
from tenants.signals import sign_in_refused
from tenants.single_sign_on.errors import SignInRefused


def listen() -> None:
    """Connect the receivers."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_wrong_password)
    sign_in_refused.connect(_sign_in_refused)
    throttled.connect(_throttled)


def _signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    sign_in = getattr(request, "sign_in", None)
    connection = sign_in.connection if sign_in else None
    _person(Act.SIGN_IN, user, {"issuer": connection.issuer, "client_id": connection.client_id} if connection else {})


def _signed_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _person(Act.SIGN_OUT, user, {})


def _person(act: Act, user: User, more: log.Facts) -> None:
    """Record a person's sign-in or sign-out; a missing row ends no session."""
    try:
        log.done(act, {**more, "user": user, "tenant": user.tenant.slug if user.tenant else "", "sub": user.sub or ""})
    except log.NotRecorded as error:
        log.trouble.error("cannot write the audit row of a %s: %s", act.label, error)


def _wrong_password(sender: Any, credentials: Mapping[str, Any], request: HttpRequest | None, **kwargs: Any) -> None:
    """Record the user name or email that was entered; Django has masked the password."""
    if request is None:
        return
    unverified = {name: credentials.get(name) for name in ("username", "email")}
    log.refused(Act.SIGN_IN, {"unverified": unverified}, check="password")


def _sign_in_refused(
    sender: Any, refused: SignInRefused, connection: IdPConnection | None, email: str = "", **kwargs: Any
) -> None:
    facts: log.Facts = {"detail": refused.detail, "unverified": {"email": email}}
    if connection is not None:
        facts |= {"tenant": connection.tenant.slug, "issuer": connection.issuer, "client_id": connection.client_id}
    log.refused(Act.SIGN_IN, facts, check=refused.reason.check)


def _throttled(sender: Any, limit: str, facts: Mapping[str, Any], **kwargs: Any) -> None:
    """Record that a sender exceeded a limit, once and not for each refused request.

    It is recorded after the answer, because the refusal may roll back the current transaction.
    """
    known: Any = {"user": getattr(current_request(), "user", None), **facts}
    more = "; further refusals are not recorded" if limit == "RECORDED_REFUSALS" else ""
    known["detail"] = f"LIMIT_{limit}={settings.LIMITS[limit]} is exceeded{more}."
    after_answering(partial(log.refused, Act.THROTTLED, known, check=limit.lower()))
