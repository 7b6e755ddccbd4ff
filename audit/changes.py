"""Records changes of the tables that carry permissions: the columns and the actor, never the values."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from audit import log
from audit.current_request import current_request
from audit.models import Act
from crossapp.fields import Undecryptable
from tenants.models import User

# The table, the act of its changes, and the columns that matter (None: all).
WATCHED: dict[str, tuple[Act, frozenset[str] | None]] = {
    "idp.CrossAppPolicy": (Act.POLICY_CHANGE, None),
    "authserver.SigningKey": (Act.KEY_CHANGE, None),
    "authserver.Client": (Act.CLIENT_CHANGE, None),
    "tenants.IdPConnection": (Act.CONNECTION_CHANGE, None),
    "crossapp_requesting.ResourceApp": (Act.CONNECTION_CHANGE, None),
    "tenants.Tenant": (Act.TENANT_CHANGE, None),
    "tenants.EmailDomain": (Act.TENANT_CHANGE, None),
    "tenants.User": (
        Act.ACCOUNT_CHANGE,
        frozenset({"email", "is_active", "is_staff", "is_superuser", "issuer", "password", "sub", "tenant"}),
    ),
}
_NOT_A_CHANGE = {"updated", "updated_at"}
_REHASHED = frozenset({"password"})  # a sign-in has upgraded an outdated hash
_CHANGED = "_audit_changed"

_recording: ContextVar[bool] = ContextVar("recording_changes", default=True)


def watch() -> None:
    """Listen to the changes of all watched tables."""
    for label in WATCHED:
        pre_save.connect(_before_save, sender=label, dispatch_uid=f"audit.before_save.{label}")
        post_save.connect(_after_save, sender=label, dispatch_uid=f"audit.after_save.{label}")
        post_delete.connect(_after_delete, sender=label, dispatch_uid=f"audit.after_delete.{label}")
    m2m_changed.connect(_after_m2m_change, dispatch_uid="audit.after_m2m_change")


@contextmanager
def unrecorded() -> Iterator[None]:
    """Record no changes inside: seeding the demo is not an act."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def record(instance: Model, what: str) -> None:
    """Record `what` was done to `instance` ("created", "deleted", "changed: status"); raises `log.NotRecorded`."""
    if not _recording.get():
        return
    request = current_request()
    act, _ = WATCHED[instance._meta.label]
    facts: log.Facts = {"user": getattr(request, "user", None), "tenant": _tenant(instance)}
    if request is None:
        facts["shell_user"] = f"command:{_shell_user()}"
    if isinstance(instance, User):
        facts |= {"issuer": instance.issuer, "sub": instance.sub or ""}
    log.done(act, {**facts, "target": _name(instance), "detail": what})


def _shell_user() -> str:
    """Return the operating system's user who runs a command, by name, or by number if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _before_save(sender: type[Model], instance: Model, raw: bool, update_fields: Any = None, **kwargs: Any) -> None:
    """Note the columns that this save changes, compared with the stored row."""
    instance.__dict__.pop(_CHANGED, None)
    if raw or instance._state.adding or not _recording.get() or update_fields == _REHASHED:
        return
    _, matter = WATCHED[sender._meta.label]
    names = {field.name for field in sender._meta.concrete_fields} - _NOT_A_CHANGE
    for some in (matter, update_fields):
        names = names if some is None else names & set(some)
    if names:
        instance.__dict__[_CHANGED] = sorted(_different(instance, names))


def _different(instance: Model, names: set[str]) -> set[str]:
    attnames = {name: instance._meta.get_field(name).attname for name in names}  # type: ignore[union-attr]
    row = type(instance)._base_manager.filter(pk=instance.pk)
    try:
        before = row.values(*attnames.values()).first() or {}
    except Undecryptable:
        return names
    return {name for name, attname in attnames.items() if before.get(attname) != getattr(instance, attname)}


def _after_save(sender: type[Model], instance: Model, created: bool, raw: bool, **kwargs: Any) -> None:
    changed = instance.__dict__.pop(_CHANGED, [])
    if raw:
        return
    if created:
        record(instance, "created just in time" if isinstance(instance, User) and instance.issuer else "created")
    elif changed == ["issuer", "sub"] and isinstance(instance, User) and instance.sub:
        record(instance, "linked to its subject")
    elif changed:
        record(instance, f"changed: {', '.join(changed)}")


def _after_delete(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    record(instance, "deleted")


def _after_m2m_change(sender: type[Model], instance: Any, action: str, reverse: bool, **kwargs: Any) -> None:
    """Record a change of a watched row's many-to-many list, such as the people of a policy."""
    label = instance._meta.label if isinstance(instance, Model) else ""
    if action not in ("post_add", "post_remove", "post_clear") or label not in WATCHED or reverse:
        return
    name = next(f.name for f in instance._meta.many_to_many if f.remote_field.through is sender)
    _, matter = WATCHED[label]
    if matter is None or label == "tenants.User":
        record(instance, f"changed: {name}")


def _name(instance: Model) -> str:
    try:
        name = str(instance)
    except ObjectDoesNotExist:  # a related row of the name was deleted first
        name = ""
    return f"{instance._meta.verbose_name} {instance.pk} {name}".strip()


def _tenant(instance: Any) -> str:
    """Return the slug of the tenant that a watched row belongs to, or "" for none."""
    try:
        owner = instance if hasattr(instance, "slug") else getattr(instance, "tenant", None)
        if owner is None and hasattr(instance, "server"):
            owner = instance.server.tenant
    except ObjectDoesNotExist:
        return ""
    return owner.slug if owner is not None else ""
