"""Writes report.md from the figures: the goals and whether they are met, everything that was measured, and how."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.environment import TITLES as DATABASES
from benchmarks.measure import Measurement

TITLES = {
    "healthz": "nearly empty view (/healthz)",
    "jwt-bearer": "jwt-bearer grant at Todo0",
    "exchange": "token exchange at the IdP",
    "api-read": "API read: one todo",
    "api-list": "API read: list of todos",
    "unfurl-cached": "unfurl of one link, token cached",
    "unfurl-new": "unfurl of one link, new token",
    "page-30": "page of 30 links, first view",
}
CPU, SPREAD = 5.5, 5  # of a grant: signatures, p99 over p50
STATEMENTS = {"jwt-bearer": 5, "exchange": 5, "api-read": 2}
GROWTH = 1.2  # times the CPU with the small database
OF_MANY = "requests of "
"""In the name of a state of growth to which the goal does not apply: the requests come from many tenants."""
DEMO = {"until the first answer": 5.0, "first request": 1.0}  # seconds


def as_json(figures: dict[str, Any]) -> str:
    """Return the raw figures as JSON, a line for each measurement."""
    rounded = json.loads(json.dumps(figures), parse_float=lambda text: round(float(text), 4))
    members = []
    for name, value in rounded.items():
        rows = ",\n".join(json.dumps(each) for each in value) if isinstance(value, list) else ""
        members.append(f'"{name}": ' + (f"[\n{rows}\n]" if rows else json.dumps(value)))
    return "{\n" + ",\n".join(members) + "\n}\n"


def render(figures: dict[str, Any]) -> str:
    """Return the report as Markdown. `figures` is what `as_json` wrote; a part that was not measured is left out."""
    results, growth = ([Measurement(**each) for each in figures[part]] for part in ("scenarios", "growth"))
    goals = [*_goals(results), *_growth_goals(growth), *_demo_goals(figures["demo"])]
    sections = [
        "# What a request costs",
        f"Written by `make bench` on {figures['date']}. Raw figures: [figures.json](figures.json).",
        YARDSTICK,
        "## Goals",
        _table(("what", "database", "goal", "measured", "verdict"), goals),
        "## The machine",
        _table(("", ""), figures["machine"].items()),
    ]
    if results:
        sections += ["## Scenarios", _bars(results), _table(HEAD, map(_row, results))]
    if growth:
        head = ("", "database", "the database holds", "CPU signatures", "CPU ms", "times the first")
        sections += ["## Growth", _table(head, _growth(growth)), ROWS]
    return "\n\n".join([*sections, METHOD])


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _goals(results: Iterable[Measurement]) -> Iterable[Sequence[str]]:
    for result in results:
        what = f"{TITLES[result.scenario]}, {result.concurrency} at once"
        for goal, limit, measured, met in _goals_of(result):
            verdict = f"**not met**: {result.failures} requests failed" if result.failures else _verdict(met)
            yield f"{what}: {goal}", DATABASES[result.database], limit, measured, verdict


def _goals_of(result: Measurement) -> Iterable[tuple[str, str, str, bool]]:
    """Yield each goal of a measurement: its name, its limit, what was measured, and whether that meets it."""
    if (result.scenario, result.database) == ("jwt-bearer", "sqlite"):
        measured = f"{result.signatures:.2f} ({result.cpu_ms:.2f} ms)"
        yield "CPU in signatures", f"≤ {CPU}", measured, result.signatures <= CPU
        if result.concurrency == 8:
            times = f"{result.p99 / result.p50:.1f} ({result.p99:.1f} over {result.p50:.1f} ms)"
            yield "p99 over p50", f"≤ {SPREAD}", times, result.p99 <= SPREAD * result.p50
    if result.concurrency == 1 and (limit := STATEMENTS.get(result.scenario)):
        counted = result.statements
        yield "SQL statements", f"≤ {limit}", _number(counted), counted is not None and counted <= limit
    if result.concurrency == 1 and result.scenario == "page-30":
        yield "token exchanges", "1", f"{result.exchanges:.1f}", result.exchanges == 1


def growth_ratios(measured: Iterable[Measurement]) -> list[tuple[Measurement, float]]:
    """Return each measurement with its cost over that of the first one of its scenario and database."""
    first: dict[tuple[str, str], float] = {}
    return [
        (each, each.signatures / first.setdefault((each.scenario, each.database), each.signatures)) for each in measured
    ]


def _growth_goals(measured: Sequence[Measurement]) -> Iterable[Sequence[str]]:
    ratios = [(each.database, ratio) for each, ratio in growth_ratios(measured) if OF_MANY not in each.state]
    for database in dict.fromkeys(each for each, _ in ratios):
        found = [ratio for each, ratio in ratios if each == database]
        text = f"{min(found):.2f} to {max(found):.2f} times"
        yield "growth: CPU", DATABASES[database], f"≤ {GROWTH:g} times", text, _verdict(max(found) <= GROWTH)


def _demo_goals(demo: dict[str, float]) -> Iterable[Sequence[str]]:
    for what, seconds in demo.items():
        limit = DEMO[what]
        title = f"`make demo`, second run: {what}"
        yield title, "SQLite", f"≤ {limit:g} s", f"{seconds:.2f} s", _verdict(seconds <= limit)


def _number(value: float | None, form: str = ".1f") -> str:
    return "" if value is None else format(value, form)


def _verdict(met: bool) -> str:
    return "met" if met else "**not met**"


def _bars(results: Sequence[Measurement]) -> str:
    """Return the CPU of each scenario on the first database as a bar, one at a time."""
    shown = [each for each in results if (each.database, each.concurrency) == (results[0].database, 1)]
    rows = [
        (TITLES[each.scenario], f"{'█' * max(round(each.signatures / 2), 1)} {each.signatures:.1f}") for each in shown
    ]
    return _table((f"{DATABASES[results[0].database]}, one at a time", "CPU in signatures"), rows)


HEAD = (
    *("", "database", "at once", "CPU signatures", "CPU ms", "CPU ms of database, cache", "signatures a second"),
    *("req/s", "p50 ms", "p95 ms", "p99 ms", "SQL + BEGIN, COMMIT", "peak MiB", "failed"),
)


def _row(result: Measurement) -> Sequence[Any]:
    return (
        TITLES[result.scenario],
        DATABASES[result.database],
        result.concurrency,
        f"{result.signatures:.1f}",
        f"{result.cpu_ms:.2f}",
        _number(result.services_cpu_ms, ".2f"),
        f"{result.signing_rate:,.0f}",
        f"{result.rate:,.0f}",
        *(f"{value:.2f}" for value in (result.p50, result.p95, result.p99)),
        f"{_number(result.statements)} + {result.transactions:.1f}",
        f"{result.memory_mib:.0f}",
        result.failures or "",
    )


def _growth(measured: Sequence[Measurement]) -> Iterable[Sequence[str]]:
    for each, ratio in growth_ratios(measured):
        costs = f"{each.signatures:.1f}", f"{each.cpu_ms:.2f}", f"{ratio:.2f}"
        yield TITLES[each.scenario], DATABASES[each.database], each.state, *costs


YARDSTICK = """A **signature** is the CPU time of one RS256 signature (2048 bits) on the core of the server, measured
just before and just after each scenario. It makes figures of different machines comparable; milliseconds are not."""

ROWS = """Rows: access tokens, and as many todos. A tenant has an IdP with key, clients and policy, connections and
people. The first 200 have a key pair of their own, further ones share those under other key identifiers. Requests come
from ten tenants in turn, or from as many as the table says: a process keeps rows of a tenant for five seconds."""

METHOD = """## How it is measured

- The server is started with the Dockerfile's command, but with one worker process, bound to one core, and with 64
  threads. A process on another core sends requests over keep-alive connections to 127.0.0.1, each when the one before
  it is answered: 1 or 8 at once. It reads the answers: where a card is missing, the request has failed.
- CPU: user and system time of the server's processes, from /proc, divided by the number of requests; the warm-up is
  left out. MariaDB and Redis run beside, on the same cores; a column of its own has their CPU time.
- SQL statements are counted in a pass of their own, by a middleware that no timed server has, while a process keeps
  all that it may keep for five seconds. Requests to other sites that a request makes are included. BEGIN and COMMIT
  stand after the plus sign and do not count for the goal.
- Memory: the sum of the processes' peak resident sets; what master and worker share is counted twice.
- Every ID-JAG is new, signed beforehand with the IdP's key; subject tokens come from real sign-ins. Limits count as in
  a deployment, but are too high to reach.
- An unfurl makes its requests to the IdP and to Todo0 over HTTP, and threads of the same worker answer them. *New
  token*: the access token that Wiki0 holds is deleted first; metadata and keys are known. A page: its HTML, then its
  one request for 30 cards.

`make bench` repeats it, with the MariaDB and Redis of DATABASE_URL and REDIS_URL or of 127.0.0.1, on a machine on which
nothing else runs. `make bench BENCH_ARGS="--quick --only jwt-bearer --database sqlite"` measures one scenario in
seconds; `BENCH_ARGS=--help` lists the options.
"""
