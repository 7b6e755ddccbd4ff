"""The server under test: a real process, started as a deployment starts it, with one worker on one core."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes

BASE_DIR = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
PROGRAMS = ("granian", "gunicorn")
APPLICATION = "idjag_demo.wsgi:application"


class ServerFailed(Exception):
    """The server did not start, or has lost a process since."""


@dataclass(frozen=True)
class ServerKind:
    """A server program and with how many threads its one worker runs."""

    program: str
    threads: int

    def __str__(self) -> str:
        return f"{self.program}, {self.threads} threads"

    def command(self, port: int, application: str = APPLICATION) -> list[str]:
        address, threads = f"127.0.0.1:{port}", str(self.threads)
        if self.program == "gunicorn":
            options = ["--worker-class=gthread", "--keep-alive=75", "--no-control-socket"]
            options += [f"--bind={address}", f"--threads={threads}"]
            return [sys.executable, "-m", "gunicorn", application, *options]
        if application == APPLICATION:
            return [sys.executable, *_deployed()[1:-1], address, f"--threads={threads}"]
        options = ["--interface=wsgi", "--http=1", "--no-ws", "--workers=1", f"--blocking-threads={threads}"]
        return [sys.executable, "-m", "granian", *options, f"--port={port}", application]


def _deployed() -> list[str]:
    """Return the command of the Dockerfile: python, what it runs, and the address."""
    lines = (BASE_DIR / "Dockerfile").read_text().splitlines()
    command = next(line for line in reversed(lines) if line.startswith("CMD "))
    return list(json.loads(command.removeprefix("CMD ")))


@dataclass(frozen=True)
class Server:
    """One that runs."""

    kind: ServerKind
    port: int
    pids: list[int]

    def cpu(self) -> processes.Cpu:
        """Return the CPU time used so far. Raises `ServerFailed` if it is not that of the same processes any more."""
        if processes.tree(self.pids[0]) != self.pids:
            raise ServerFailed(f"{self.kind}: a process has ended, or another one has come.")
        return processes.cpu_of(self.pids)


def cores() -> tuple[int | None, int | None]:
    """Return a core for the server and one for the generator; none where there is only one."""
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[1]) if len(found) > 1 else (None, None)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    kind: ServerKind,
    port: int,
    *,
    cpu: int | None,
    log: Path,
    environment: Mapping[str, str],
    application: str = APPLICATION,
) -> Iterator[Server]:
    """Run a server on `port`, bound to the core `cpu` (None: any), and end all of it. Raises `ServerFailed`."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            kind.command(port, application),
            cwd=BASE_DIR,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        if cpu is not None:
            os.sched_setaffinity(process.pid, {cpu})  # its worker will inherit it
        _wait_until_it_answers(process, port, log)
        yield Server(kind, port, processes.tree(process.pid))
    finally:
        _end(process)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                sock.sendall(f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
                if sock.recv(12).startswith(b"HTTP/1.1"):
                    return
        except OSError:
            time.sleep(0.05)
    end = log.read_text(errors="replace")[-2000:]
    raise ServerFailed(f"The server did not answer within {START_SECONDS:.0f} seconds.\n{end}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process group: first politely, so that the worker goes first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
