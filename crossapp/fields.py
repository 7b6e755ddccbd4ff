"""A text column that is encrypted at rest (Django), below both halves.

Its keys are `ENCRYPTION_KEYS` of the settings `CROSSAPP_REQUESTING_APP`, or of the dictionary that the column names: a
list of Fernet keys. The first one encrypts, every one decrypts, so put a new key first, and remove the old one after
its rows are rewritten.
"""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

REQUESTING, RESOURCE = "CROSSAPP_REQUESTING_APP", "CROSSAPP_RESOURCE_APP"


class Undecryptable(Exception):
    """A stored value that no configured key decrypts."""


class EncryptedTextField(models.TextField):
    """A `TextField` whose value is clear in Python and encrypted in the database; "" and None stay as they are.

    `keys_of` is the name of the setting whose `ENCRYPTION_KEYS` it uses.
    """

    def __init__(self, *args: Any, keys_of: str = REQUESTING, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys_of = keys_of

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "keys_of": self.keys_of}

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return self._fernet().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        if not value:
            return value
        try:
            return self._fernet().decrypt(value.encode()).decode()
        except InvalidToken as error:
            where = f"{self.model.__name__}.{self.name}"
            raise Undecryptable(f'{where}: no key in {self.keys_of}["ENCRYPTION_KEYS"] fits') from error

    def _fernet(self) -> MultiFernet:
        keys = getattr(settings, self.keys_of, {}).get("ENCRYPTION_KEYS", ())
        return _fernet(self.keys_of, tuple(keys))


@lru_cache(maxsize=8)
def _fernet(keys_of: str, keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        what = "must hold keys, each of 32 bytes in url-safe base64"
        raise ImproperlyConfigured(f'{keys_of}["ENCRYPTION_KEYS"] {what}') from error
