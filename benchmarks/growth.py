"""What a request costs as the database grows: more tenants, then more access tokens and todos.

Needs Django set up with the environment of the server under test.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from authserver.models import AuthorizationServer, Client, SigningKey
from base.addresses import idp_origin
from benchmarks.measure import Bench, Measurement
from benchmarks.people import make_people
from benchmarks.report import OF_MANY
from benchmarks.scenarios import SCENARIOS, Requests
from crossapp.requesting_app.models import ResourceApp
from idp.models import CrossAppPolicy
from tenants.models import EmailDomain, IdPConnection, Realm, Tenant, User
from todo.models import Todo

Row = TypeVar("Row", bound=models.Model)
SEEDED, PERSON = "customer3", "foo@tables.fake3"  # of which further tenants are copies
PEOPLE = 20  # of the few tenants
FEW_TENANTS, MANY_TENANTS = 10, 10_000
FEW_ROWS, MANY_ROWS = 1_000, 1_000_000
SPREAD = 150  # tenants that requests come from, where they come from many
MEASURED = ("jwt-bearer", "exchange", "api-read", "api-list", "unfurl-cached", "unfurl-new")
MEASURED_OF_MANY = ("jwt-bearer", "exchange", "api-read")
BATCH = 2000
KEY_PAIRS = 200
"""The first tenants have a key pair each, further tenants share them: ten thousand key pairs would take an hour.

A shared key has another `kid` with each tenant, which is not its thumbprint: no sign-in works with it, but every grant.
"""


def measure(bench: Bench) -> Iterator[Measurement]:
    """Measure with a small database, with many tenants, with many rows too, and with requests of many tenants."""
    scale = min(bench.scale, 1.0)
    many_tenants, many_rows = int(MANY_TENANTS * scale), int(MANY_ROWS * scale)
    add_tenants(FEW_TENANTS)
    requests = Requests(make_people(list(Tenant.objects.order_by("pk")), PEOPLE), bench.port)
    for tenants, rows in ((FEW_TENANTS, FEW_ROWS), (many_tenants, FEW_ROWS), (many_tenants, many_rows)):
        add_tenants(tenants)
        add_todos(rows)
        add_access_tokens(rows)
        yield from _measure(bench, requests, MEASURED, state := f"{tenants:,} tenants, {rows:,} rows")
    spread = list(Tenant.objects.order_by("pk")[FEW_TENANTS : FEW_TENANTS + SPREAD])
    of_many = Requests(make_people(spread, SPREAD), bench.port, minted=True)
    yield from _measure(bench, of_many, MEASURED_OF_MANY, f"{state}; {OF_MANY}{SPREAD} tenants")


def _measure(bench: Bench, requests: Requests, names: Sequence[str], state: str) -> Iterator[Measurement]:
    with bench.serving() as server:
        for name in names:
            yield replace(bench.measure(SCENARIOS[name], requests, server, 1), state=state)


def add_tenants(number: int) -> None:
    """Add tenants until there are `number`: copies of a seeded one, with its IdP, clients, connections and a person."""
    for start in range(Tenant.objects.count(), number, BATCH):
        with transaction.atomic():
            _copy_tenant(Tenant.objects.get(slug=SEEDED), range(start, min(start + BATCH, number)))


def _copy_tenant(seeded: Tenant, numbers: Sequence[int]) -> None:
    tenants = _copies(seeded, ({"slug": f"bulk{number}", "name": f"Bulk {number}"} for number in numbers))
    domain = EmailDomain.objects.get(tenant=seeded)
    _copies(domain, ({"tenant": tenant, "domain": f"{tenant.slug}.fake"} for tenant in tenants))
    server = AuthorizationServer.objects.get(tenant=seeded)
    servers = _copies(server, ({"tenant": tenant, "issuer": idp_origin(tenant.slug)} for tenant in tenants))
    _add_keys(servers, numbers)
    for client in Client.objects.filter(server=server):
        clients = _copies(client, ({"server": each} for each in servers))
        for policy in CrossAppPolicy.objects.filter(client=client):
            _copies(policy, ({"server": each.server, "client": each} for each in clients))
    for connection in IdPConnection.objects.filter(tenant=seeded):
        _copies(connection, ({"tenant": each.tenant, "issuer": each.issuer} for each in servers))
    for user in User.objects.filter(tenant=seeded, email=PERSON):
        _copies(user, (_person(user, tenant) for tenant in tenants))


def _person(user: User, tenant: Tenant) -> dict[str, Any]:
    names = {"username": f"{user.realm}:{tenant.slug}:one", "email": f"one@{tenant.slug}.fake"}
    issuer = "" if user.realm == Realm.IDP else idp_origin(tenant.slug)
    return {**names, "tenant": tenant, "issuer": issuer, "sub": secrets.token_hex(10)}


def _add_keys(servers: Sequence[AuthorizationServer], numbers: Sequence[int]) -> None:
    for server in (server for server, number in zip(servers, numbers, strict=True) if number < KEY_PAIRS):
        SigningKey.generate(server, SigningKey.Status.ACTIVE)
    keys = SigningKey.objects.filter(server__realm=Realm.IDP).order_by("pk")[:KEY_PAIRS]
    sharing = [server for server, number in zip(servers, numbers, strict=True) if number >= KEY_PAIRS]
    for index, key in enumerate(keys):
        _copies(key, ({"server": server, "kid": secrets.token_urlsafe(32)} for server in sharing[index::KEY_PAIRS]))


def _copies(row: Row, changes: Iterable[dict[str, Any]]) -> list[Row]:
    """Save a copy of `row` for each of `changes`, and return the copies."""
    made = []
    for change in changes:
        made.append(each := copy(row))
        each.pk = None
        for name, value in change.items():
            setattr(each, name, value)
    return type(row)._default_manager.bulk_create(made)


def add_todos(number: int) -> None:
    """Add todos until there are `number`, of people whose requests are not measured."""
    owners = _owners()
    count = number - Todo.objects.count()
    _add(Todo, (Todo(owner_id=owners[each % len(owners)], task="Water the office avocado") for each in range(count)))


def add_access_tokens(number: int) -> None:
    """Add access tokens of Wiki0 at Todo0 until there are `number`, of people whose requests are not measured."""
    model, owners, todo0 = get_access_token_model(), _owners(), ResourceApp.objects.get()
    client = Client.objects.get(server__issuer=todo0.audience, client_id=todo0.client_id)
    expires = timezone.now() + timedelta(hours=1)
    rows = (
        model(
            user_id=owners[each % len(owners)],
            application=client,
            expires=expires,
            scope="read",
            resource=[todo0.resource],
            token_checksum=hashlib.sha256(secrets.token_bytes(16)).hexdigest(),
        )
        for each in range(number - model.objects.count())
    )
    _add(model, rows)


def _owners() -> list[int]:
    return list(User.objects.filter(realm=Realm.TODO, username__endswith=":one").values_list("pk", flat=True))


def _add(model: type[Row], rows: Iterator[Row]) -> None:
    while batch := list(islice(rows, BATCH)):
        model._default_manager.bulk_create(batch)
