"""The demo with PORT_ORIGIN, one port per site, as `make demo` serves it; and the browser of a person far away."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from tests.support.over_http import HttpBrowser

ROOT = Path(__file__).resolve().parents[2]
SITES = ("staff", "wiki", "todo", "customer1", "customer2", "customer3")
SECONDS = 60


@contextmanager
def demo_at(port_origin: str, folder: Path) -> Iterator[dict[str, str]]:
    """Serve a new demo with PORT_ORIGIN, and yield the origin of each of `SITES`."""
    first = _free_ports(len(SITES))
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    environment = kept | {
        "DEMO": "true",
        "BASE_DOMAIN": f"localhost:{first}",
        "PORT_ORIGIN": port_origin,
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
    }

    def manage(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    with manage("prepare", "--verbosity", "0") as prepare:
        assert prepare.wait(SECONDS) == 0
    with manage("runserver", "--noreload") as server:
        try:
            _wait_for(server, first + len(SITES) - 1)
            yield {site: port_origin.replace("{port}", str(first + at)) for at, site in enumerate(SITES)}
        finally:
            server.terminate()


def attach(folder: Path, *, checkout: Path = ROOT, **environment: str) -> str:
    """Return what .devcontainer/demo says in `checkout`, with a `make` that only says how it was called."""
    make = folder / "bin" / "make"
    make.parent.mkdir()
    make.write_text('#!/bin/sh\necho "make $* DEMO=$DEMO PORT_ORIGIN=$PORT_ORIGIN"\n')
    make.chmod(0o755)
    environment |= {"PATH": f"{make.parent}:{os.environ['PATH']}"}
    script = ROOT / ".devcontainer" / "demo"
    return subprocess.run([script], cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


class ForwardedBrowser(HttpBrowser):
    """Reaches the ports of this machine through a forwarder, if the names it uses are not this machine's."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, Forwarder())

    def _request(self, method: str, url: str, body: bytes = b"", content_type: str = "") -> Any:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self.session.headers["Origin"] = origin if body else None  # type: ignore[assignment]
        return super()._request(method, url, body, content_type)


class Forwarder(HTTPAdapter):
    """GitHub's, as those who asked it found it: ends TLS, writes `localhost` and the port for the site's own name."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        _, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return {"scheme": "http", "host": "127.0.0.1", "port": port_of(str(request.url))}, pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        local = f"localhost:{port_of(str(request.url))}"
        request.headers.update({"Host": local, "X-Forwarded-Host": url.netloc, "X-Forwarded-Proto": url.scheme})
        if request.headers.get("Origin") == f"{url.scheme}://{url.netloc}":
            request.headers["Origin"] = f"http://{local}"
        try:
            return super().send(request, *args, **kwargs)
        finally:
            del request.headers["Host"]  # else the cookie jar believes it


def port_of(url: str) -> int:
    """Return the port in `http://localhost:8001` or in `https://name-8001.app.example`."""
    parts = urlsplit(url)
    return parts.port or int(str(parts.hostname).partition(".")[0].rpartition("-")[2])


def _free_ports(number: int) -> int:
    """Return the first of `number` ports in a row on which nothing listens, rarely the one that another test gets."""
    candidates = range(20000, 30000, number)
    for first in random.sample(candidates, len(candidates)):
        with_all = []
        try:
            for port in range(first, first + number):
                with_all.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for taken in with_all:
                taken.close()
    raise AssertionError("every port is taken")


def _wait_for(server: subprocess.Popen[str], port: int) -> None:
    """Wait until `server`, and no other process, listens on `port`, which it opens last."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, "the demo does not serve"
            time.sleep(0.05)
        else:
            assert server.poll() is None, "another process listens there"
            return
