"""What is measured, and how it is computed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

REFERENCE = 3050
"""RS256 signatures a second of a core of the machine that the goals were set on."""


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` of a hundred of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


@dataclass
class Latency:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        return cls(*(percentile(seconds, percent) * 1000 for percent in (50, 95, 99)))


@dataclass
class Statements:
    """SQL statements of one request, those of the requests it makes in turn included; an average of several."""

    queries: float = 0.0
    transactions: float = 0.0
    """BEGIN and COMMIT, or what the driver sends instead."""
    connections: float = 0.0
    """What opening a connection sends."""

    @property
    def total(self) -> float:
        return self.queries + self.transactions + self.connections


@dataclass
class Measurement:
    """One scenario at one concurrency. A flow of several requests counts as one; CPU is that of the server's tree."""

    scenario: str
    database: str
    server: str
    concurrency: int
    count: int
    failures: int
    """Requests that were refused, or answered with something else than they should."""
    rate: float
    """Flows per second."""
    latency: Latency
    steps: dict[str, Latency]
    """Of a flow of several requests: each of them."""
    cpu_ms: float
    system_ms: float
    """The part of `cpu_ms` that the kernel used."""
    memory_mib: float
    signing_rate: float
    """RS256 signatures a second of a core just before and after: how fast the machine was."""
    services_cpu_ms: float | None = None
    """What the database server and Redis used meanwhile, if they run on this machine."""
    statements: Statements | None = None
    """With all that a process may keep for some seconds at hand."""
    statements_anew: Statements | None = None
    """With nothing of that: as for somebody who comes alone."""
    grants: dict[str, float] = field(default_factory=dict)
    """How many token requests of each grant type a flow made."""

    @property
    def speed(self) -> float:
        """How many times as fast as the goals' one this machine was."""
        return self.signing_rate / REFERENCE
