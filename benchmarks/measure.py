"""Measures scenarios on one database with one kind of server. Needs Django set up with the server's environment."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import processes, servers, signatures, statements
from benchmarks.figures import Latency, Measurement
from benchmarks.load import Flow, Generator, LoadError
from benchmarks.scenarios import SIGNED_IN, Requests, Scenario
from benchmarks.terminal import say

WARM_UP = 0.15  # of the flows, beforehand
COUNTED = 16  # flows whose statements are counted


@dataclass(frozen=True)
class Bench:
    """Where and with what is measured. `scale` shortens everything."""

    database: str
    directory: Path
    generator: Generator
    server_cpu: int | None
    scale: float
    services: Sequence[int] = ()
    """The processes of database and cache, those on this machine."""

    @contextmanager
    def serving(self, kind: servers.ServerKind, port: int, **environment: str) -> Iterator[servers.Server]:
        """Run the server. Raises `LoadError`, with the end of its log, if it did not answer as it should."""
        log = self.directory / "server.log"
        with servers.running(kind, port, cpu=self.server_cpu, log=log, environment=environment) as server:
            try:
                yield server
            except LoadError as error:
                error.add_note(f"The end of the server's log:\n{log.read_text(errors='replace')[-1500:]}")
                raise

    def measure(self, scenario: Scenario, requests: Requests, server: servers.Server, concurrency: int) -> Measurement:
        """Run `scenario` and return what it took. Raises `LoadError`."""
        count = max(int(scenario.count * self.scale), SIGNED_IN if scenario.fresh else 50)
        warm_up = SIGNED_IN if scenario.fresh else max(int(count * WARM_UP), len(requests.world.people))
        self._warm_up(scenario, requests, warm_up, concurrency)
        processes.forget_peaks(server.pids)
        signing_rate = signatures.signing_rate()
        latencies: list[list[float]] = []
        failures = 0
        seconds = cpu = system = services_cpu = 0.0
        for flows in _rounds(scenario, requests, count):
            before, services_before = server.cpu(), processes.cpu_of(self.services)
            outcome = self.generator.run(server.port, flows, concurrency, scenario.expected)
            used = server.cpu() - before
            services_cpu += (processes.cpu_of(self.services) - services_before).total
            cpu, system, seconds = cpu + used.total, system + used.system, seconds + outcome.seconds
            latencies += outcome.latencies
            failures += outcome.failures
        count = len(latencies)
        return Measurement(
            scenario=scenario.name,
            database=self.database,
            server=str(server.kind),
            concurrency=concurrency,
            count=count,
            rate=count / seconds,
            latency=Latency.of([sum(steps) for steps in latencies]),
            steps={
                name: Latency.of(column)
                for name, column in zip(scenario.steps, zip(*latencies, strict=True), strict=False)
            },
            cpu_ms=cpu * 1000 / count,
            system_ms=system * 1000 / count,
            failures=failures,
            memory_mib=processes.peak_memory(server.pids),
            signing_rate=(signing_rate + signatures.signing_rate()) / 2,
            services_cpu_ms=services_cpu * 1000 / count if self.services else None,
        )

    def count_statements(self, scenario: Scenario, requests: Requests, file: Path) -> list[dict[str, Any]]:
        """Run `COUNTED` flows, one after the other, against a server that counts; return what each request sent."""
        for _ in range(2):  # the first time is the warm-up
            statements.read(file)
            self._warm_up(scenario, requests, COUNTED, 1)
        return statements.read(file)

    def _warm_up(self, scenario: Scenario, requests: Requests, count: int, concurrency: int) -> None:
        """Run flows for which no time is taken. Raises `LoadError` if one fails when it is alone."""
        for flows in _rounds(scenario, requests, count):
            outcome = self.generator.run(requests.port, flows, concurrency, scenario.expected)
            if outcome.failures:
                say(f"{scenario.name}: {outcome.failures} of {len(flows)} failed, for example:\n{outcome.failure}")
                if concurrency == 1:
                    raise LoadError(f"{scenario.name} does not work.")


def _rounds(scenario: Scenario, requests: Requests, count: int) -> Iterator[list[Flow]]:
    """Yield the flows in as many parts as there must be, each when it may begin."""
    if not scenario.fresh:
        yield list(scenario.flows(requests, count))
        return
    flows = list(scenario.flows(requests, count))
    for start in range(0, len(flows), SIGNED_IN):
        requests.world.forget_stored_tokens()
        yield flows[start : start + SIGNED_IN]
