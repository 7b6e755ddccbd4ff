"""Processes of a topology: started on loopback, waited for, ended by their id; what they said is kept."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SECONDS = 60.0
ADMINS_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def program(name: str, package: str) -> str:
    """Return the path of a program of the machine; without it nothing here can be tested, so that is a failure."""
    path = shutil.which(name, path=ADMINS_PATH)
    assert path, f"{name} is not installed here (Debian: apt install {package})"
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(fact: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait until `fact` is so; it must become so some day, and `seconds` is when we no longer believe it."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.02)


def soon(look: Callable[[], object], expected: object) -> None:
    """Assert that `look` finds what is expected, at once or when the last line of a log has been written."""
    deadline = time.monotonic() + 5
    while look() != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert look() == expected


def _end_with_the_tests() -> None:
    """Let this process end when the one that started it is killed (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Process:
    """One program that can be started again after it was stopped or killed."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        self.log = self.folder / "log"
        self.log.touch()
        self._popen: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def is_ready(self) -> bool:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self._popen, f"{self.name} has not been started"
        return self._popen.pid

    @property
    def runs(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command(),
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_the_tests,
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it serves."""
        until(lambda: self.is_ready() or not self.runs, f"{self.name} to serve")
        assert self.runs, f"{self.name} has ended:\n{self.said()[-2000:]}"

    def stop(self) -> None:
        """Let it end as its service manager would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._popen is None:
            return
        if self.runs:
            os.kill(self.pid, how)
        try:
            self._popen.wait(40)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._popen = None

    def children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def said(self) -> str:
        return self.log.read_text(errors="replace")
