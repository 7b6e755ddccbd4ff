"""MariaDB away: errors are clean and in the shape of their endpoint, it recovers by itself, nothing is half done."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection

from audit.models import Act
from tests.topology.books import Books
from tests.topology.legs import Exchanges, Legs, client
from tests.topology.people import Person, Storm
from tests.topology.processes import until
from tests.topology.topology import DATABASE, Since, Topology

pytestmark = pytest.mark.services

Ask = Callable[[], requests.Response]


def requests_of(topology: Topology, person: Person) -> tuple[dict[str, Ask], dict[str, Ask]]:
    """Return requests that need the database: those of people, and those of programs."""
    origins, browser, anonymous = topology.origins, person.browser.session, client()
    idp, legs = origins["idp"].format(tenant="customer1"), Legs(person)
    id_jag, token = legs.id_jag(), legs.access_token()

    def page(session: requests.Session, url: str) -> Ask:
        return lambda: session.get(url, allow_redirects=False, timeout=60)

    pages = {
        "the landing page": page(anonymous, f"{origins['staff']}/"),
        "a page of Wiki0 of a person signed in": page(browser, f"{origins['wiki']}/pages/"),
        "the list of Todo0 of a person signed in": page(browser, f"{origins['todo']}/"),
        "the sign-in of the IdP": page(anonymous, f"{idp}/sign-in"),
    }
    programs = {
        "unfurl": person.ask_for_card,
        "token exchange": legs.exchange,
        "redemption": lambda: legs.redeem(id_jag),
        "API": lambda: legs.call(token),
        "keys": page(anonymous, f"{idp}/oauth2/v1/keys"),
    }
    return pages, programs


def is_try_again(answer: requests.Response) -> bool:
    """Say whether this is the 503 of the endpoint, and not a word of what is behind it."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) <= 5
    assert not {"Traceback", "OperationalError", "MySQL", "127.0.0.1:"} & set(answer.text.split())
    return True


@pytest.mark.clause("RFC 9110", "15.6.4", "LIM-11 LIM-19")
def test_a_stopped_database_is_503_in_the_shape_of_the_endpoint_and_over_when_it_is_back(
    topology: Topology, since: Since
) -> None:
    person = Person().sign_in().sign_in("todo")
    pages, programs = requests_of(topology, person)
    workers = [web.worker for web in topology.webs]
    with topology.without(topology.database):
        for ask in [*pages.values()] * 2:  # at each web
            answer = ask()
            assert is_try_again(answer) and "<h1>Temporarily unavailable</h1>" in answer.text
        for ask in [*programs.values()] * 2:
            answer = ask()
            assert is_try_again(answer) and answer.json()["error"] == "temporarily_unavailable"
            assert answer.headers["Cache-Control"] == "no-store"
        for web in topology.webs:
            assert web.ask("/healthz").status_code == 200
            ready = web.ask("/readyz")
            assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "failed")
    for name, ask in (pages | programs).items():
        assert ask().status_code == 200, name
    assert programs["redemption"]().json()["error"] == "invalid_grant", "the ID-JAG was not burnt, and is now"
    assert person.is_shown(person.ask_for_card())
    assert workers == [web.worker for web in topology.webs], "nothing was restarted"
    assert not since.errors()


def test_a_restart_between_two_requests_is_not_noticed(topology: Topology, since: Since) -> None:
    person = Person().sign_in()

    def many() -> list[bool]:
        with ThreadPoolExecutor(20) as pool:
            return [person.is_shown(answer) for answer in pool.map(lambda _: person.ask_for_card(), range(20))]

    assert many() == [True] * 20, "and now many threads keep a connection"
    with topology.without(topology.database):
        pass
    assert many() == [True] * 20
    assert not since.errors()


def stopped(topology: Topology) -> None:
    topology.database.stop()


def killed(topology: Topology) -> None:
    """And a web process with it, whose successor finds no database."""
    topology.database.kill()
    topology.webs[0].kill_worker()


@pytest.mark.parametrize("end", [stopped, killed])
@pytest.mark.clause("RFC 7523", "3", "LIM-10 LIM-11")
def test_a_storm_outlives_the_database_and_nothing_is_half_done(
    topology: Topology, since: Since, end: Callable[[Topology], None]
) -> None:
    people = [Person().sign_in() for _ in range(4)]
    legs, books = [Legs(person) for person in people], Books()
    topology.proxy.route()
    with Storm(people, windows=2) as storm, Exchanges(legs) as exchanges:
        storm.goes_on(for_requests=20)
        end(topology)
        storm.goes_on(for_requests=40)
        connection.close()
        topology.database.start()
        storm.goes_on(for_requests=40)
        until(lambda: all(person.is_shown(person.ask_for_card()) for person in people), "cards for everybody again")
    refused = [answer for answer in storm.answers + exchanges.answers if answer.status_code != 200]
    assert refused, "no request was refused"
    assert all(map(is_try_again, refused))
    assert exchanges.granted > 0
    books.assert_balanced()
    books.assert_all_issued_here()
    assert len(books.jtis(Act.REDEMPTION)) >= exchanges.granted
    assert not since.errors()


@pytest.fixture
def impatient(topology: Topology) -> Iterator[None]:
    """Webs that wait two seconds for the database, where it would be longer than a test may take."""
    topology.start_webs(DATABASE_URL=f"{topology.database.url(DATABASE)}?read_timeout=2&write_timeout=2")
    yield
    topology.start_webs()


@pytest.mark.usefixtures("impatient")
@pytest.mark.clause("RFC 9110", "15.6.4", "LIM-11 LIM-19")
def test_a_database_that_hangs_is_not_waited_for_without_end(topology: Topology, since: Since) -> None:
    person = Person().sign_in().sign_in("todo")
    pages, programs = requests_of(topology, person)
    everything = [*pages.values(), *programs.values()]
    topology.database.freeze()
    try:
        with ThreadPoolExecutor(len(everything)) as pool:
            assert all(map(is_try_again, pool.map(lambda ask: ask(), everything)))
    finally:
        topology.database.thaw()
    connection.close()
    assert all(ask().status_code == 200 for ask in pages.values())
    assert person.is_shown(person.ask_for_card())
    assert not since.errors()
