"""A web process of the product, as an image made by the Dockerfile runs it."""

import json
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from tests.topology.processes import Process, free_port, until

ROOT = Path(__file__).resolve().parents[2]


def command(port: int) -> list[str]:
    """Return what the Dockerfile runs, on a port of its own and with this checkout's Python."""
    (line,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    python, script, *arguments, address = json.loads(line)
    assert (python, script, arguments) == ("python", "manage.py", ["serve"]), line
    return [sys.executable, str(ROOT / script), *arguments, address.replace("0.0.0.0:8000", f"127.0.0.1:{port}")]


class Web(Process):
    """A server with one worker: a master that keeps the socket, and the process that serves."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        super().__init__(folder)
        self.port = free_port()
        self._environment: Mapping[str, str] = {}
        self._host: Mapping[str, str] = {}

    @property
    def address(self) -> str:
        """As the proxy writes it."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        return command(self.port)

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def set_environment(self, environment: Mapping[str, str]) -> None:
        """From the next start on."""
        self._environment = dict(environment)
        self._host = {"Host": environment["BASE_DOMAIN"]}

    def ask(self, path: str, timeout: float = 30) -> requests.Response:
        """Ask this process itself, on the bare host."""
        return requests.get(f"http://{self.address}{path}", headers=self._host, timeout=timeout)

    def is_ready(self) -> bool:
        """Say whether the worker has loaded everything: the master takes connections before."""
        try:
            return self.ask("/healthz", timeout=1).status_code == 200
        except requests.RequestException:
            return False

    def has_everything(self) -> bool:
        """Say whether it is ready, and not without the cache either."""
        answer = self.ask("/readyz")
        return answer.status_code == 200 and set(answer.json()["checks"].values()) == {"ok"}

    @property
    def worker(self) -> int:
        (pid,) = self.children()
        return pid

    def kill_worker(self) -> None:
        """Kill the process that serves, or one of them; the master starts another one."""
        before = self.children()
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(set(self.children()) - {before[0]}) == len(before), f"a new worker of {self.name}")
        self.wait()
