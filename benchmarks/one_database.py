"""Measures on one database. `benchmarks.__main__` starts it with the environment that the servers get, too.

Writes its figures as JSON to the file it is told, and says on the terminal what it does.
"""

import argparse
import json
import logging
import os
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection
from django_redis import get_redis_connection

from benchmarks import processes, servers
from benchmarks.load import Generator
from benchmarks.terminal import exit_when_told, say

SERVICES = ("mariadbd", "mysqld", "redis-server")


def main() -> None:
    arguments = _parser().parse_args()
    exit_when_told()
    os.environ["DJANGO_SETTINGS_MODULE"] = "idjag_demo.settings"
    django.setup()
    logging.disable(logging.WARNING)  # of what happens in this process; the servers log as they do

    from benchmarks.measure import Bench
    from benchmarks.parts import PARTS
    from benchmarks.scenarios import SCENARIOS

    out = Path(arguments.out)
    say(f"{arguments.database}: migrate, seed")
    call_command("migrate", verbosity=0)
    call_command("seed", verbosity=0)
    server_cpu, generator_cpu = servers.cores()
    versions, services = _services()
    with Generator(cpu=generator_cpu) as generator:
        bench = Bench(arguments.database, out.parent, generator, server_cpu, arguments.scale, services)
        measured = PARTS[arguments.part](bench, arguments)
    titles = {scenario.name: scenario.title for scenario in SCENARIOS}
    out.write_text(json.dumps({"titles": titles, "versions": versions, "measured": measured}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_database")
    for name in ("database", "part", "server", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--concurrency", nargs="*", type=int, default=[1, 8])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--sql", action="store_true")
    return parser


def _services() -> tuple[dict[str, str], list[int]]:
    """Return the versions of what the servers use, and the processes of those services that run on this machine."""
    versions = {"Django": django.get_version()}
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return versions | {"database": str(cursor.fetchone()[0]), "cache": ""}, []
        cursor.execute("SELECT VERSION(), @@pid_file")
        version, pid_file = cursor.fetchone()
    redis = get_redis_connection().info("server")
    pids = [int(redis["process_id"])]
    if Path(pid_file).exists():
        pids.append(int(Path(pid_file).read_text()))
    here = [pid for pid in pids if processes.name_of(pid) in SERVICES]
    return versions | {"database": version, "cache": redis["redis_version"]}, here


if __name__ == "__main__":
    main()
