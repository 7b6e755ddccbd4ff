"""The check of a field with OAuth scopes."""

from django.core.exceptions import ValidationError

from crossapp.core.oauth_text import is_scope


def validate_scope(scope: str) -> None:
    """Raise ValidationError unless `scope` is a list of scopes (RFC 6749 section 3.3)."""
    if not is_scope(scope):
        raise ValidationError("Separate scopes by single spaces.")
