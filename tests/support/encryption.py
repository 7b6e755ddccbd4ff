"""The keys of the encrypted columns, which stand in two settings."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings as project


def encryption_keys() -> list[str]:
    """Return the keys in use."""
    return list(project.CROSSAPP_REQUESTING_APP["ENCRYPTION_KEYS"])


def encrypt_with(settings: Any, keys: Sequence[Any] | None) -> None:
    """Let every encrypted column use `keys` from now on."""
    for name in ("CROSSAPP_REQUESTING_APP", "CROSSAPP_RESOURCE_APP"):
        setattr(settings, name, {**getattr(settings, name), "ENCRYPTION_KEYS": keys})
