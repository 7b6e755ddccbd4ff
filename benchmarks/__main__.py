"""Measures what a request costs, on SQLite and on MariaDB with Redis, and how that grows with the database.

A whole run takes about a quarter of an hour, needs a machine on which nothing else runs, and writes
benchmarks/report.md and figures.json. A part of it (--quick, --only, --part, --database) is printed only.
It needs MariaDB and Redis, those of DATABASE_URL and REDIS_URL or of 127.0.0.1: it makes a database there and drops it.
"""

import argparse
import json
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from multiprocessing import active_children, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from benchmarks import environment, one_database, report, server

PARTS = ("scenarios", "growth", "demo")


def main() -> None:
    """Measure what the command line asks for."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _stop)
    whole = not (arguments.quick or arguments.only or arguments.part or arguments.database)
    figures = _measure(arguments)
    if whole or arguments.report:
        directory = Path(arguments.report or Path(__file__).parent)
        directory.mkdir(exist_ok=True)
        text = report.as_json(figures)
        (directory / "figures.json").write_text(text)
        (directory / "report.md").write_text(report.render(json.loads(text)))
        print(f"Written: {directory / 'report.md'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    scenarios, databases = tuple(report.TITLES), tuple(environment.TITLES)
    parser.add_argument("--quick", action="store_true", help="a third of the requests and of the rows")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=scenarios, metavar="SCENARIO", help=", ".join(scenarios)
    )
    parser.add_argument("--database", choices=databases, action="append")
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all; with --only: scenarios")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8], help="requests at once")
    parser.add_argument("--sql", action="store_true", help="print the statements of one request")
    parser.add_argument("--report", metavar="DIRECTORY", help="write the report there, of a part too")
    return parser


def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    parts = arguments.part or (["scenarios"] if arguments.only else PARTS)
    figures: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "machine": environment.machine()}
    figures |= {"demo": {}, "scenarios": [], "growth": []}
    for database in arguments.database or environment.TITLES:
        for part in (part for part in ("scenarios", "growth") if part in parts):
            scale = 0.3 if arguments.quick else 1.0
            job = one_database.Job(database, part, arguments.only, arguments.concurrency, scale, arguments.sql)
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                measured, versions = process.submit(one_database.measure, job).result()
            figures[part] += [asdict(each) for each in measured]
            figures["machine"] |= versions
    if "demo" in parts:
        with TemporaryDirectory(prefix="idjag-bench-") as directory:
            figures["demo"] = server.time_demo(Path(directory))
        print("make demo:", ", ".join(f"{what} {seconds:.2f} s" for what, seconds in figures["demo"].items()))
    return figures


def _stop(number: int, frame: FrameType | None) -> None:
    """Interrupt the process that measures, so that it ends its servers and drops its database; exit when it has."""
    for child in active_children():
        os.kill(child.pid or 0, signal.SIGINT)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
