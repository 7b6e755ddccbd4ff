"""Measures what a request costs: on SQLite, on MariaDB with Redis, with which server, and how it grows.

A whole run takes about a quarter of an hour, wants a machine on which nothing else runs, and writes
benchmarks/report.md, figures.json and plots/. A part of it (--quick, --only, --part, --database) is printed only.
It needs MariaDB and Redis, those of DATABASE_URL and REDIS_URL or of 127.0.0.1: it makes a database there and drops it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import environments
from benchmarks.servers import BASE_DIR, PROGRAMS, free_port
from benchmarks.terminal import exit_when_told, say

ON_A_DATABASE = ("scenarios", "servers", "growth")
PARTS = ("yardsticks", *ON_A_DATABASE, "demo")
SCENARIOS = (
    *("healthz", "jwt-bearer", "exchange", "api-read", "api-list"),
    *("unfurl-cached", "unfurl-new", "page-30"),
)


def main() -> None:
    """Measure what the command line asks for."""
    arguments = _parser().parse_args()
    exit_when_told()
    whole = not (arguments.quick or arguments.only or arguments.part or arguments.database)
    figures = _measure(arguments)
    if whole or arguments.report:
        from benchmarks import plots, report  # matplotlib takes its time

        directory = Path(arguments.report or Path(__file__).parent)
        directory.mkdir(exist_ok=True)
        (directory / "figures.json").write_text(report.as_json(figures))
        (directory / "report.md").write_text(report.render(figures))
        plots.draw(figures, directory / "plots")
        say(f"Written: {directory / 'report.md'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a third of the requests and of the rows")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS)
    )
    parser.add_argument("--database", choices=environments.DATABASES, action="append")
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all; with --only: scenarios")
    parser.add_argument("--server", choices=PROGRAMS, default=PROGRAMS[0])
    parser.add_argument("--threads", type=int, default=64, help="of the server")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8], help="connections of the generator")
    parser.add_argument("--sql", action="store_true", help="print the statements of one request")
    parser.add_argument("--fresh-clone", action="store_true", help="time `make demo` in a fresh clone, too")
    parser.add_argument("--report", metavar="DIRECTORY", help="write the report there, whatever was left out")
    return parser


def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import demo_start, machine, yardsticks

    parts = arguments.part or (["scenarios"] if arguments.only else PARTS)
    figures: dict[str, Any] = {"date": machine.today(), "machine": machine.facts(), "titles": {}, "demo": {}}
    figures["yardsticks"] = yardsticks.measure() if "yardsticks" in parts else {}
    for name, value in figures["yardsticks"].items():
        say(f"{name}: {value:,.2f}" if value < 100 else f"{name}: {value:,.0f}")
    figures |= {part: [] for part in ON_A_DATABASE}
    for database in arguments.database or environments.DATABASES:
        for part in (part for part in ON_A_DATABASE if part in parts):
            measured = _on(database, part, arguments)
            figures["titles"] = measured["titles"]
            figures["machine"] |= machine.named(database, measured["versions"])
            figures[part] += measured["measured"]
    if "demo" in parts:
        figures["demo"][demo_start.SECOND_RUN] = demo_start.second_run()
    if arguments.fresh_clone:
        figures["demo"][demo_start.FRESH_CLONE] = demo_start.fresh_clone()
    for name, seconds in figures["demo"].items():
        say(f"make demo, {name}: " + ", ".join(f"{what} {value:.2f} s" for what, value in seconds.items()))
    return figures


def _on(database: str, part: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure `part` on a fresh `database`, in a process with an environment of its own."""
    with tempfile.TemporaryDirectory(prefix="idjag-bench-") as name:
        directory = Path(name)
        with environments.fresh(database, directory) as where:
            out = directory / "figures.json"
            command = [
                *(sys.executable, "-m", "benchmarks.one_database", f"--database={database}", f"--out={out}"),
                *(f"--server={arguments.server}", f"--threads={arguments.threads}"),
                f"--part={part}",
                *("--scale", "0.3" if arguments.quick else "1"),
                *("--concurrency", *map(str, arguments.concurrency), "--only", *arguments.only),
                *(["--sql"] if arguments.sql else []),
            ]
            environment = {**os.environ, **environments.common(free_port()), **where}
            process = subprocess.Popen(command, cwd=BASE_DIR, env=environment)  # noqa: S603 (our own command)
            try:
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            if code:
                sys.exit(code)
            return dict(json.loads(out.read_text()))


if __name__ == "__main__":
    main()
