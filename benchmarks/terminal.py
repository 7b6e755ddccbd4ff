"""What the bench says while it runs."""

import signal
import sys
import time
from types import FrameType
from typing import Any

from benchmarks.figures import REFERENCE, Measurement


def say(text: str) -> None:
    """Print `text` at once, also into a pipe."""
    print(text, flush=True)


def exit_when_told() -> None:
    """Let SIGINT and SIGTERM end this process once, in order: whoever is impatient must not stop the clearing up."""

    def leave(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: None)
        sys.exit(128 + number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)


class Progress:
    """A line that says how far something of `total` is: rewritten on a terminal, said at its end elsewhere."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.started = title, total, time.monotonic()

    def reached(self, count: int) -> None:
        """Say that `count` of the total are done."""
        ended = count >= self.total
        if ended or sys.stdout.isatty():
            seconds = time.monotonic() - self.started
            text = f"{self.title}: {count:,} of {self.total:,} ({seconds:.0f} s)"
            print(f"\r{text}" if sys.stdout.isatty() else text, end="\n" if ended else "", flush=True)


def line_of(result: Measurement) -> str:
    """Return a measurement as a line."""
    latency, sql = result.latency, result.statements
    text = (
        f"{result.scenario:<14} {result.database:<8} c={result.concurrency}  {result.cpu_ms:6.2f} ms CPU"
        f" ({result.cpu_ms * result.speed:.2f} at {REFERENCE:,} RS256/s; system {result.system_ms:.2f})"
        f"  {result.rate:7.1f}/s  p50 {latency.p50:6.2f}  p95 {latency.p95:6.2f}"
        f"  p99 {latency.p99:6.2f} ms  {result.memory_mib:.0f} MiB"
    )
    if result.failures:
        text += f"  {result.failures} FAILED"
    if sql:
        text += f"  SQL {sql.queries:.1f} + {sql.transactions:.1f} BEGIN/COMMIT + {sql.connections:.1f} connecting"
    if result.services_cpu_ms is not None:
        text += f"  (database, cache: {result.services_cpu_ms:.2f} ms CPU)"
    return text


def show_sql(lines: list[dict[str, Any]], flows: int) -> None:
    """Print the statements of the last of `flows` flows."""
    for line in lines[-(len(lines) // flows) :]:
        say(f"  {line['request']} {line['grant']}")
        for sql in line["sql"]:
            say(f"    {sql}")
