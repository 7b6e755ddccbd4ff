"""The keys of the host's trusted IdPs, kept in Django's default cache, unless the host supplies `Keys`."""

from functools import cache as once
from typing import Any

from django.core.cache import cache
from django.core.signals import setting_changed
from django.dispatch import receiver

from ..core.keys import Event, Keys
from .conf import SETTING, conf
from .signals import keys_fetched, keys_looked_up


@once
def default_keys() -> Keys:
    """Return the `Keys` with the session and the times of the settings."""
    settings = conf()
    return Keys(
        cache,
        settings.make_http_session,
        fresh=settings.keys_fresh,
        stale=settings.keys_stale,
        cool_down=settings.keys_cool_down,
        told=_told,
    )


def _told(event: Event) -> None:
    if event in ("hit", "miss"):
        keys_looked_up.send_robust(None, result=event)
    else:
        keys_fetched.send_robust(None, outcome=event)


@receiver(setting_changed)
def _changed(setting: str, **kwargs: Any) -> None:
    """Read the settings again when a test changes them."""
    if setting == SETTING:
        default_keys.cache_clear()
