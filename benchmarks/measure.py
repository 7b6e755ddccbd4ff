"""Runs a scenario and returns what it took, in milliseconds and in RS256 signatures that the same core makes."""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from benchmarks import server
from benchmarks.load import Flow, LoadError, Outcome, run_flows

if TYPE_CHECKING:  # they need Django set up; the report needs `Measurement` only
    from benchmarks.scenarios import Requests, Scenario

SIGNED_IN = 16  # people whose sessions and ID tokens are used
WARM_UP = 0.15  # of the flows, beforehand
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
MESSAGE = bytes(600)  # about as long as the signed part of a JWT here


def signing_rate(core: int | None, seconds: float = 0.1) -> float:
    """Return how many RS256 signatures a second of CPU time makes on `core` (None: any) now: the yardstick."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if core is None else {core})
    count, started, used = 0, time.thread_time(), 0.0
    while used < seconds:
        for _ in range(10):
            KEY.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
        count, used = count + 10, time.thread_time() - started
    os.sched_setaffinity(0, before)
    return count / used


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` of a hundred of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


@dataclass(frozen=True)
class Measurement:
    """One scenario at one concurrency. A flow of several requests counts as one; times are milliseconds."""

    scenario: str
    database: str
    concurrency: int
    count: int
    failures: int
    """Requests that were refused or answered wrongly."""
    rate: float
    """Flows a second."""
    p50: float
    p95: float
    p99: float
    cpu_ms: float
    """CPU time of the server's processes for a flow."""
    signing_rate: float
    """RS256 signatures for a second of CPU time of the server's core, just before and after."""
    memory_mib: float
    services_cpu_ms: float | None = None
    """CPU time of the database server and of Redis for a flow, if they run on this machine."""
    state: str = ""
    """What the database holds, where growth is measured."""
    statements: float | None = None
    """SQL statements of a flow, those of its requests to other sites included; None if they were not counted."""
    transactions: float = 0.0
    """BEGIN and COMMIT of a flow."""
    exchanges: float = 0.0
    """Token exchanges of a flow."""

    @property
    def signatures(self) -> float:
        """The CPU time, in RS256 signatures of the same core."""
        return self.cpu_ms / 1000 * self.signing_rate


@dataclass(frozen=True)
class Bench:
    """Where and with what is measured. `scale` shortens everything."""

    database: str
    port: int
    log: Path
    generator: Executor
    core: int | None
    scale: float
    services: Sequence[int] = ()
    """The processes of the database server and of Redis on this machine."""

    def serving(self, variables: Mapping[str, str] | None = None) -> AbstractContextManager[server.Server]:
        """Run the server, with `variables` added to the environment. Raises `ServerFailed`."""
        return server.running(self.port, self.core, self.log, variables or {})

    def measure(
        self, scenario: "Scenario", requests: "Requests", running: server.Server, concurrency: int
    ) -> Measurement:
        """Run `scenario` and return what it took. Raises `LoadError`."""
        count = max(int(scenario.count * self.scale), SIGNED_IN if scenario.fresh else 50)
        warm_up = SIGNED_IN if scenario.fresh else max(int(count * WARM_UP), len(requests.people))
        self.run_unmeasured(scenario, requests, warm_up, concurrency)
        outcomes, cpu, services_cpu = [], 0.0, 0.0
        rate_before = signing_rate(self.core)
        for flows in _rounds(scenario, requests, count):
            before, services_before = running.cpu(), server.cpu_of(self.services)
            outcomes.append(self._run(scenario, flows, concurrency))
            cpu += running.cpu() - before
            services_cpu += server.cpu_of(self.services) - services_before
        times = [sum(steps) * 1000 for outcome in outcomes for steps in outcome.latencies]
        return Measurement(
            scenario=scenario.name,
            database=self.database,
            concurrency=concurrency,
            count=len(times),
            failures=sum(outcome.failures for outcome in outcomes),
            rate=len(times) / sum(outcome.seconds for outcome in outcomes),
            p50=percentile(times, 50),
            p95=percentile(times, 95),
            p99=percentile(times, 99),
            cpu_ms=cpu * 1000 / len(times),
            signing_rate=(rate_before + signing_rate(self.core)) / 2,
            memory_mib=server.peak_memory(running.pids),
            services_cpu_ms=services_cpu * 1000 / len(times) if self.services else None,
        )

    def run_unmeasured(self, scenario: "Scenario", requests: "Requests", count: int, concurrency: int) -> None:
        """Run flows to warm up or to count. Raises `LoadError` if one fails while it is the only one."""
        for flows in _rounds(scenario, requests, count):
            outcome = self._run(scenario, flows, concurrency)
            if outcome.failures and concurrency == 1:
                raise LoadError(f"{scenario.name}: {outcome.failures} of {len(flows)} failed.\n{outcome.failure}")

    def _run(self, scenario: "Scenario", flows: Sequence[Flow], concurrency: int) -> Outcome:
        return self.generator.submit(run_flows, self.port, flows, concurrency, scenario.expected).result()


def _rounds(scenario: "Scenario", requests: "Requests", count: int) -> Iterator[list[Flow]]:
    """Yield the flows in as many rounds as there must be; each round may begin when it is yielded."""
    flows = scenario.flows(requests, count)
    if not scenario.fresh:
        yield flows
        return
    for start in range(0, len(flows), SIGNED_IN):
        requests.forget_stored_tokens()
        yield flows[start : start + SIGNED_IN]
