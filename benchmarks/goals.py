"""The goals, and whether what was measured meets them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Measurement

TOLERANCE = 0.2
DEMO = {"until the first answer": 5.0, "first request": 1.0}  # seconds
OF_MANY = "requests of "
"""In the name of a state of growth that is no goal: the requests come from many tenants."""


@dataclass(frozen=True)
class Goal:
    """At most `limit` of what `value` returns, or exactly that."""

    scenario: str
    what: str
    unit: str
    limit: float
    value: Callable[[Measurement], float]
    stretch: float | None = None
    exactly: bool = False

    def __str__(self) -> str:
        return f"{'' if self.exactly else '≤ '}{self.limit:g} {self.unit}".rstrip()


def _cpu(result: Measurement) -> float:
    return result.cpu_ms


def _queries(result: Measurement) -> float:
    return result.statements.queries if result.statements else float("inf")


def _p50(result: Measurement) -> float:
    return result.latency.p50


def _exchanges(result: Measurement) -> float:
    return result.grants.get("token-exchange", 0.0)


CPU, STATEMENTS, P50 = "CPU", "SQL statements", "p50"
GOALS = [
    Goal("jwt-bearer", CPU, "ms", 1.7, _cpu, stretch=1.1),
    Goal("jwt-bearer", STATEMENTS, "", 5, _queries),
    Goal("exchange", CPU, "ms", 2.2, _cpu),
    Goal("exchange", STATEMENTS, "", 5, _queries),
    Goal("api-read", CPU, "ms", 1.0, _cpu),
    Goal("api-read", STATEMENTS, "", 2, _queries),
    Goal("unfurl-cached", P50, "ms", 8, _p50),
    Goal("unfurl-new", P50, "ms", 30, _p50),
    Goal("page-30", P50, "ms", 150, _p50),
    Goal("page-30", "token exchanges", "", 1, _exchanges, exactly=True),
]


def verdict(goal: Goal, result: Measurement) -> str:
    """Say whether `result` meets `goal` here, and if so, whether it would on the machine that the goals were set on."""
    if result.failures:
        return f"**not met**: {result.failures} requests failed"
    value = goal.value(result)
    if goal.stretch is not None and value <= goal.stretch:
        return f"met, and the stretch of {goal.stretch:g} {goal.unit}"
    if goal.exactly and value < goal.limit:
        return "**not met**"
    if goal.unit == "ms" and value <= goal.limit < value * result.speed:
        return "met here"
    return at_most(value, goal.limit)


def at_most(value: float, limit: float) -> str:
    return "met" if value <= limit else "**not met**"


def growth_ratios(measured: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """Return, by scenario and database, each state and its cost over that of the first state."""
    ratios: dict[tuple[str, str], list[tuple[str, float]]] = {}
    first: dict[tuple[str, str], float] = {}
    for each in measured:
        key, cost = (each["scenario"], each["database"]), each["cpu_ms"]
        ratios.setdefault(key, []).append((each["state"], cost / first.setdefault(key, cost)))
    return ratios


def steady(ratios: Iterable[float]) -> str:
    """Say whether every ratio is within the tolerance; a request that became cheaper is no failure of growth."""
    return "met" if all(ratio <= 1 + TOLERANCE for ratio in ratios) else "**not met**"
