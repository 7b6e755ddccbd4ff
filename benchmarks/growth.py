"""What a request costs as the database grows: more tenants, then more access tokens and todos."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import bulk, goals
from benchmarks.measure import Bench
from benchmarks.people import make_people
from benchmarks.scenarios import BY_NAME, Requests
from benchmarks.servers import ServerKind
from benchmarks.terminal import line_of, say
from benchmarks.world import World
from tenants.models import Tenant

PEOPLE = 20  # of the few tenants
FEW_TENANTS, MANY_TENANTS = 10, 10_000
FEW_ROWS, MANY_ROWS = 1_000, 1_000_000
SPREAD = 150  # tenants that requests come from, where they come from many
SCENARIOS = ("jwt-bearer", "exchange", "api-read", "api-list", "unfurl-cached", "unfurl-new")
BY_MANY = ("jwt-bearer", "exchange", "api-read")


def measure(bench: Bench, kind: ServerKind, port: int) -> list[dict[str, Any]]:
    """Measure with a small database, with many tenants, and with many rows, too."""
    scale = min(bench.scale, 1.0)
    many_tenants, many_rows = int(MANY_TENANTS * scale), int(MANY_ROWS * scale)
    bulk.add_tenants(FEW_TENANTS, "tenants")
    few = list(Tenant.objects.order_by("pk"))
    requests = Requests(World(make_people(few, PEOPLE)), port)
    measured = []
    bulk.add_todos(FEW_ROWS, "todos")
    bulk.add_access_tokens(FEW_ROWS, "access tokens")
    measured += _measure(bench, kind, requests, SCENARIOS, f"{FEW_TENANTS} tenants, {FEW_ROWS:,} rows")
    bulk.add_tenants(many_tenants, "tenants")
    measured += _measure(bench, kind, requests, SCENARIOS, f"{many_tenants:,} tenants, {FEW_ROWS:,} rows")
    bulk.add_todos(many_rows, "todos")
    bulk.add_access_tokens(many_rows, "access tokens")
    measured += _measure(bench, kind, requests, SCENARIOS, f"{many_tenants:,} tenants, {many_rows:,} rows")
    spread = list(Tenant.objects.order_by("pk")[FEW_TENANTS : FEW_TENANTS + SPREAD])
    of_many = Requests(World(make_people(spread, SPREAD)), port, minted=True)
    measured += _measure(
        bench, kind, of_many, BY_MANY, f"{many_tenants:,} tenants, {many_rows:,} rows; {goals.OF_MANY}{SPREAD} tenants"
    )
    return measured


def _measure(
    bench: Bench, kind: ServerKind, requests: Requests, names: Sequence[str], state: str
) -> list[dict[str, Any]]:
    say(state)
    measured = []
    with bench.serving(kind, requests.port) as server:
        for name in names:
            result = bench.measure(BY_NAME[name], requests, server, 1)
            measured.append({**asdict(result), "state": state})
            say(line_of(result))
    return measured
