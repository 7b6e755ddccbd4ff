"""Whether what was measured meets the goals, and that the report says so."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from benchmarks import goals, report
from benchmarks.figures import REFERENCE, Latency, Measurement, Statements

GOAL = goals.Goal("jwt-bearer", goals.CPU, "ms", 1.7, lambda result: result.cpu_ms, stretch=1.1)
MEASURED = Measurement(
    scenario="jwt-bearer",
    database="sqlite",
    server="granian, 64 threads",
    concurrency=1,
    count=100,
    failures=0,
    rate=500,
    latency=Latency(2, 3, 4),
    steps={},
    cpu_ms=1.7,
    system_ms=0.2,
    memory_mib=100,
    signing_rate=3000,
    statements=Statements(queries=5, transactions=2),
)


@pytest.mark.parametrize(
    ("cpu_ms", "verdict"),
    [(1.1, "met, and the stretch of 1.1 ms"), (1.11, "met"), (1.7, "met"), (1.71, "**not met**")],
)
def test_a_goal_is_met_up_to_its_limit(cpu_ms: float, verdict: str) -> None:
    assert goals.verdict(GOAL, replace(MEASURED, cpu_ms=cpu_ms)) == verdict


@pytest.mark.parametrize(("cpu_ms", "verdict"), [(0.85, "met"), (0.86, "met here"), (1.71, "**not met**")])
def test_what_a_fast_machine_meets_and_the_goals_one_would_not_is_said(cpu_ms: float, verdict: str) -> None:
    result = replace(MEASURED, cpu_ms=cpu_ms, signing_rate=2 * REFERENCE)
    assert goals.verdict(replace(GOAL, stretch=None), result) == verdict


def test_begin_and_commit_are_not_held_against_a_goal() -> None:
    goal = next(goal for goal in goals.GOALS if goal.what == goals.STATEMENTS)
    assert goals.verdict(goal, MEASURED) == "met"
    assert goals.verdict(goal, replace(MEASURED, statements=Statements(queries=6))) == "**not met**"


def test_no_goal_is_met_by_requests_that_failed() -> None:
    assert goals.verdict(GOAL, replace(MEASURED, cpu_ms=0.1, failures=3)).startswith("**not met**")


def test_a_page_that_needed_no_exchange_was_no_first_view() -> None:
    goal = next(goal for goal in goals.GOALS if goal.exactly)
    verdicts = [goals.verdict(goal, replace(MEASURED, grants={"token-exchange": count})) for count in (0, 1, 1.1)]
    assert verdicts == ["**not met**", "met", "**not met**"]


def test_statements_that_nobody_counted_meet_no_goal() -> None:
    goal = next(goal for goal in goals.GOALS if goal.what == goals.STATEMENTS)
    assert goals.verdict(goal, replace(MEASURED, statements=None)) == "**not met**"


def state(name: str, cpu_ms: float, database: str = "sqlite") -> dict[str, Any]:
    return {"scenario": "exchange", "database": database, "state": name, "cpu_ms": cpu_ms}


def test_growth_is_what_the_same_request_costs_over_the_first_of_its_database() -> None:
    measured = [
        state("small", 2),
        state("large", 3),
        state("small", 4, database="mariadb"),
        state("large", 4, database="mariadb"),
    ]
    assert goals.growth_ratios(measured) == {
        ("exchange", "sqlite"): [("small", 1), ("large", 1.5)],
        ("exchange", "mariadb"): [("small", 1), ("large", 1)],
    }


def test_growth_beyond_the_tolerance_is_not_met() -> None:
    assert goals.steady([1, 1.2, 0.5]) == "met"
    assert goals.steady([1, 1.21]) == "**not met**"


def test_the_report_says_of_each_goal_whether_it_is_met() -> None:
    results = [
        asdict(replace(MEASURED, cpu_ms=cpu_ms, concurrency=at_once, signing_rate=REFERENCE / 2))
        for cpu_ms, at_once in ((1.0, 1), (9.0, 8))
    ]
    figures = {
        "date": "2027-01-01",
        "machine": {},
        "yardsticks": {"RS256 sign, a second of CPU of one core": 1525.0},
        "titles": {"jwt-bearer": "jwt-bearer grant", "exchange": "token exchange"},
        "scenarios": results,
        "growth": [state("small", 2), state("large", 3)],
        "servers": [],
        "demo": {"second run": {"until the first answer": 6.0, "first request": 0.5}},
    }
    assert json.loads(report.as_json(figures)) == figures
    lines = report.render(json.loads(report.as_json(figures))).splitlines()
    assert "| RS256 sign, a second of CPU of one core | 1,525 | 3,050 |" in lines
    assert "| jwt-bearer grant: CPU | SQLite | ≤ 1.7 ms | 1.00 / 9.00 ms | 0.50 / 4.50 ms | **not met** |" in lines
    assert "| jwt-bearer grant: SQL statements | SQLite | ≤ 5 | 5.0 + 2.0 |  | met |" in lines
    assert "| growth: CPU | SQLite | ≤ 1.2 times | 1.00 to 1.50 times |  | **not met** |" in lines
    assert "| `make demo`, second run: until the first answer | SQLite | ≤ 5 s | 6.00 s |  | **not met** |" in lines
    assert "| `make demo`, second run: first request | SQLite | ≤ 1 s | 0.50 s |  | met |" in lines
