"""Whether what was measured meets the goals, and that the report says so."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from benchmarks import report
from benchmarks.measure import Measurement

MEASURED = Measurement(
    scenario="jwt-bearer",
    database="sqlite",
    concurrency=1,
    count=100,
    failures=0,
    rate=500,
    p50=2,
    p95=3,
    p99=4,
    cpu_ms=2,
    signing_rate=2500,
    memory_mib=100,
    statements=5,
    transactions=2,
)


def verdicts(result: Measurement) -> dict[str, str]:
    """Return the verdict of the report on each goal of `result`."""
    return {row[0].rpartition(": ")[2]: row[-1] for row in report._goals([result])}


def test_cpu_is_given_in_signatures_of_the_same_core() -> None:
    assert MEASURED.signatures == 5
    assert replace(MEASURED, signing_rate=5000).signatures == 10


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(("rate", "verdict"), [(1000, "met"), (2750, "met"), (2755, "**not met**")])
def test_a_grant_may_take_five_and_a_half_signatures(concurrency: int, rate: float, verdict: str) -> None:
    result = replace(MEASURED, concurrency=concurrency, signing_rate=rate)
    assert verdicts(result)["CPU in signatures"] == verdict


@pytest.mark.parametrize(("p99", "verdict"), [(2, "met"), (10, "met"), (10.1, "**not met**")])
def test_the_p99_of_eight_grants_at_once_is_within_five_times_the_median(p99: float, verdict: str) -> None:
    assert verdicts(replace(MEASURED, concurrency=8, p99=p99))["p99 over p50"] == verdict
    assert "p99 over p50" not in verdicts(replace(MEASURED, p99=p99))


def test_the_goals_of_a_grant_are_for_sqlite() -> None:
    assert verdicts(replace(MEASURED, database="mariadb")) == {"SQL statements": "met"}


@pytest.mark.parametrize(("scenario", "limit"), [("jwt-bearer", 5), ("exchange", 5), ("api-read", 2)])
def test_begin_and_commit_do_not_count_for_a_goal(scenario: str, limit: int) -> None:
    result = replace(MEASURED, scenario=scenario, statements=limit)
    assert verdicts(result)["SQL statements"] == "met"
    assert verdicts(replace(result, statements=limit + 1))["SQL statements"] == "**not met**"


def test_no_goal_is_met_by_requests_that_failed() -> None:
    found = verdicts(replace(MEASURED, concurrency=8, cpu_ms=0.1, failures=3)).values()
    assert set(found) == {"**not met**: 3 requests failed"}


def test_a_first_view_of_a_page_makes_exactly_one_exchange() -> None:
    pages = [replace(MEASURED, scenario="page-30", exchanges=count) for count in (0, 1, 1.1)]
    assert [verdicts(page)["token exchanges"] for page in pages] == ["**not met**", "met", "**not met**"]


def test_uncounted_statements_meet_no_goal() -> None:
    assert verdicts(replace(MEASURED, statements=None))["SQL statements"] == "**not met**"


def state(name: str, cpu_ms: float, database: str = "sqlite") -> Measurement:
    return replace(MEASURED, scenario="exchange", database=database, state=name, cpu_ms=cpu_ms)


def test_growth_is_the_cost_of_the_same_request_over_the_first_of_its_database() -> None:
    measured = [
        state("small", 2),
        state("large", 3),
        state("small", 4, database="mariadb"),
        state("large", 4, database="mariadb"),
    ]
    assert report.growth_ratios(measured) == list(zip(measured, [1, 1.5, 1, 1], strict=True))


@pytest.mark.parametrize(
    ("name", "cpu_ms", "verdict"),
    [("large", 2.4, "met"), ("large", 1, "met"), ("large", 2.42, "**not met**"), ("; requests of 150", 9, "met")],
)
def test_growth_beyond_a_fifth_is_not_met(name: str, cpu_ms: float, verdict: str) -> None:
    rows = list(report._growth_goals([state("small", 2), state(name, cpu_ms)]))
    assert [row[-1] for row in rows] == [verdict]


def test_the_report_says_of_each_goal_whether_it_is_met() -> None:
    results = [replace(MEASURED, cpu_ms=cpu_ms, concurrency=at_once) for cpu_ms, at_once in ((1.0, 1), (9.0, 8))]
    figures: dict[str, Any] = {
        "date": "2027-01-01",
        "machine": {},
        "demo": {"until the first answer": 6.0, "first request": 0.5},
        "scenarios": [asdict(each) for each in results],
        "growth": [asdict(state("small", 2)), asdict(state("large", 3))],
    }
    assert json.loads(report.as_json(figures)) == figures
    lines = report.render(json.loads(report.as_json(figures))).splitlines()
    grant = "jwt-bearer grant at Todo0"
    assert f"| {grant}, 1 at once: CPU in signatures | SQLite | ≤ 5.5 | 2.50 (1.00 ms) | met |" in lines
    assert f"| {grant}, 8 at once: CPU in signatures | SQLite | ≤ 5.5 | 22.50 (9.00 ms) | **not met** |" in lines
    assert f"| {grant}, 8 at once: p99 over p50 | SQLite | ≤ 5 | 2.0 (4.0 over 2.0 ms) | met |" in lines
    assert f"| {grant}, 1 at once: SQL statements | SQLite | ≤ 5 | 5.0 | met |" in lines
    assert "| growth: CPU | SQLite | ≤ 1.2 times | 1.00 to 1.50 times | **not met** |" in lines
    assert "| `make demo`, second run: until the first answer | SQLite | ≤ 5 s | 6.00 s | **not met** |" in lines
    assert "| `make demo`, second run: first request | SQLite | ≤ 1 s | 0.50 s | met |" in lines


def test_the_report_gives_cpu_in_signatures_and_in_milliseconds() -> None:
    figures = {"date": "", "machine": {}, "demo": {}, "scenarios": [asdict(MEASURED)], "growth": [asdict(MEASURED)]}
    lines = report.render(figures).splitlines()
    assert any("| SQLite | 1 | 5.0 | 2.00 |" in line for line in lines)
    assert any(line.endswith("| 5.0 | 2.00 | 1.00 |") for line in lines)
