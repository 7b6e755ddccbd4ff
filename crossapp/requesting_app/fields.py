"""A text column that is encrypted at rest.

Uses `settings.FIELD_ENCRYPTION_KEYS`, a list of Fernet keys: the first one encrypts, every one decrypts, so a new key
goes in front and an old one leaves when its rows are rewritten.
"""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class Undecryptable(Exception):
    """A stored value that none of the configured keys opens."""


class EncryptedTextField(models.TextField):
    """A `TextField` whose value is clear in Python and encrypted in the database; "" and None stay as they are."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        if not value:
            return value
        try:
            return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise Undecryptable(f"{self.model.__name__}.{self.name}: no key in FIELD_ENCRYPTION_KEYS fits") from error


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS must be url-safe base64 of 32 bytes each") from error
