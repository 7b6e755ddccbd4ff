"""Authentication by password: operators on the bare host, people at their embedded IdP."""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.db.models import QuerySet
from django.http import HttpRequest

from base.prepared_queries import prepared
from tenants.models import Realm, User
from tenants.sign_in_attempts import SignInAttempt


class ActiveAccounts(ModelBackend):
    """Loads the account of a session: an active one, with its tenant."""

    def get_user(self, user_id: Any) -> User | None:
        return next(filter(self.user_can_authenticate, _accounts(user_id)), None)

    # ModelBackend's own methods query the database without the two methods above.
    aauthenticate = BaseBackend.aauthenticate  # type: ignore[assignment]
    aget_user = BaseBackend.aget_user


@prepared("id")
def _accounts() -> QuerySet[User]:
    return User.objects.select_related("tenant")


class RealmBackend(ActiveAccounts):
    """Finds only accounts of the current site's realm and tenant. The apps' accounts have no password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the active account with this user name (staff) or email (embedded IdP) and password, or None.

        Raises Throttled after too many wrong ones.
        """
        site = getattr(request, "site", None)
        if request is None or site is None or password is None:
            return None
        if site.realm == Realm.STAFF and username is not None:
            found = User.objects.filter(realm=Realm.STAFF, username=username)
        elif site.realm == Realm.IDP and email is not None:
            people = User.objects.with_email(email.strip()).filter(realm=Realm.IDP, tenant=request.tenant)
            found = people.select_related("tenant")
        else:
            return None
        attempt = SignInAttempt(request, username or email or "")
        attempt.begin()
        accounts = list(found[:2])
        if len(accounts) != 1:
            User().set_password(password)  # takes as long as a wrong password
        elif accounts[0].check_password(password) and self.user_can_authenticate(accounts[0]):
            attempt.succeeded()
            return accounts[0]
        return None
