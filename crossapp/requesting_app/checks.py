"""System checks: a wrong configuration is an error with a hint at start-up."""

from collections.abc import Iterator, Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import connections
from django.utils.module_loading import import_string

from ..client_key import client_key
from ..core.client_signing_key import NoSigningKey
from .conf import KEYS, NAME

STORE_METHODS = ("load", "replace", "discard")


@register("crossapp_requesting")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check `CROSSAPP_REQUESTING_APP` and the other settings that this app needs."""
    values = getattr(settings, NAME, None)
    if not isinstance(values, dict):
        return [_error(1, f"{NAME} is missing or not a dict.", "See the README of the requesting app.")]
    messages = [*_unknown(values), *_store(values), *_callables(values), *_seconds(values), *_signing_key(values)]
    return [*messages, *_encryption_keys(values), *_transactions()]


def _unknown(values: dict[str, Any]) -> Iterator[CheckMessage]:
    for key in sorted(set(map(str, values)) - set(KEYS)):
        yield _error(2, f"{NAME} has an unknown key {key!r}.", f"Known keys: {', '.join(KEYS)}.")


def _store(values: dict[str, Any]) -> Iterator[CheckMessage]:
    store = _imported(values.get("SUBJECT_TOKEN_STORE"))
    if not isinstance(store, type) or not all(callable(getattr(store, name, None)) for name in STORE_METHODS):
        hint = f"The dotted path of a class with the methods {', '.join(STORE_METHODS)}."
        yield _error(3, f"{NAME}['SUBJECT_TOKEN_STORE'] is not a store of subject tokens.", hint)


def _callables(values: dict[str, Any]) -> Iterator[CheckMessage]:
    for key, returns in (("HTTP_SESSION", "a requests.Session"), ("REFERENCE", "a text")):
        path = values.get(key, "")
        if path != "" and not callable(_imported(path)):
            hint = f"The dotted path of a callable that returns {returns}, or nothing."
            yield _error(4, f"{NAME}[{key!r}] is not a callable.", hint)


def _seconds(values: dict[str, Any]) -> Iterator[CheckMessage]:
    for key in (key for key in KEYS if key.endswith("_SECONDS") and key in values):
        smallest = 2 if key == "LEASE_SECONDS" else 0
        if type(values[key]) is not int or not smallest <= values[key] <= 300:
            yield _error(5, f"{NAME}[{key!r}] is out of range.", f"A whole number from {smallest} to 300.")


def _signing_key(values: dict[str, Any]) -> Iterator[CheckMessage]:
    """Read a key given as text; only import a callable, because it may need services that do not run at start-up."""
    key = values.get("CLIENT_SIGNING_KEY", "")
    try:
        if key == "" or (isinstance(key, str) and (callable(_imported(key)) or client_key())):
            return
        reason = "not text"
    except NoSigningKey as error:
        reason = str(error)
    hint = "A private key as PEM or JWK, or the dotted path of a callable that returns one; or nothing."
    yield _error(8, f"{NAME}['CLIENT_SIGNING_KEY'] is unusable: {reason}.", hint)


def _encryption_keys(values: dict[str, Any]) -> Iterator[CheckMessage]:
    keys = values.get("ENCRYPTION_KEYS")
    try:
        good = isinstance(keys, list | tuple) and bool([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        good = False
    if not good:
        hint = "A list of keys made by cryptography.fernet.Fernet.generate_key()."
        yield _error(6, f"{NAME}['ENCRYPTION_KEYS'] has no usable keys.", hint)


def _transactions() -> Iterator[CheckMessage]:
    for alias in connections:
        if connections[alias].settings_dict.get("ATOMIC_REQUESTS"):
            message = f"ATOMIC_REQUESTS of the database {alias!r} keeps a transaction open during the exchange."
            yield _error(7, message, "Set it to False and use transaction.atomic() where views need it.")


def _imported(path: object) -> Any:
    """Return the object of the dotted path, or None."""
    try:
        return import_string(path) if isinstance(path, str) else None
    except ImportError:
        return None


def _error(number: int, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"crossapp_requesting.E{number:03}")
