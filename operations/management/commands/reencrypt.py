"""Re-encrypts all encrypted columns with the first of FIELD_ENCRYPTION_KEYS."""

import argparse
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from crossapp.fields import EncryptedTextField, Undecryptable

HELP = """\
Rewrites every encrypted column (tokens, client secrets, private keys) with the first of FIELD_ENCRYPTION_KEYS.

To change the key while the servers run:

  1. Generate a new key and put it first: FIELD_ENCRYPTION_KEYS=new,old. Restart all processes: they encrypt with the
     new key and decrypt with both.
  2. manage.py reencrypt
  3. Remove the old key: FIELD_ENCRYPTION_KEYS=new. Restart all processes.

It can be repeated. A row that no key decrypts stays as it is, and the output names it.
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = 0, []
        for model, columns in encrypted_columns():
            for pk in model._base_manager.order_by("pk").values_list("pk", flat=True):
                try:
                    done += reencrypt(model, pk, columns)
                except Undecryptable:
                    lost.append(f"{model._meta.label} {pk}")
        if lost:
            raise CommandError(f"{done} rows are encrypted again. No key decrypts {', '.join(lost)}.")
        self.stdout.write(f"{done} rows are encrypted with the first of FIELD_ENCRYPTION_KEYS.")


def encrypted_columns() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Yield every model that has encrypted columns, with their names."""
    for model in apps.get_models():
        if names := [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]:
            yield model, names


def reencrypt(model: type[models.Model], pk: Any, columns: list[str]) -> int:
    """Read and write the columns of one row, locked, so that no newer token is lost; return the number of rows."""
    with transaction.atomic():
        row = model._base_manager.select_for_update().filter(pk=pk).values(*columns).first()
        return model._base_manager.filter(pk=pk).update(**row) if row else 0
