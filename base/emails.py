"""Email addresses as fields of models and forms.

Django's validator accepts only top-level domains of letters, so it would refuse addresses at `tables.fake2`.
"""

import re
from typing import Any

from django import forms
from django.core.validators import EmailValidator
from django.db import models

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


class EmailAddressValidator(EmailValidator):
    """An address at a domain of at least two ASCII labels, in printable characters."""

    domain_regex = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}\Z", re.IGNORECASE)

    def __call__(self, value: str | None) -> None:
        super().__call__(value if value and value.isprintable() else None)


validate_email_address = EmailAddressValidator()


class EmailAddressFormField(forms.EmailField):
    """A form's field for an address."""

    default_validators = [validate_email_address]


class EmailAddressField(models.EmailField):
    """A column for an address."""

    default_validators = [validate_email_address]

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": EmailAddressFormField, **kwargs})
