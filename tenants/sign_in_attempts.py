"""One password attempt, counted before it is checked, with limits that do not lock people out."""

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
    """One password attempt at a site for the account called `name` there.

    It counts as failed until it has succeeded, so concurrent attempts cannot exceed the limits.

    An attacker cannot lock a person out: a browser that the account knows has its own limit (see `known_browsers`). All
    other browsers share the limits of the account, the address, the tenant and the total; an attempt over an earlier
    limit does not count for the later ones.
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
        """Count the attempt; raises Throttled over a limit, and then the password is not checked.

        Nothing is counted over a limit that attempts share, so that the number of counters is limited too.
        """
        for limit, who in self.shared:
            limit.check(*who, unverified={"account": self.account[2]})
        for limit, who in [(SIGN_IN_ACCOUNT, self.own), *self.shared]:
            limit.count(*who, unverified={"account": self.account[2]})

    def succeeded(self) -> None:
        """Remove the attempt and the earlier failures from this browser and address; remember the browser.

        The other counts stay, so that an attacker's own sign-in does not reset limits for other accounts.
        """
        SIGN_IN_ACCOUNT.forget(*self.own)
        for limit, who in self.shared:
            limit.give_back(*who)
        known_browsers.remember(self.request, self.account)
