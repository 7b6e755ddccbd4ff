"""The settings of this app: the dict CROSSAPP_RESOURCE_APP, with defaults. See the README for what each one means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from typing import Any

import requests
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from ..core.algorithms import ALGORITHMS
from ..core.keys import Keys
from .host import Host

SETTING = "CROSSAPP_RESOURCE_APP"


@dataclass(frozen=True)
class Conf:
    """One field per key of the setting, in lower case. Times are in seconds."""

    host: str = ""
    http_session: str = "crossapp.core.http.default_session"
    keys: str = "crossapp.resource_app.issuer_keys.default_keys"
    encryption_keys: Sequence[str] = field(default=(), repr=False)
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    max_lifetime: int = 300
    clock_skew: int = 30
    keys_fresh: int = 600
    keys_stale: int = 3600
    keys_cool_down: int = 30

    @property
    def skew(self) -> timedelta:
        return timedelta(seconds=self.clock_skew)

    def make_host(self) -> Host:
        return import_string(self.host)()

    def make_http_session(self) -> requests.Session:
        return import_string(self.http_session)()

    def make_keys(self) -> Keys:
        return import_string(self.keys)()


_KNOWN = {field.name for field in fields(Conf)}


def raw() -> Mapping[str, Any]:
    return getattr(settings, SETTING, {})


@cache
def conf() -> Conf:
    """Return the settings; `checks.py` reports unknown keys."""
    return Conf(**{key.lower(): value for key, value in raw().items() if key.lower() in _KNOWN})


@receiver(setting_changed)
def _changed(setting: str, **kwargs: Any) -> None:
    """Read the settings again when a test changes them."""
    if setting == SETTING:
        conf.cache_clear()
