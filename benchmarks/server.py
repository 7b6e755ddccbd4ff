"""The server under test: a process tree with one worker on one core, and what it used of CPU and memory (proc(5))."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environment
from benchmarks.load import ask, http_request

BASE_DIR = Path(__file__).resolve().parent.parent
PROC = Path("/proc")
THREADS = 64
START_SECONDS = 300.0  # a demo migrates and seeds first
_TICK = os.sysconf("SC_CLK_TCK")


class ServerFailed(Exception):
    """The server did not start, or one of its processes has ended since."""


@dataclass(frozen=True)
class Server:
    """A server that answers on `port`; `pids` are its processes, the first one is the parent of all."""

    port: int
    pids: list[int]

    def cpu(self) -> float:
        """Return the seconds of CPU time used so far. Raises `ServerFailed` if the processes have changed."""
        if tree(self.pids[0]) != self.pids:
            raise ServerFailed("A process of the server has ended or was replaced.")
        return cpu_of(self.pids)


def command(port: int) -> list[str]:
    """Return the command of the Dockerfile, for `port` of the loopback address and with `THREADS` threads."""
    lines = (BASE_DIR / "Dockerfile").read_text().splitlines()
    deployed = next(line for line in reversed(lines) if line.startswith("CMD ")).removeprefix("CMD ")
    return [sys.executable, *json.loads(deployed)[1:-1], f"127.0.0.1:{port}", f"--threads={THREADS}"]


def cores() -> tuple[int | None, int | None]:
    """Return a core for the server and one for the load; None for both on a machine with one core."""
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[1]) if len(found) > 1 else (None, None)


def free_port() -> int:
    """Return an unused port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(port: int, core: int | None, log: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """Run the server on `port`, bound to `core` (None: any). Raises `ServerFailed`."""
    with _started(command(port), port, log, variables, core) as process:
        if ask(port, http_request("GET", f"http://localhost:{port}/healthz"))[0] != 200:
            raise ServerFailed(f"/healthz is not 200.\n{_end_of(log)}")
        yield Server(port, tree(process.pid))


def time_demo(directory: Path) -> dict[str, float]:
    """Return the seconds that the second run of `make demo` takes with a database in `directory`."""
    port, log = free_port(), directory / "demo.log"
    database = {"DATABASE_URL": f"sqlite:///{directory / 'demo.sqlite3'}", "REDIS_URL": ""}
    variables = {**environment.on_port(port), **database}
    for _ in range(2):
        started = time.monotonic()
        with _started(["make", "--silent", "demo"], port, log, variables):
            asked = time.monotonic()
            if ask(port, http_request("GET", variables["HOME_ORIGIN"]))[0] != 200:
                raise ServerFailed(f"`make demo` does not answer 200.\n{_end_of(log)}")
            answered = time.monotonic()
    return {"until the first answer": answered - started, "first request": answered - asked}


@contextmanager
def _started(
    command: Sequence[str], port: int, log: Path, variables: Mapping[str, str], core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block ends; enter the block when it listens on `port`. Raises `ServerFailed`."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (commands of this project)
            command,
            cwd=BASE_DIR,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})  # its worker inherits it
        _wait_until_it_listens(process, port, log)
        yield process
    finally:
        _end(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise ServerFailed(f"The server does not listen after {START_SECONDS:.0f} seconds, or it ended.\n{_end_of(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process group: SIGTERM first, so that the worker can end in order."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(timeout=5)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def tree(pid: int, proc: Path = PROC) -> list[int]:
    """Return `pid` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in proc.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name), proc)):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def cpu_of(pids: Iterable[int], proc: Path = PROC) -> float:
    """Return the seconds of CPU time of `pids`: user and system, with ended threads and children."""
    stats = [_stat(pid, proc) for pid in pids]
    return sum(int(ticks) for fields in stats for ticks in fields[11:15]) / _TICK  # utime, stime, cutime, cstime


def peak_memory(pids: Iterable[int], proc: Path = PROC) -> float:
    """Return the sum of the peak resident memory of `pids` in MiB; memory they share is counted for each."""
    lines = [line for pid in pids for line in (proc / str(pid) / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def services() -> list[int]:
    """Return the processes of MariaDB and Redis on this machine."""
    names = {int(each.parent.name): each.read_text().strip() for each in PROC.glob("[0-9]*/comm")}
    return [pid for pid, name in names.items() if name in ("mariadbd", "mysqld", "redis-server")]


def _stat(pid: int, proc: Path) -> list[str]:
    """Return the fields of /proc/pid/stat from the third one (the state) on; none if there is no such process."""
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the second field, the name, may hold spaces and brackets
