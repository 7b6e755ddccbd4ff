"""Redis away: slower, never wrong, never 500."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from crossapp.requesting_app.models import StoredAccessToken
from tests.topology.legs import Legs
from tests.topology.people import Person, Storm
from tests.topology.processes import until
from tests.topology.topology import Since, Topology
from tests.topology.webs import Web

pytestmark = pytest.mark.services


@contextmanager
def stopped(topology: Topology) -> Iterator[None]:
    with topology.without(topology.redis):
        yield


@contextmanager
def frozen(topology: Topology) -> Iterator[None]:
    """It takes connections and says nothing."""
    topology.redis.freeze()
    try:
        yield
    finally:
        topology.redis.thaw()


@pytest.mark.parametrize("outage", [stopped, frozen])
@pytest.mark.clause("limits", "", "LIM-12")
def test_without_redis_everything_is_answered_as_with_it(
    topology: Topology, since: Since, outage: Callable[[Topology], AbstractContextManager[None]]
) -> None:
    with outage(topology):
        person = Person().sign_in().sign_in("todo")
        assert person.is_shown(person.ask_for_card())
        for page in ("staff", "wiki", "todo"):
            assert person.browser.get(topology.origins[page]).status == 200

        legs = Legs(person)
        id_jag = legs.id_jag()
        topology.proxy.route({"^POST todo.*token$": "a"})
        redeemed = legs.redeem(id_jag)
        topology.proxy.route({"^POST todo.*token$": "b"})
        replayed = legs.redeem(id_jag)
        assert (redeemed.headers["X-Upstream"], replayed.headers["X-Upstream"]) == tuple(
            web.address for web in topology.webs
        )
        assert legs.call(redeemed.json()["access_token"]).json()["task"] == person.todo.task
        assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
        assert all(readiness(web) == "degraded" for web in topology.webs)
    assert not since.errors()


@pytest.mark.clause("limits", "", "LIM-12")
def test_a_storm_does_not_notice_that_redis_is_killed_and_comes_back(topology: Topology, since: Since) -> None:
    people = [Person().sign_in() for _ in range(3)]
    topology.proxy.route()
    with Storm(people, windows=3) as storm:
        storm.goes_on(for_requests=20)
        topology.redis.kill()
        storm.goes_on(for_requests=40)
        StoredAccessToken.objects.filter(user=people[0].wiki_user).delete()
        storm.goes_on(for_requests=40)
        topology.redis.start()
        storm.goes_on(for_requests=40)
    assert [one.what for one in storm.asked if not one.is_shown] == []
    said = since.said()
    assert all("Redis does not answer (ConnectionError)" in said[web.name] for web in topology.webs)
    for web in topology.webs:
        until(web.has_everything, f"{web.name} to use Redis again")
    assert people[0].is_shown(people[0].ask_for_card())
    assert topology.redis.ask("DBSIZE") != ":0"
    assert not since.errors()


def readiness(web: Web) -> str:
    """Return what one web process says of its cache; it must be ready whatever that is."""
    answer = web.ask("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    return str(answer.json()["checks"]["cache"])
