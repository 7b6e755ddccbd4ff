"""The settings of this app: the dict `CROSSAPP_REQUESTING_APP`, typed and with defaults. They are read at every use."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import requests
from django.conf import settings
from django.utils.module_loading import import_string

from .subject_tokens import SubjectTokenStore

NAME = "CROSSAPP_REQUESTING_APP"
DEFAULT_SESSION = "crossapp.core.http.default_session"


@dataclass(frozen=True)
class Conf:
    """One field for each key of the dict, in lower case; the README says what they mean."""

    subject_token_store: str = ""
    http_session: str = ""
    reference: str = ""
    encryption_keys: Sequence[str] = field(default=(), repr=False)
    client_signing_key: str = field(default="", repr=False)
    access_token_margin_seconds: int = 30
    id_token_margin_seconds: int = 60
    lease_seconds: int = 15


KEYS = {field.name.upper(): field for field in fields(Conf)}


def conf() -> Conf:
    """Return the current settings. `checks` has checked their form at start-up."""
    values: dict[str, Any] = getattr(settings, NAME, {})
    return Conf(**{key.lower(): value for key, value in values.items()})


def http_session() -> requests.Session:
    """Return the session of every request."""
    session: requests.Session = import_string(conf().http_session or DEFAULT_SESSION)()
    return session


def current_reference() -> str:
    """Return the reference of the current request, which finds its log lines; "" without the setting REFERENCE."""
    path = conf().reference
    return str(import_string(path)()) if path else ""


def subject_token_store() -> SubjectTokenStore:
    """Return the host product's store of subject tokens."""
    store: SubjectTokenStore = import_string(conf().subject_token_store)()
    return store
