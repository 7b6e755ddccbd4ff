"""A form that creates a row creates one, however often its button is pressed.

Each form on a page has a key of its own, and the row keeps it. Of two requests with one key, also at the same time, the
database accepts one; the other gets the row of the first.
"""

from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.http import HttpRequest

Row = TypeVar("Row", bound=models.Model)


def form_key(request: HttpRequest) -> UUID | None:
    """Return the key of the form, or None for a form without one, as a program sends it."""
    try:
        return UUID(request.POST.get("form_key", ""))
    except ValueError:
        return None


class CreatedByForms(models.QuerySet[Row]):
    """For models with a column `form_key` that is unique together with the owner of the row."""

    def create_once(self, *, form_key: UUID | None, **values: Any) -> Row:
        """Create and return the row, or return the one that the form has created before."""
        try:
            with transaction.atomic():
                return self.create(form_key=form_key, **values)
        except IntegrityError:
            if form_key is None:
                raise
            owner = {name: value for name, value in values.items() if name in ("author", "owner")}
            return self.get(form_key=form_key, **owner)
