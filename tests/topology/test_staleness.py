"""What a process keeps of rows that another one changes: for as long as `base.recent_rows` says, and no longer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import requests
from django.db.models import Model

from authserver.models import Client
from base import recent_rows
from idp.models import CrossAppPolicy
from tenants.models import App, IdPConnection, Realm, Tenant
from tests.topology.legs import Legs
from tests.topology.operators import Operator
from tests.topology.people import Person
from tests.topology.topology import Since, Topology

pytestmark = pytest.mark.services

Ask = Callable[[Legs, str], requests.Response]


def exchange(legs: Legs, token: str) -> requests.Response:
    return legs.exchange()


def redeem(legs: Legs, token: str) -> requests.Response:
    return legs.redeem(legs.id_jag())


def call(legs: Legs, token: str) -> requests.Response:
    return legs.call(token)


@dataclass
class Case:
    """What the operator changes, and where it must be refused from then on."""

    row: Callable[[Tenant, Person], Model]
    changes: dict[str, Any]
    """What is in a field from now on, or a function of the tenant that says it."""
    ask: Ask
    refusal: tuple[int, str]


def client(tenant: Tenant, person: Person) -> Model:
    return Client.objects.get(server__tenant=tenant, client_id="wiki0")


def policy(tenant: Tenant, person: Person) -> Model:
    return CrossAppPolicy.objects.get(server__tenant=tenant)


def connection(tenant: Tenant, person: Person) -> Model:
    return IdPConnection.objects.get(app=App.TODO, tenant=tenant)


def a_tenant(tenant: Tenant, person: Person) -> Model:
    return tenant


def somebody_else(tenant: Tenant) -> list[int]:
    return [Person(tenant.slug).accounts[Realm.IDP].pk]


OFF = {"is_active": False}
CASES = {
    "client-off": Case(client, OFF, exchange, (401, "invalid_client")),
    "client-secret": Case(client, {"renew_secret": True}, exchange, (401, "invalid_client")),
    "policy-off": Case(policy, {"enabled": False}, exchange, (400, "access_denied")),
    "policy-for-others": Case(policy, {"users": somebody_else}, exchange, (400, "access_denied")),
    "person-off": Case(lambda tenant, person: person.accounts[Realm.IDP], OFF, exchange, (400, "invalid_grant")),
    "account-off": Case(lambda tenant, person: person.accounts[Realm.TODO], OFF, call, (401, "invalid_token")),
    "trust-off": Case(connection, {"enabled": False}, redeem, (400, "invalid_grant")),
    "connection-off": Case(connection, {"enabled": False}, call, (401, "invalid_token")),
    "tenant-off": Case(a_tenant, OFF, call, (401, "invalid_token")),
    "tenant-off-at-the-idp": Case(a_tenant, OFF, exchange, (404, "not_found")),
}


def outcome(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def ask(case: Case, legs: Legs, token: str) -> tuple[int, str]:
    return outcome(case.ask(legs, token))


def test_a_change_counts_at_once_where_it_is_made_and_within_five_seconds_elsewhere(
    topology: Topology, since: Since
) -> None:
    a, b = topology.webs
    operator = Operator(a)
    tenants = {slug: topology.add_tenant(slug) for slug in CASES}
    people = {slug: Person(slug).sign_in() for slug in CASES}
    at_a = {slug: partial(ask, CASES[slug], Legs(person, a)) for slug, person in people.items()}
    at_b = {slug: partial(ask, CASES[slug], Legs(person, b)) for slug, person in people.items()}
    tokens = {slug: Legs(person).access_token() for slug, person in people.items()}

    where_it_is_made = {}
    for slug, case in CASES.items():
        assert at_a[slug](tokens[slug]) == at_b[slug](tokens[slug]) == (200, ""), "both keep the rows"
        changes = {name: to(tenants[slug]) if callable(to) else to for name, to in case.changes.items()}
        operator.change(case.row(tenants[slug], people[slug]), **changes)
        where_it_is_made[slug] = at_a[slug](tokens[slug])
    time.sleep(recent_rows.SECONDS)
    elsewhere = {slug: at_b[slug](tokens[slug]) for slug in CASES}

    assert where_it_is_made == elsewhere == {slug: case.refusal for slug, case in CASES.items()}
    assert recent_rows.SECONDS <= 5
    assert not since.errors()


def test_wiki0_is_switched_off_and_on_at_todo0_in_every_process_within_five_seconds(
    topology: Topology, since: Since
) -> None:
    """One registration for the people of all tenants, which is put back."""
    person = Person().sign_in()
    at_a, at_b = (Legs(person, web) for web in topology.webs)
    token, id_jags = at_b.access_token(), [at_b.id_jag() for _ in range(2)]
    assert outcome(at_a.call(token)) == outcome(at_b.call(token)) == (200, ""), "both keep the row"
    wiki0 = Client.objects.get(server__realm=Realm.TODO, client_id="wiki0-at-todo0")
    operator = Operator(topology.webs[0])
    operator.change(wiki0, is_active=False)
    try:
        assert outcome(at_a.call(token)) == (401, "invalid_token")
        time.sleep(recent_rows.SECONDS)
        assert outcome(at_b.call(token)) == (401, "invalid_token")
        assert outcome(at_b.redeem(id_jags.pop())) == (401, "invalid_client")
    finally:
        operator.change(wiki0, is_active=True)
    time.sleep(recent_rows.SECONDS)
    assert outcome(at_b.redeem(id_jags.pop())) == outcome(at_b.call(token)) == (200, "")
    assert not since.errors()


def test_a_withdrawn_key_is_out_in_every_process_within_five_seconds(topology: Topology, since: Since) -> None:
    topology.add_tenant("key-withdrawn")
    person = Person("key-withdrawn").sign_in()
    legs = [Legs(person, web) for web in topology.webs]
    id_jags = [one.id_jag() for one in legs]
    assert [outcome(one.redeem(one.id_jag())) for one in legs] == [(200, "")] * 2, "both keep the key, IdP and Todo0"
    topology.manage("rotatekeys", "--at", "key-withdrawn", "--withdraw", "all")
    time.sleep(recent_rows.SECONDS)
    assert [outcome(one.exchange()) for one in legs] == [(400, "invalid_grant")] * 2
    redeemed = [one.redeem(id_jag) for one, id_jag in zip(legs, id_jags, strict=True)]
    assert [outcome(answer) for answer in redeemed] == [(400, "invalid_grant")] * 2
    assert not since.errors()
