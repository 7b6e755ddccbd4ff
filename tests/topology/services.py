"""A MariaDB and a Redis of the test's own: to be stopped, killed, frozen and started again."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from crossapp.core.keys import RECENT_SECONDS
from tests.topology.processes import Process, free_port, program
from tests.topology.webs import ROOT


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def compose_options() -> list[str]:
    """Return what docker-compose.yml starts MariaDB with, if the environment says nothing."""
    (found,) = re.findall(r"command: (--character-set-server=.*)", (ROOT / "docker-compose.yml").read_text())
    return re.sub(r"\$\{\w+:-(\w+)\}", r"\1", found).split()


class Service(Process):
    """Something that can freeze, as a host does that swaps: it takes connections and answers nothing."""

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class MariaDB(Service):
    """With its data in the folder, and root without a password."""

    name = "mariadb"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.data = self.folder / "data"
        self.socket = f"/tmp/idjag-{os.getpid()}-{self.port}.sock"  # noqa: S108 (a socket's path is short)
        self._as_root = ["--user=root"] if os.geteuid() == 0 else []
        install = [program("mariadb-install-db", "mariadb-server"), "--no-defaults", f"--datadir={self.data}"]
        install += ["--auth-root-authentication-method=normal", "--skip-test-db", *self._as_root]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def command(self) -> Sequence[str]:
        own = [f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"]
        return [program("mariadbd", "mariadb-server"), "--no-defaults", *own, *compose_options(), *self._as_root]

    def is_ready(self) -> bool:
        return answers(self.port) and self._run("SELECT 1")

    def execute(self, statement: str) -> None:
        assert self._run(statement), statement

    def _run(self, statement: str) -> bool:
        client = [program("mariadb", "mariadb-client"), "--no-defaults", f"--socket={self.socket}", "--user=root"]
        return subprocess.run([*client, f"--execute={statement}"], capture_output=True, check=False).returncode == 0

    def url(self, database: str) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/{database}"


class Redis(Service):
    """Keeps nothing on the disk."""

    name = "redis"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()

    def command(self) -> Sequence[str]:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return [program("redis-server", "redis-server"), *options]

    def is_ready(self) -> bool:
        return answers(self.port)

    def ask(self, command: str) -> str:
        """Return the one line that it answers."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(1000).decode().strip()

    def forget_everything(self) -> None:
        """Empty it, and wait until no web process has cached what it read: everything is asked for again."""
        assert self.ask("FLUSHALL") == "+OK"
        time.sleep(RECENT_SECONDS)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"
