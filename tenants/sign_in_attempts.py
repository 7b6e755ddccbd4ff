"""One try of a password: counted before it is looked at, against limits that keep no person out."""

from django.http import HttpRequest

from base.limits import (
    SIGN_IN_ACCOUNT,
    SIGN_IN_ACCOUNT_ANYWHERE,
    SIGN_IN_ADDRESS,
    SIGN_IN_EVERYWHERE,
    SIGN_IN_TENANT,
    Limit,
    neighbourhood,
)
from tenants import known_browsers


class SignInAttempt:
    """One try of a password, at a site, for the account called `name` there.

    It counts as a wrong one until it has succeeded, so that of many at once no more are looked at than the limits say.

    Nobody can keep a person out: a browser in which they signed in before has a budget of its own, which only that
    browser can use up (see `known_browsers`). All other browsers share the limits of the account, their address, the
    tenant and the whole; who is over an earlier one of these uses up nothing of the later ones.
    """

    def __init__(self, request: HttpRequest, name: str) -> None:
        self.request = request
        self.account = (request.site.realm, request.site.tenant_slug or "", name.strip().lower())
        address = neighbourhood(request.META.get("REMOTE_ADDR", ""))
        browser = known_browsers.known_as(request, self.account)
        self.own = (*self.account, "browser", browser) if browser else (*self.account, "address", address)
        self.shared: list[tuple[Limit, tuple[str, ...]]] = []
        if not browser:
            self.shared = [
                (SIGN_IN_ADDRESS, (address,)),
                (SIGN_IN_ACCOUNT_ANYWHERE, self.account),
                (SIGN_IN_TENANT, self.account[:2]),
                (SIGN_IN_EVERYWHERE, ()),
            ]

    def begin(self) -> None:
        """Count it; raises Throttled if there were too many, and then not even the right password is looked at."""
        for limit, who in [(SIGN_IN_ACCOUNT, self.own), *self.shared]:
            limit.count(*who, unverified={"account": self.account[2]})

    def succeeded(self) -> None:
        """Take it back, and forget what was counted from here; from now on the browser is known.

        What was counted elsewhere stays: a success of one's own must not help to guess others' passwords.
        """
        SIGN_IN_ACCOUNT.forget(*self.own)
        for limit, who in self.shared:
            limit.give_back(*who)
        known_browsers.remember(self.request, self.account)
