"""What is measured: for each scenario, how its requests are made, how many there are and what must be answered."""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Expected, Flow, LoadError
from benchmarks.people import LINKS, Person, id_token, mint_id_token, sign_in
from benchmarks.wire import ask
from benchmarks.world import LISTED, World

SIGNED_IN = 16  # people whose sessions and ID tokens are used
GOOD_FOR = 300.0  # seconds: an ID token lives for ten minutes


class Requests:
    """Makes the flows of the scenarios, and what they need the first time it is needed.

    With `minted`, ID tokens are made for everybody, where a sign-in of so many people would take minutes.
    """

    def __init__(self, world: World, port: int, *, minted: bool = False) -> None:
        self.world, self.port, self.minted = world, port, minted
        self._signed_in_at = -math.inf
        self._tokens: list[tuple[Person, str]] = []

    @property
    def signed_in(self) -> list[Person]:
        """People who have signed in to Wiki0 not long ago."""
        people = list(self.world.people[:SIGNED_IN])
        if time.monotonic() - self._signed_in_at > GOOD_FOR:
            sign_in(people)
            self._signed_in_at = time.monotonic()
        return people

    @property
    def tokens(self) -> list[tuple[Person, str]]:
        """Everybody, with an access token at Todo0 each."""
        if not self._tokens:
            self._tokens = [(person, self._access_token(person)) for person in self.world.people]
        return self._tokens

    def _access_token(self, person: Person) -> str:
        status, body = ask(self.port, self.world.redemption(person))
        if status != 200:
            raise LoadError(f"Todo0 redeems no ID-JAG: {status} {body[:300]!r}")
        return str(json.loads(body)["access_token"])

    def health(self, count: int) -> Iterator[Flow]:
        return itertools.repeat(self.world.health(), count)

    def redemptions(self, count: int) -> Iterator[Flow]:
        return ([self.world.redemption(person)] for person in _around(self.world.people, count))

    def exchanges(self, count: int) -> Iterator[Flow]:
        if self.minted:
            made = [self.world.exchange(person, mint_id_token(person)) for person in self.world.people]
        else:
            made = [self.world.exchange(person, id_token(person)) for person in self.signed_in]
        return ([each] for each in _around(made, count))

    def todo_reads(self, count: int) -> Iterator[Flow]:
        return ([self.world.todo_read(*each)] for each in _around(self.tokens, count))

    def todo_lists(self, count: int) -> Iterator[Flow]:
        return ([self.world.todo_list(token)] for _, token in _around(self.tokens, count))

    def unfurls(self, count: int) -> Iterator[Flow]:
        return ([self.world.unfurl(person)] for person in _around(self.signed_in, count))

    def pages(self, count: int) -> Iterator[Flow]:
        people = _around(self.signed_in, count)
        return ([self.world.page(person), self.world.unfurl(person, LINKS)] for person in people)


@dataclass(frozen=True)
class Scenario:
    """One kind of flow, `expected` saying what the answers hold. With `fresh`, Wiki0 has no access token before it.

    Fresh flows run in rounds of one a person, and before each round the stored tokens are deleted.
    """

    name: str
    title: str
    flows: Callable[[Requests, int], Iterator[Flow]]
    count: int
    expected: Expected
    fresh: bool = False
    steps: tuple[str, ...] = ()


_TOKEN, _CARD = (b'"access_token"', 1), (b'"title"', 1)
SCENARIOS = [
    Scenario("healthz", "nearly empty view (/healthz)", Requests.health, 6000, [(b'"alive"', 1)]),
    Scenario("jwt-bearer", "jwt-bearer grant at Todo0", Requests.redemptions, 1500, [_TOKEN]),
    Scenario("exchange", "token exchange at the IdP", Requests.exchanges, 1500, [_TOKEN]),
    Scenario("api-read", "API read: one todo", Requests.todo_reads, 2500, [(b'"task"', 1)]),
    Scenario("api-list", "API read: list of todos", Requests.todo_lists, 1500, [(b'"task"', LISTED)]),
    Scenario("unfurl-cached", "unfurl of one link, token cached", Requests.unfurls, 600, [_CARD]),
    Scenario("unfurl-new", "unfurl of one link, new token", Requests.unfurls, 160, [_CARD], fresh=True),
    Scenario(
        "page-30",
        "page of 30 links, first view",
        Requests.pages,
        96,
        [(b"data-cards", 1), (b'"title"', LINKS)],
        fresh=True,
        steps=("page", "cards"),
    ),
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def _around(items: Sequence[Any], count: int) -> Iterator[Any]:
    return itertools.islice(itertools.cycle(items), count)
