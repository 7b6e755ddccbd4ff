"""The metadata and keys of IdPs and clients, kept in Django's cache for all apps."""

from django.core.cache import cache

from base.outgoing import session
from base.signals import keys_fetched, keys_looked_up
from crossapp.core.discovery import Discovery
from crossapp.core.keys import Event, Keys


def _told(event: Event) -> None:
    if event in ("hit", "miss"):
        keys_looked_up.send_robust(None, result=event)
    else:
        keys_fetched.send_robust(None, outcome=event)


discovery = Discovery(cache, session)
_keys = Keys(cache, session, told=_told)


def keys() -> Keys:
    """Return the keys that all apps of this process share."""
    return _keys
