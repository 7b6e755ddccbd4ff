"""On what was measured."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.environments import TITLES
from benchmarks.servers import PROGRAMS


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def facts() -> dict[str, str]:
    """Return what the processor, the system and Python are."""
    found = {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": sys.version.split()[0],
    }
    for name in PROGRAMS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # gunicorn, which is there for the comparison only
            continue
    return found


def named(database: str, versions: dict[str, str]) -> dict[str, str]:
    """Return the versions on one database as further facts."""
    return {
        "Django": versions["Django"],
        TITLES[database]: ", Redis ".join(filter(None, (versions["database"], versions["cache"]))),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
