"""The parts of a measurement on one database: every scenario, the choice of the server, growth."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings

from benchmarks import growth, signatures, statements
from benchmarks.measure import COUNTED, Bench
from benchmarks.people import make_people
from benchmarks.scenarios import BY_NAME, SCENARIOS, Requests, Scenario
from benchmarks.servers import PROGRAMS, ServerKind
from benchmarks.terminal import line_of, say, show_sql
from benchmarks.world import World
from tenants.models import Tenant

PEOPLE = 24
COMPARED = [ServerKind(program, threads) for program in PROGRAMS for threads in (64, 16)]
COMPARED_BY = ("healthz", "api-read", "jwt-bearer", "unfurl-cached", "unfurl-new")


def _port() -> int:
    return int(settings.BASE_DOMAIN.partition(":")[2])


def _requests() -> Requests:
    return Requests(World(make_people(list(Tenant.objects.order_by("pk")), PEOPLE)), _port())


def _chosen(arguments: argparse.Namespace) -> list[Scenario]:
    return [scenario for scenario in SCENARIOS if not arguments.only or scenario.name in arguments.only]


def scenarios(bench: Bench, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the scenarios with one server; count their statements first, with other processes."""
    kind, requests, measured = ServerKind(arguments.server, arguments.threads), _requests(), []
    counted, anew = (_count(bench, kind, requests, _chosen(arguments), knows=what) for what in ("all", "nothing"))
    say(f"this core makes {signatures.signing_rate():,.0f} RS256 signatures a second of CPU now")
    with bench.serving(kind, _port()) as server:
        for scenario in _chosen(arguments):
            lines = counted[scenario.name]
            for concurrency in arguments.concurrency:
                result = bench.measure(scenario, requests, server, concurrency)
                result.statements = statements.count((sql for line in lines for sql in line["sql"]), COUNTED)
                result.statements_anew = statements.count(
                    (sql for line in anew[scenario.name] for sql in line["sql"]), COUNTED
                )
                result.grants = statements.grants(lines, COUNTED)
                measured.append(asdict(result))
                say(line_of(result))
            if arguments.sql:
                show_sql(lines, COUNTED)
    return measured


def _count(
    bench: Bench, kind: ServerKind, requests: Requests, chosen: Sequence[Scenario], *, knows: str
) -> dict[str, list[dict[str, Any]]]:
    file = bench.directory / "statements.jsonl"
    environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings", statements.FILE: str(file), statements.KNOWS: knows}
    with bench.serving(kind, _port(), **environment):
        return {scenario.name: bench.count_statements(scenario, requests, file) for scenario in chosen}


def servers(bench: Bench, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure some scenarios with each server, with half of the requests."""
    bench, requests, measured = replace(bench, scale=bench.scale / 2), _requests(), []
    for kind in COMPARED:
        say(str(kind))
        with bench.serving(kind, _port()) as server:
            for name in COMPARED_BY:
                for concurrency in arguments.concurrency:
                    result = bench.measure(BY_NAME[name], requests, server, concurrency)
                    measured.append(asdict(result))
                    say(line_of(result))
    return measured


def grown(bench: Bench, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure how costs grow with the database."""
    return growth.measure(bench, ServerKind(arguments.server, arguments.threads), _port())


PARTS: dict[str, Callable[[Bench, argparse.Namespace], list[dict[str, Any]]]] = {
    "scenarios": scenarios,
    "servers": servers,
    "growth": grown,
}
