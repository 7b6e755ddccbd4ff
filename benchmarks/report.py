"""Writes report.md from the figures: the goals first, then everything that was measured, then how."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import goals
from benchmarks.demo_start import SECOND_RUN
from benchmarks.environments import TITLES
from benchmarks.figures import Latency, Measurement, Statements
from benchmarks.goals import GOALS, OF_MANY, Goal
from benchmarks.yardsticks import THERE


def measurement(fields: dict[str, Any]) -> Measurement:
    """Return the measurement that was written as JSON."""
    fields = {name: value for name, value in fields.items() if name != "state"}
    fields["latency"] = Latency(**fields["latency"])
    fields["steps"] = {name: Latency(**step) for name, step in fields["steps"].items()}
    for name in ("statements", "statements_anew"):
        fields[name] = Statements(**fields[name]) if fields.get(name) else None
    return Measurement(**fields)


def render(figures: dict[str, Any]) -> str:
    """Return the report as Markdown; a part that was not measured is left out."""
    results = [measurement(each) for each in figures["scenarios"]]
    titles, yardsticks = figures["titles"], figures["yardsticks"]
    rows = [*_goals(results, titles), *_growth_goals(figures["growth"]), *_demo_goals(figures["demo"])]
    sections = [
        ["# What a request costs"],
        [f"Written by `make bench` on {figures['date']}. Raw figures: [figures.json](figures.json)."],
        ["## Goals"],
        _table(("what", "database", "goal", "measured", "scaled", "verdict"), rows),
        [EXPLANATION],
    ]
    if results:
        sections.append(["![CPU by scenario](plots/cpu.svg)"])
    sections += [["## The machine"], _table(("", ""), figures["machine"].items())]
    if yardsticks:
        sections += [[YARDSTICKS], _yardsticks(yardsticks)]
    if results:
        sections += [["## All scenarios"], _scenarios(results, titles), ["![Latency](plots/latency.svg)"]]
    if figures["growth"]:
        sections += [["## Growth"], _growth(figures["growth"], titles), [GROWTH], ["![Growth](plots/growth.svg)"]]
    if figures["servers"]:
        sections += [["## Choice of the server"], [SERVERS], _servers(figures["servers"], titles)]
        sections.append(["![Servers](plots/servers.svg)"])
    return "\n\n".join("\n".join(lines) for lines in [*sections, [METHOD]])


def as_json(figures: dict[str, Any]) -> str:
    """Return the raw figures as JSON, a line for each measurement."""
    rounded = json.loads(json.dumps(figures), parse_float=lambda text: round(float(text), 4))
    members = []
    for name, value in rounded.items():
        rows = ",\n".join(json.dumps(each) for each in value) if isinstance(value, list) else ""
        members.append(f'"{name}": ' + (f"[\n{rows}\n]" if rows else json.dumps(value)))
    return "{\n" + ",\n".join(members) + "\n}\n"


def _yardsticks(found: dict[str, float]) -> list[str]:
    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"

    return _table(("", "here", "there"), [(name, shown(found[name]), shown(THERE.get(name))) for name in found])


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def _goals(results: Sequence[Measurement], titles: dict[str, str]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for goal in GOALS:
        for database in dict.fromkeys(result.database for result in results):
            of_goal = [each for each in results if (each.scenario, each.database) == (goal.scenario, database)]
            if goal.what != goals.CPU:
                of_goal = of_goal[:1]  # one person who waits; and statements are counted once
            if of_goal:
                worst = max(of_goal, key=lambda result: (result.failures, goal.value(result)))
                title = f"{titles[goal.scenario]}: {goal.what}"
                rows.append([title, TITLES[database], goal, *_measured(goal, of_goal), goals.verdict(goal, worst)])
    return rows


def _measured(goal: Goal, results: Sequence[Measurement]) -> tuple[str, str]:
    """Return what was measured, and that as it would be on the machine of the goals."""
    values = [goal.value(result) for result in results]
    if goal.unit == "ms":
        return _slashed(values), _slashed(goal.value(result) * result.speed for result in results)
    sql = results[0].statements
    return f"{values[0]:.1f}" + (f" + {sql.transactions:.1f}" if sql and goal.what == goals.STATEMENTS else ""), ""


def _slashed(values: Iterable[float]) -> str:
    return " / ".join(f"{value:.2f}" for value in values) + " ms"


def _growth_goals(measured: Sequence[dict[str, Any]]) -> list[list[str]]:
    rows, ratios = [], goals.growth_ratios(measured)
    for database in dict.fromkeys(database for _, database in ratios):
        found = [
            ratio
            for (_, each), states in ratios.items()
            for state, ratio in states
            if each == database and OF_MANY not in state
        ]
        text = f"{min(found):.2f} to {max(found):.2f} times"
        rows.append(
            ["growth: CPU", TITLES[database], f"≤ {1 + goals.TOLERANCE:g} times", text, "", goals.steady(found)]
        )
    return rows


def _demo_goals(demo: dict[str, dict[str, float]]) -> list[list[str]]:
    rows = []
    for run, seconds in demo.items():
        for what, limit in goals.DEMO.items():
            title, measured = f"`make demo`, {run}: {what}", f"{seconds[what]:.2f} s"
            if run == SECOND_RUN:
                rows.append([title, "SQLite", f"≤ {limit:g} s", measured, "", goals.at_most(seconds[what], limit)])
            else:
                rows.append([title, "SQLite", "", measured, "", ""])
    return rows


def _scenarios(results: Sequence[Measurement], titles: dict[str, str]) -> list[str]:
    rows: list[list[Any]] = []
    for result in results:
        sql, anew = result.statements, result.statements_anew
        rows.append(
            [
                titles[result.scenario],
                TITLES[result.database],
                result.concurrency,
                f"{result.rate:,.0f}",
                *(f"{value:.2f}" for value in (result.latency.p50, result.latency.p95, result.latency.p99)),
                f"{result.cpu_ms:.2f} ({result.system_ms:.2f})",
                f"{result.services_cpu_ms:.2f}" if result.services_cpu_ms is not None else "",
                f"{sql.queries:.1f} + {sql.transactions:.1f}" if sql else "",
                f"{anew.queries:.1f}" if anew else "",
                f"{result.memory_mib:.0f}",
                result.failures or "",
            ]
        )
        for step, latency in result.steps.items():
            rows.append(
                [f"– {step}", "", "", "", *(f"{value:.2f}" for value in (latency.p50, latency.p95, latency.p99))]
                + [""] * 6
            )
    head = (
        "",
        "database",
        "at once",
        "req/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU ms (system)",
        "CPU ms of database, cache",
    )
    return _table((*head, "SQL + BEGIN, COMMIT", "SQL, nothing kept", "peak MiB", "failed"), rows)


def _growth(measured: Sequence[dict[str, Any]], titles: dict[str, str]) -> list[str]:
    costs = {(each["scenario"], each["database"], each["state"]): each["cpu_ms"] for each in measured}
    rows = []
    for (scenario, database), states in goals.growth_ratios(measured).items():
        for state, ratio in states:
            cost = costs[scenario, database, state]
            rows.append([titles[scenario], TITLES[database], state, f"{cost:.2f}", f"{ratio:.2f}"])
    head = ("", "database", "the database holds", "CPU ms", "times the first")
    return _table(head, rows)


def _servers(measured: Sequence[dict[str, Any]], titles: dict[str, str]) -> list[str]:
    results = [measurement(each) for each in measured]
    names = list(dict.fromkeys(result.server for result in results))
    rows = []
    for key in dict.fromkeys((each.scenario, each.database, each.concurrency) for each in results):
        of_key = {each.server: each for each in results if (each.scenario, each.database, each.concurrency) == key}
        cells = []
        for name in names:
            result = of_key[name]
            failed = f", {result.failures} failed" if result.failures else ""
            cells.append(f"{result.cpu_ms:.2f} · {result.latency.p50:.1f} · {result.latency.p99:.1f}{failed}")
        rows.append([titles[key[0]], TITLES[key[1]], key[2], *cells])
    return _table(("", "database", "at once", *names), rows)


EXPLANATION = """CPU: user and system time of the server's processes for a request, at concurrency 1 / 8. p50: at
concurrency 1. SQL statements: those of the nested requests to other sites included; BEGIN and COMMIT stand after the
plus sign and are not held against the goal. *Scaled* is an indication only: what was measured, times how much faster a
core made RS256 signatures meanwhile than on the machine that the goals were set on (the yardsticks below). *Met
here*: by that, it would not be met there."""

YARDSTICKS = """How fast it is, beside the machine that the goals were set on. What it signs and verifies is the limit
for any authorization server."""

SERVERS = "CPU ms · p50 ms · p99 ms, one worker process each."

GROWTH = """Rows: access tokens, and as many todos. Tenants have what a real one has: an IdP with key, clients and
policy, connections, people. The first 200 have a key pair of their own; further ones share those, under other key
identifiers, because ten thousand key pairs take an hour. Requests come from ten tenants in turn, or from as many as is
said: what a process still knows of a tenant then depends on how often it hears from it."""

METHOD = """## How it is measured

- The server is started as a deployment starts it (the Dockerfile's command), but with one worker process, bound to one
  core, and with 64 threads where a deployment has 128 for the nested requests of more people at once.
  The figures in the repository are those of Debian's Python; one that is built without profile-guided optimisation, as
  pyenv does by default, takes 5 % more.
  A process on another core sends requests over keep-alive connections to 127.0.0.1, each the next one as soon as the
  last one is answered: 1 or 8 at once. It looks at the answers: where a card is missing, the request has failed.
- CPU: user and system time of the server's processes, from /proc, divided by the number of requests; the warm-up is
  left out. MariaDB and Redis run beside, on the same cores; what they use is in a column of its own.
- SQL statements are counted in passes of their own, by a middleware that nothing timed has: first with all at hand that
  a process keeps for some seconds, as it is where a tenant's people come often; then (*nothing kept*) with none of it,
  as it is for whoever comes alone. The goals are for the former; growth is measured with 10 and with 150 tenants.
  Every tenth card that somebody sees in the demo takes a statement more, by which the debug console looks for surplus.
- Memory: the sum of the processes' peak resident sets; what master and worker share is counted twice.
- Every ID-JAG is a new one, signed beforehand with the IdP's key; subject tokens come from real sign-ins. Limits
  count as they do in a deployment, but are so high that nobody reaches them.
- An unfurl makes its requests to the IdP and to Todo0 over HTTP, and threads of the same worker answer them. *New
  token*: the access token that Wiki0 holds is deleted first; metadata and keys are known. A page: its HTML, then its
  one request for 30 cards.

`make bench` does it again, with the MariaDB and Redis of DATABASE_URL and REDIS_URL or of 127.0.0.1, and wants a
machine on which nothing else runs. `make bench BENCH_ARGS="--quick --only jwt-bearer --database sqlite"` measures one
scenario in seconds; `BENCH_ARGS=--help` says what else there is.
"""
