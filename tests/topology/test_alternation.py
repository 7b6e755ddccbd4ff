"""No step of the flow needs the process that answered the step before."""

from itertools import pairwise

import pytest
import requests

from tests.topology.people import Person
from tests.topology.processes import soon
from tests.topology.proxy import Passed
from tests.topology.topology import Since, Topology

pytestmark = pytest.mark.services

# From the sign-in to the card, in order; the letter is the process that is to answer.
STEPS = {
    "GET wiki/sign-in": "a",
    "POST wiki/sign-in": "b",
    "GET idp/.well-known/openid-configuration": "a",
    "GET idp/oauth2/v1/authorize": "b",
    "GET idp/sign-in": "a",
    "POST idp/sign-in": "b",
    "GET wiki/sign-in/callback": "a",
    "POST idp/oauth2/v1/token": "b",  # the code, and later the token exchange
    "GET idp/oauth2/v1/keys": "a",
    "GET wiki/": "b",
    "GET wiki/pages/": "a",
    "POST wiki/api/articles/unfurl": "a",
    "GET todo/.well-known/oauth-authorization-server": "a",
    "POST todo/oauth2/v1/token": "b",
    "GET todo/api/todos": "a",
}
OTHER = {"a": "b", "b": "a"}


@pytest.mark.parametrize("first", ["a", "b"])
def test_each_step_may_be_answered_by_another_process_than_the_one_before(
    topology: Topology, since: Since, first: str
) -> None:
    plan = {step: web if first == "a" else OTHER[web] for step, web in STEPS.items()}
    topology.redis.forget_everything()
    topology.proxy.route({pattern(step): web for step, web in plan.items()})
    person = Person()
    assert person.is_shown(person.sign_in().ask_for_card())

    soon(lambda: {(step_of(one), topology.name_of(one.web)) for one in since.passed()}, set(plan.items()))


@pytest.mark.parametrize("first", ["a", "b"])
def test_in_strict_alternation_every_request_meets_the_other_process(topology: Topology, first: str) -> None:
    topology.redis.forget_everything()
    topology.proxy.route()  # in turn, from a on
    if first == "b":
        requests.get(f"http://127.0.0.1:{topology.proxy.port}/", timeout=30)
    since, person = Since(topology), Person()
    assert person.is_shown(person.sign_in().ask_for_card())

    soon(lambda: {step_of(one) for one in since.passed()}, set(STEPS))
    in_order = [topology.name_of(one.web) for one in sorted(since.passed(), key=lambda one: one.start)]
    assert in_order[0] == first
    assert all(next_one == OTHER[one] for one, next_one in pairwise(in_order)), in_order


def step_of(passed: Passed) -> str:
    """Return what a request was in the words of `STEPS`."""
    site = "idp" if ".idp." in passed.host else passed.site
    return f"{passed.method} {site}{passed.path}"


def pattern(step: str) -> str:
    method, _, address = step.partition(" ")
    site, _, path = address.partition("/")
    host = {"idp": r"customer1\.idp"}.get(site, site)
    return rf"^{method} {host}\.localhost/{path}$"
