"""Hears what the apps below this one tell: who signs in and out, who asks too often, which access failed."""

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
from crossapp.requesting_app.errors import CrossAppError
from crossapp.requesting_app.models import ResourceApp
from crossapp.requesting_app.signals import access_failed
from tenants.models import IdPConnection, User
from tenants.signals import email_left_out, sign_in_refused
from tenants.single_sign_on.errors import SignInRefused


def listen() -> None:
    """Connect the receivers."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_wrong_password)
    sign_in_refused.connect(_sign_in_refused)
    email_left_out.connect(_email_left_out)
    throttled.connect(_throttled)
    access_failed.connect(_access_failed)


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
    unverified = {**refused.unverified, **({"email": email} if email else {})}
    facts: log.Facts = {
        "sub": refused.sub,
        "email": refused.email,
        "detail": refused.detail,
        "unverified": unverified,
    }
    if connection is not None:
        facts |= {"tenant": connection.tenant.slug, "issuer": connection.issuer, "client_id": connection.client_id}
    log.refused(Act.SIGN_IN, facts, check=refused.reason.check, error=refused.code)


def _access_failed(sender: Any, user: User, resource_app: ResourceApp, error: CrossAppError, **kwargs: Any) -> None:
    """Record at which party, at which step and why the access of `user` to a resource app failed."""
    facts: log.Facts = {
        "user": user,
        "tenant": user.tenant.slug if user.tenant else "",
        "issuer": user.issuer,
        "sub": user.sub or "",
        "audience": resource_app.audience,
        "resource": resource_app.resource,
        "scope_asked": resource_app.scope,
        "detail": f"{error.party.value}, {error.cause.value}: {error.detail}",
        "unverified": {"error_description": error.description},
    }
    log.refused(Act.CROSS_APP_ACCESS, facts, check=error.step, error=error.code)


def _email_left_out(sender: Any, user: User, email: str, **kwargs: Any) -> None:
    """Record why a new account has no email, with the domain that the operator may enter; raises `NotRecorded`."""
    domain = email.rpartition("@")[2]
    detail = f"The email was left out: it is malformed, or its domain is not the tenant's: {domain}"
    tenant = user.tenant.slug if user.tenant else ""
    facts: log.Facts = {"user": user, "tenant": tenant, "issuer": user.issuer, "sub": user.sub or "", "detail": detail}
    log.done(Act.ACCOUNT_CHANGE, facts)


def _throttled(sender: Any, limit: str, facts: Mapping[str, Any], **kwargs: Any) -> None:
    """Record that a sender exceeded a limit, once and not for each refused request.

    It is recorded after the answer, because the refusal may roll back the current transaction.
    """
    known: Any = {"user": getattr(current_request(), "user", None), **facts}
    more = "; further refusals are not recorded" if limit == "RECORDED_REFUSALS" else ""
    known["detail"] = f"LIMIT_{limit}={settings.LIMITS[limit]} is exceeded{more}."
    after_answering(partial(log.refused, Act.THROTTLED, known, check=limit.lower()))
