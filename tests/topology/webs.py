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
    server, *options = json.loads(line)
    options = [re.sub(r"^--bind=.*", f"--bind=127.0.0.1:{port}", option) for option in options]
    assert server == "gunicorn" and f"--bind=127.0.0.1:{port}" in options, line
    return [str(Path(sys.executable).with_name(server)), *options]


class Web(Process):
    """A gunicorn with one worker: a master that keeps the socket, and the process that serves."""

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
        return [*command(self.port), f"--chdir={ROOT}"]

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
        """Kill the process that serves; the master starts another one."""
        killed = self.worker
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.children() not in ([], [killed]), f"a new worker of {self.name}")
        self.wait()
