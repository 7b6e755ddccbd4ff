"""A new password ends what was granted with the former one. Django ends the sessions itself."""

from django.contrib.auth.models import AbstractBaseUser

from idp.grant_revocation import end_grants_of
from tenants.models import Realm, User


class EndsGrants:
    """One of `AUTH_PASSWORD_VALIDATORS`: refuses no password, but is told when one has changed."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Accept every password."""

    def password_changed(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """End the grants of a person of a directory, who has a new password now."""
        if isinstance(user, User) and user.realm == Realm.IDP and user.pk:
            end_grants_of(user)

    def get_help_text(self) -> str:
        return ""
