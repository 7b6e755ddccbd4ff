"""A tenant's IdP that is slow, down or lying: its people get a plain link and the reason, all others notice nothing."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.topology.external_idps import (
    ENDPOINTS,
    KEYS,
    MISBEHAVIOUR,
    SLOW,
    SLOW_SECONDS,
    TOKEN,
    ExternalIdps,
    serving,
)
from tests.topology.people import Person
from tests.topology.processes import until
from tests.topology.topology import Since, Topology

pytestmark = pytest.mark.services

CASES = {f"x{number}": case for number, case in enumerate(itertools.product(ENDPOINTS, MISBEHAVIOUR))}
MANY = 40


@pytest.fixture
def idps(topology: Topology) -> Iterator[ExternalIdps]:
    with serving() as idps:
        yield idps


@pytest.mark.clause("limits", "", "LIM-17")
def test_a_misbehaving_idp_affects_only_its_own_users_and_they_get_a_reason(
    topology: Topology, since: Since, idps: ExternalIdps
) -> None:
    for slug in CASES:
        idps.connect(slug)
    people, john = {slug: Person(slug) for slug in CASES}, Person("customer2").sign_in()
    newcomers = {slug: Person(slug) for slug in CASES}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Person.sign_in, people.values()))
    topology.redis.forget_everything()
    idps.misbehaviour = {(slug, endpoint): kind for slug, (endpoint, kind) in CASES.items()}
    idps.asked.clear()

    with ThreadPoolExecutor(len(CASES)) as pool:
        cards = dict(zip(people, pool.map(Person.card, people.values()), strict=True))
    assert john.is_shown(john.ask_for_card()), "his is the first exchange at Todo0 since"
    reasons = {CASES[slug]: card["reason"]["code"] for slug, card in cards.items()}
    assert reasons == {case: expected_reason(*case) for case in CASES.values()}
    assert max(idps.asked.values()) <= 2
    assert idps.asked["elsewhere", ""] == 0, "the redirect was not followed"

    topology.redis.forget_everything()
    with ThreadPoolExecutor(len(CASES)) as pool:
        pages = pool.map(lambda person: person.browser.sign_in("wiki", person.email), newcomers.values())
        answers = {CASES[slug]: page.status for slug, page in zip(newcomers, pages, strict=True)}
    assert set(answers.values()) == {502}, answers
    assert not since.errors()


def expected_reason(endpoint: str, kind: str) -> str:
    """Return what the page says: that no answer came, or that it cannot be used."""
    useless = kind in ("HTML", "redirect", "broken JSON", "wrong types", "huge")
    return "not_set_up" if useless and endpoint != KEYS else "no_answer"  # the keys are Todo0's to fetch


@pytest.mark.clause("limits", "", "LIM-17")
def test_forty_users_of_a_hanging_idp_do_not_delay_others(topology: Topology, since: Since, idps: ExternalIdps) -> None:
    idps.connect("slow")
    waiting, john = [Person("slow") for _ in range(MANY)], Person("customer2").sign_in()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Person.sign_in, waiting))
    idps.misbehaviour["slow", TOKEN] = "hang"
    with ThreadPoolExecutor(MANY) as pool:
        cards = [pool.submit(person.card) for person in waiting]
        until(lambda: idps.hanging >= MANY / 2, "most of them to hang")
        assert john.is_shown(john.ask_for_card())
        assert idps.hanging and not any(card.done() for card in cards)
        assert Person("customer3").sign_in().browser.get(topology.origins["wiki"]).status == 200
        idps.released.set()
        assert {card.result()["reason"]["code"] for card in cards} == {"no_answer"}
    assert not since.errors()


@pytest.mark.clause("limits", "", "LIM-17")
def test_an_idp_that_is_slow_but_right_is_waited_for(topology: Topology, since: Since, idps: ExternalIdps) -> None:
    slugs = {endpoint: f"slow{number}" for number, endpoint in enumerate(ENDPOINTS)}
    for slug in slugs.values():
        idps.connect(slug)
    people = [Person(slug).sign_in() for slug in slugs.values()]
    topology.redis.forget_everything()
    idps.misbehaviour = {(slug, endpoint): SLOW for endpoint, slug in slugs.items()}
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(Person.ask_for_card, people))
    assert [person.is_shown(answer) for person, answer in zip(people, answers, strict=True)] == [True] * len(people)
    assert min(answer.elapsed.total_seconds() for answer in answers) > SLOW_SECONDS, "each was waited for"
    assert not since.errors()


@pytest.mark.clause("limits", "", "LIM-17")
def test_an_idp_that_is_slow_everywhere_brings_the_card_when_its_keys_are_there(
    topology: Topology, since: Since, idps: ExternalIdps
) -> None:
    """Todo0 asks for two documents while Wiki0 waits, which has less patience than both take."""
    idps.connect("slow-everywhere")
    person = Person("slow-everywhere").sign_in()
    topology.redis.forget_everything()
    idps.misbehaviour = {("slow-everywhere", endpoint): SLOW for endpoint in ENDPOINTS}
    until(lambda: person.is_shown(person.ask_for_card()), "the card")
    assert idps.asked["slow-everywhere", TOKEN] <= 1 + 2, "the sign-in's, and two exchanges"
    assert not since.errors()


@pytest.mark.clause("limits", "", "LIM-17")
def test_an_idp_where_nothing_listens_is_a_reason_and_comes_back_by_itself(topology: Topology, since: Since) -> None:
    with serving() as idps:
        idps.connect("down")
        person, newcomer, john = Person("down").sign_in(), Person("down"), Person("customer2").sign_in()
    topology.redis.forget_everything()
    assert person.card()["reason"]["code"] == "no_answer"
    assert newcomer.browser.sign_in("wiki", newcomer.email).status == 502
    assert john.is_shown(john.ask_for_card())
    with serving(idps.server_port):
        until(lambda: person.is_shown(person.ask_for_card()), "the card of a person whose IdP is back")
        newcomer.sign_in()
    assert not since.errors()
