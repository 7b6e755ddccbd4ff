"""However many requests of one person meet two processes at once, there is one exchange."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import requests
from django.utils import timezone

from audit.models import Act
from crossapp.requesting_app.models import StoredAccessToken
from tests.topology.books import Books
from tests.topology.people import Person
from tests.topology.processes import soon
from tests.topology.proxy import compose_parameters
from tests.topology.topology import Since, Topology

pytestmark = pytest.mark.services

AT_ONCE = 200


@pytest.fixture
def each_asks_itself(topology: Topology) -> Iterator[None]:
    """As docker-compose.yml has it: a web asks itself, and the proxy lets no more in than leaves threads for that."""
    topology.proxy.parameters = compose_parameters(max_conns=True)
    topology.start_webs(each_asks_itself=True)
    yield
    topology.proxy.parameters = compose_parameters(max_conns=False)
    topology.start_webs()


def new(person: Person) -> None:
    assert not StoredAccessToken.objects.filter(user=person.wiki_user).exists()


def expired(person: Person) -> None:
    assert person.is_shown(person.ask_for_card())
    a_moment_ago = timezone.now() - timedelta(seconds=1)
    assert StoredAccessToken.objects.filter(user=person.wiki_user).update(expires_at=a_moment_ago) == 1


@pytest.mark.parametrize("token", [new, expired])
@pytest.mark.clause("requirements.md", "CL-30", "single flight")
def test_two_hundred_cards_at_once_take_one_token_exchange_and_one_jwt_bearer_request(
    topology: Topology, since: Since, token: Callable[[Person], None]
) -> None:
    person = Person().sign_in()
    token(person)
    topology.proxy.route()
    asked, books = Since(topology), Books()

    all_get_their_card(topology, person)

    assert len(asked.passed("customer1.idp", "/oauth2/v1/token")) == 1
    assert len(asked.passed("todo", "/oauth2/v1/token")) == 1
    assert (len(books.jtis(Act.TOKEN_EXCHANGE)), len(books.jtis(Act.REDEMPTION))) == (1, 1)
    books.assert_balanced()
    assert not since.errors()


@pytest.mark.usefixtures("each_asks_itself")
@pytest.mark.clause("requirements.md", "CL-30", "single flight")
def test_the_same_if_each_process_asks_itself_and_the_proxy_bounds_what_it_lets_in(
    topology: Topology, since: Since
) -> None:
    person = Person().sign_in()
    topology.proxy.route()
    asked, books = Since(topology), Books()

    all_get_their_card(topology, person)

    assert not asked.passed("customer1.idp", "/oauth2/v1/token"), "nothing between the sites goes through the proxy"
    assert (len(books.jtis(Act.TOKEN_EXCHANGE)), len(books.jtis(Act.REDEMPTION))) == (1, 1)
    books.assert_balanced()
    assert not since.errors()


def all_get_their_card(topology: Topology, person: Person) -> None:
    """Ask for the card so often at the same moment."""
    asked, together = Since(topology), Barrier(AT_ONCE)

    def ask(_: int) -> requests.Response:
        together.wait()
        return person.ask_for_card()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, range(AT_ONCE)))
    assert Counter(answer.status_code for answer in answers) == {200: AT_ONCE}
    assert [person.is_shown(answer) for answer in answers] == [True] * AT_ONCE
    assert {answer.headers["X-Upstream"] for answer in answers} == {web.address for web in topology.webs}
    soon(lambda: len(asked.passed("wiki", "/api/articles/unfurl")), AT_ONCE)
