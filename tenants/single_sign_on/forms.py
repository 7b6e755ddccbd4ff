"""What the sign-in page asks for, and where a person may be sent afterwards."""

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
    """Return `value` if every browser takes it for a path of this very site, else "/"."""
    path = value.partition("?")[0].lower()
    doubtful = re.search(r"//|%(?:[01].|2f|5c|7f)", path)  # what some software may decode once more, and normalise
    return value if re.fullmatch(r"/[!-\[\]-~]{0,2000}", value) and not doubtful else "/"
