"""A web process that is killed in the middle of its work: what was in it is lost, and nothing else."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Act
from crossapp.requesting_app.conf import conf
from crossapp.requesting_app.models import Lease, StoredAccessToken
from tests.topology.books import Books
from tests.topology.external_idps import TOKEN, serving
from tests.topology.legs import Exchanges, Legs
from tests.topology.people import Person, Storm
from tests.topology.processes import until
from tests.topology.proxy import compose_parameters
from tests.topology.topology import Since, Topology
from tests.topology.webs import Web

pytestmark = pytest.mark.services

PEOPLE, WINDOWS = 3, 2


def kill_all(web: Web) -> None:
    """Kill master and worker, as the end of a container or a machine does; then start it again."""
    worker = web.worker
    web.kill()
    os.kill(worker, signal.SIGKILL)
    web.start()


@pytest.mark.parametrize("kill", [Web.kill_worker, kill_all], ids=["worker", "machine"])
@pytest.mark.clause("limits", "", "LIM-18")
def test_in_a_storm_only_the_requests_in_the_killed_process_are_lost(
    topology: Topology, since: Since, kill: Callable[[Web], None]
) -> None:
    a, b = topology.webs
    people, books = [Person().sign_in() for _ in range(PEOPLE)], Books()
    assert all(person.is_shown(person.ask_for_card()) for person in people)
    topology.proxy.route()
    with Storm(people, WINDOWS) as storm, Exchanges([Legs(people[0])]) as exchanges:
        until(lambda: {one.web for one in storm.asked} == {a.address, b.address}, "both to answer")
        killed = time.monotonic()
        kill(a)
        gone = time.monotonic()
        # The proxy leaves a lost process out for two seconds. A restart now would break connections too.
        until(lambda: {one.web for one in storm.asked if one.start > gone} == {a.address, b.address}, "both to be back")
    lost = [one for one in storm.asked if not one.is_shown]
    assert lost, "nothing was in the process when it was killed"
    assert {one.what for one in lost} <= {(a.address, 503, "5"), ("", 0, "broken")}
    assert all(one.start < gone and one.end > killed for one in lost)
    assert len(lost) <= PEOPLE * WINDOWS
    assert {answer.status_code for answer in exchanges.answers} <= {200, 400}
    books.assert_balanced()
    books.assert_all_issued_here()
    assert not since.errors()


@pytest.fixture
def as_in_compose(topology: Topology) -> Iterator[None]:
    """Two processes in each web, which asks itself."""
    topology.proxy.parameters = compose_parameters(max_conns=True)
    topology.start_webs(each_asks_itself=True, WEB_CONCURRENCY="2")
    yield
    topology.proxy.parameters = compose_parameters(max_conns=False)
    topology.start_webs()


@pytest.mark.usefixtures("as_in_compose")
@pytest.mark.clause("limits", "", "LIM-18")
def test_a_killed_process_takes_none_of_its_neighbours_requests_with_it(topology: Topology, since: Since) -> None:
    a, _ = topology.webs
    people, newcomers, books = [Person().sign_in() for _ in range(PEOPLE)], [Person().sign_in()], Books()
    assert all(person.is_shown(person.ask_for_card()) for person in people)
    topology.proxy.route()
    with Storm(people, WINDOWS) as storm, Storm(newcomers, WINDOWS) as first_cards:
        storm.goes_on(for_requests=20)
        killed = time.monotonic()
        a.kill_worker()
        gone = time.monotonic()
        storm.goes_on(for_requests=20)
        # An exchange that died is not tried again for five seconds: then the newcomer has a card, too.
        until(lambda: first_cards.asked[-1].is_shown, "the card of who had no token yet")
    lost = [one for one in storm.asked if not one.is_shown]
    assert {one.what for one in lost} <= {(a.address, 503, "5"), ("", 0, "broken")}
    assert all(one.start < gone and one.end > killed for one in lost)
    assert len(lost) <= PEOPLE * WINDOWS
    books.assert_balanced()
    books.assert_all_issued_here()
    assert not since.errors()


@pytest.mark.clause("limits", "", "LIM-18")
def test_a_waiting_request_makes_the_exchange_of_a_crashed_process(topology: Topology, since: Since) -> None:
    a, b = topology.webs
    with serving() as idps, ThreadPoolExecutor(2) as pool:
        idps.connect("dying")
        person, books = Person("dying").sign_in(), Books()
        idps.misbehaviour["dying", TOKEN] = "hang"
        topology.proxy.route({"^POST wiki": "a"})
        lost = pool.submit(person.ask_for_card)
        until(lambda: idps.hanging == 1, "the exchange to be in the middle")
        topology.proxy.route({"^POST wiki": "b"})
        waiting = pool.submit(person.ask_for_card)
        lease = Lease.objects.get(name__startswith=f"exchange:{person.wiki_user.pk}:")
        assert timezone.now() < lease.expires_at <= timezone.now() + timedelta(seconds=conf().lease_seconds)
        a.kill_worker()
        idps.misbehaviour.clear()
        assert (lost.result().status_code, lost.result().headers["X-Upstream"]) == (503, a.address)
        assert not waiting.done(), "the lease outlives its holder"
        assert person.is_shown(waiting.result()) and waiting.result().headers["X-Upstream"] == b.address
    assert len(books.jtis(Act.REDEMPTION)) == 1
    books.assert_balanced()
    assert StoredAccessToken.objects.filter(user=person.wiki_user).count() == 1
    assert not since.errors()
