"""Measures on one database, in a process of its own: Django reads its environment once."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.core.management import call_command
from django.db import connection
from django_redis import get_redis_connection

from benchmarks import environment, load, server
from benchmarks.measure import Bench, Measurement

PEOPLE = 24
COUNTED = 16  # flows whose statements are counted


@dataclass(frozen=True)
class Job:
    """What is measured: a part, `scenarios` or `growth`, on a database; the rest as the command line says."""

    database: str
    part: str
    only: list[str]
    concurrency: list[int]
    scale: float
    sql: bool


def measure(job: Job) -> tuple[list[Measurement], dict[str, str]]:
    """Return the measurements and the versions of what was used. Changes the environment of this process."""
    with (
        TemporaryDirectory(prefix="idjag-bench-") as directory,
        environment.fresh(job.database, Path(directory)) as variables,
    ):
        port = server.free_port()
        settings_module = {"DJANGO_SETTINGS_MODULE": "idjag_demo.settings"}
        os.environ.update(environment.on_port(port) | variables | settings_module)
        django.setup()
        logging.disable(logging.WARNING)  # of this process; the server logs as it does in a deployment
        call_command("migrate", verbosity=0)
        call_command("seed", verbosity=0)
        services = [] if job.database == "sqlite" else server.services()
        server_core, load_core = server.cores()
        with load.generator(load_core) as generator:
            log = Path(directory) / "server.log"
            bench = Bench(job.database, port, log, generator, server_core, job.scale, services)
            return [_said(measured) for measured in _part(job, bench)], _versions(job.database)


def _part(job: Job, bench: Bench) -> Iterator[Measurement]:
    from benchmarks import growth  # it needs Django set up

    return growth.measure(bench) if job.part == "growth" else _scenarios(bench, job)


def _scenarios(bench: Bench, job: Job) -> Iterator[Measurement]:
    """Count the statements of the scenarios with a server that counts; measure them with a server that does not."""
    from benchmarks import people, scenarios, statements
    from tenants.models import Tenant

    made = people.make_people(list(Tenant.objects.order_by("pk")), PEOPLE)
    requests = scenarios.Requests(made, bench.port)
    chosen = [scenario for name, scenario in scenarios.SCENARIOS.items() if name in job.only or not job.only]
    file, lines = bench.log.with_name("statements.jsonl"), {}
    with bench.serving({"DJANGO_SETTINGS_MODULE": "benchmarks.settings", statements.FILE: str(file)}):
        for scenario in chosen:
            for _ in range(2):  # the first time warms up
                statements.read(file)
                bench.run_unmeasured(scenario, requests, COUNTED, 1)
            lines[scenario.name] = statements.read(file)
            if job.sql:
                _print_sql(lines[scenario.name])
    with bench.serving() as running:
        for scenario in chosen:
            sql, transactions, exchanges = statements.averages(lines[scenario.name], COUNTED)
            for concurrency in job.concurrency:
                result = bench.measure(scenario, requests, running, concurrency)
                yield replace(result, statements=sql, transactions=transactions, exchanges=exchanges)


def _print_sql(lines: list[dict[str, str]]) -> None:
    """Print the statements of the last flow."""
    for line in lines[-(len(lines) // COUNTED) :]:
        print(f"  {line['request']} {line['grant']}", *line["sql"], sep="\n    ", flush=True)


def _said(result: Measurement) -> Measurement:
    """Print a measurement as a line, and return it."""
    print(
        f"{result.scenario:<14} {result.database:<8} at once: {result.concurrency}  {result.cpu_ms:6.2f} ms CPU ="
        f" {result.signatures:5.1f} signatures  {result.rate:7.1f}/s  p50 {result.p50:6.2f}  p99 {result.p99:6.2f} ms",
        "" if result.statements is None else f"SQL {result.statements:.1f} + {result.transactions:.1f}",
        f"{result.failures} FAILED" if result.failures else "",
        result.state,
        sep="  ",
        flush=True,
    )
    return result


def _versions(database: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if database == "sqlite" else "SELECT VERSION()")
        found = {"Django": django.get_version(), environment.TITLES[database].split()[0]: str(cursor.fetchone()[0])}
    return found if database == "sqlite" else found | {"Redis": get_redis_connection().info("server")["redis_version"]}
