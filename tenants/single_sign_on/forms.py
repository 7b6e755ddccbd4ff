"""The form of the sign-in page, and the check of the path to go to afterwards."""

import re

from django import forms

from base.emails import EmailAddressFormField


class EmailForm(forms.Form):
    """The work email, which selects the tenant."""

    email = EmailAddressFormField(
        max_length=254,
        error_messages={
            "required": "Enter your work email.",
            "invalid": "Enter an email address.",
            "max_length": "Enter an email address.",
        },
    )


def own_path(value: str) -> str:
    """Return `value` if every browser reads it as a path of this site, otherwise "/"."""
    path = value.partition("?")[0].lower()
    doubtful = re.search(r"//|%(?:[01].|2f|5c|7f)", path)  # characters that some software decodes again and normalises
    return value if re.fullmatch(r"/[!-\[\]-~]{0,2000}", value) and not doubtful else "/"
