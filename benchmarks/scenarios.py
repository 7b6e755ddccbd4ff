"""What is measured: for each scenario, how its requests are made, how many there are and what must be answered.

Needs Django set up as `people` does.
"""

import json
import math
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from urllib.parse import quote_plus, urlencode

from django.conf import settings

from authserver.models import JWT_BEARER, TOKEN_EXCHANGE
from benchmarks.load import Expected, Flow, LoadError, ask, http_request
from benchmarks.measure import SIGNED_IN
from benchmarks.people import LINKS, Person, id_token, link_to, mint_id_token, sign_in, signed
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import IdPConnection, Realm

LISTED = 20  # todos on a page of the list
GOOD_FOR = 300.0  # seconds: an ID token lives for ten minutes


class Requests:
    """Makes the requests of `people` as bytes, and the sessions and tokens they need when they are needed.

    With `minted`, ID tokens are made without a sign-in: sign-ins of many people would take minutes.
    """

    def __init__(self, people: Sequence[Person], port: int, *, minted: bool = False) -> None:
        self.people, self.port, self.minted = people, port, minted
        self.todo0 = ResourceApp.objects.get()
        self._signed_in_at = -math.inf
        self._access_tokens: dict[int, str] = {}

    def signed_in(self) -> Sequence[Person]:
        """Return people who have signed in to Wiki0 within the last minutes."""
        people = self.people[:SIGNED_IN]
        if time.monotonic() - self._signed_in_at > GOOD_FOR:
            sign_in(people)
            self._signed_in_at = time.monotonic()
        return people

    def forget_stored_tokens(self) -> None:
        """Delete the access tokens that Wiki0 holds for these people."""
        StoredAccessToken.objects.filter(user__in=[person.wiki for person in self.people]).delete()

    def health(self, person: Person) -> Flow:
        return [http_request("GET", f"{settings.ORIGINS['staff']}/healthz")]

    def redemption(self, person: Person) -> Flow:
        """Return a jwt-bearer request of Wiki0 at Todo0 with a new ID-JAG."""
        claims = {
            "aud": self.todo0.audience,
            "client_id": self.todo0.client_id,
            "jti": secrets.token_urlsafe(18),
            "exp": int(time.time()) + 300,
            "resource": self.todo0.resource,
            "scope": "read",
            "email": person.idp.email,
            "email_verified": True,
        }
        id_jag = signed(person, claims, typ="oauth-id-jag+jwt")
        form = {"grant_type": JWT_BEARER, "assertion": id_jag, "scope": "read", "resource": self.todo0.resource}
        return _token_request(self.todo0.audience, form, self.todo0.client_id, self.todo0.client_secret)

    def exchange(self, person: Person) -> Flow:
        """Return a token exchange of Wiki0 at the IdP of `person`."""
        wiki0 = IdPConnection.objects.get(tenant=person.wiki.tenant, app=Realm.WIKI)
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            "subject_token": mint_id_token(person) if self.minted else id_token(person),
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "audience": self.todo0.audience,
            "resource": self.todo0.resource,
            "scope": "read",
        }
        return _token_request(wiki0.issuer, form, wiki0.client_id, wiki0.client_secret)

    def unfurl(self, person: Person, links: int = 1) -> Flow:
        """Return the request for cards that a page of Wiki0 makes."""
        origin = settings.ORIGINS["wiki"]
        request = http_request(
            "POST",
            f"{origin}/api/articles/unfurl",
            body=json.dumps({"urls": [link_to(todo) for todo in person.todos[:links]]}).encode(),
            Cookie=_cookies(person),
            Origin=origin,
            Content_Type="application/json",
            X_CSRFToken=person.cookies[settings.CSRF_COOKIE_NAME],
        )
        return [request]

    def page(self, person: Person) -> Flow:
        """Return a request for a page of Wiki0, and the request for its cards."""
        url = f"{settings.ORIGINS['wiki']}/pages/{person.page}"
        return [http_request("GET", url, Cookie=_cookies(person)), *self.unfurl(person, LINKS)]

    def todo_read(self, person: Person) -> Flow:
        return self._api(person, f"/todos/{secrets.choice(person.todos)}")

    def todo_list(self, person: Person) -> Flow:
        return self._api(person, f"/todos?page_size={LISTED}")

    def _api(self, person: Person, path: str) -> Flow:
        """Return a request to Todo0's API with an access token of `person`, the same each time."""
        if (pk := person.todo.pk) not in self._access_tokens:
            status, body = ask(self.port, self.redemption(person)[0])
            if status != 200:
                raise LoadError(f"Todo0 redeems no ID-JAG: {status} {body[:300]!r}")
            self._access_tokens[pk] = json.loads(body)["access_token"]
        authorization = f"Bearer {self._access_tokens[pk]}"
        return [http_request("GET", f"{self.todo0.resource}{path}", Authorization=authorization)]


def _token_request(issuer: str, form: dict[str, str], client_id: str, secret: str) -> Flow:
    basic = b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    return [http_request("POST", f"{issuer}/oauth2/v1/token", body=urlencode(form).encode(), **headers)]


def _cookies(person: Person) -> str:
    return "; ".join(f"{name}={value}" for name, value in person.cookies.items())


@dataclass(frozen=True)
class Scenario:
    """One kind of flow; `expected` is what its answers must hold. `fresh`: Wiki0 holds no access token before it.

    Fresh flows run in rounds of one a person, and before each round the stored tokens are deleted.
    """

    name: str
    flow: Callable[[Requests, Person], Flow]
    count: int
    expected: Expected
    signed_in: bool = False
    fresh: bool = False

    def flows(self, requests: Requests, count: int) -> list[Flow]:
        """Return `count` flows, of one person after the other."""
        people = requests.signed_in() if self.signed_in and not requests.minted else requests.people
        return [self.flow(requests, person) for person in islice(cycle(people), count)]


_TOKEN, _TASK, _CARD = (b'"access_token"', 1), (b'"task"', 1), (b'"title"', 1)
_PAGE = [(b"data-cards", 1), (b'"title"', LINKS)]
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("healthz", Requests.health, 6000, [(b'"alive"', 1)]),
        Scenario("jwt-bearer", Requests.redemption, 1500, [_TOKEN]),
        Scenario("exchange", Requests.exchange, 1500, [_TOKEN], signed_in=True),
        Scenario("api-read", Requests.todo_read, 2500, [_TASK]),
        Scenario("api-list", Requests.todo_list, 1500, [(b'"task"', LISTED)]),
        Scenario("unfurl-cached", Requests.unfurl, 600, [_CARD], signed_in=True),
        Scenario("unfurl-new", Requests.unfurl, 160, [_CARD], signed_in=True, fresh=True),
        Scenario("page-30", Requests.page, 96, _PAGE, signed_in=True, fresh=True),
    )
}
