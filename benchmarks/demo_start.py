"""How long `make demo` takes until it answers: on a second run, and from a fresh clone."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks.environments import common
from benchmarks.servers import BASE_DIR, free_port
from benchmarks.wire import ask, http_request

SECOND_RUN, FRESH_CLONE = "second run", "fresh clone"
PATIENCE = 600.0  # seconds: a fresh clone installs everything first


def second_run() -> dict[str, float]:
    """Return the seconds that `make demo` takes here when everything has been installed and the database is there."""
    with tempfile.TemporaryDirectory(prefix="idjag-bench-") as directory:
        environment = _environment(Path(directory))
        _run(BASE_DIR, environment, Path(directory))
        return _run(BASE_DIR, environment, Path(directory))


def fresh_clone() -> dict[str, float]:
    """Return the seconds that `make demo` takes in a clone of the last commit, packages installed anew."""
    with tempfile.TemporaryDirectory(prefix="idjag-bench-") as directory:
        clone = Path(directory) / "clone"
        git = shutil.which("git") or "git"
        subprocess.run([git, "clone", "--quiet", str(BASE_DIR), str(clone)], check=True)  # noqa: S603
        return _run(clone, _environment(Path(directory)), Path(directory))


def _environment(directory: Path) -> dict[str, str]:
    """Return an environment in which the demo has a database and a port of its own."""
    return {**common(free_port()), "DATABASE_URL": f"sqlite:///{directory / 'demo.sqlite3'}", "REDIS_URL": ""}


def _run(checkout: Path, environment: Mapping[str, str], directory: Path) -> dict[str, float]:
    """Run `make demo` until it has answered once; return after how long that was, and how long that request took."""
    port, log, started = int(environment["BASE_DOMAIN"].rpartition(":")[2]), directory / "demo.log", time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603
            [shutil.which("make") or "make", "--silent", "demo"],
            cwd=checkout,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while not _listens(port):
            if process.poll() is not None or time.monotonic() - started > PATIENCE:
                raise RuntimeError(f"`make demo` does not serve:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        asked = time.monotonic()
        status, _ = ask(port, http_request("GET", environment["HOME_ORIGIN"]))
        answered = time.monotonic()
        if status != 200:
            raise RuntimeError(f"`make demo` answers {status}.")
        return {"until the first answer": answered - started, "first request": answered - asked}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
