"""nginx in front, with the configuration of deploy/nginx and a switch for tests: which web answers what."""

import json
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.topology.processes import Process, free_port, program, until
from tests.topology.services import answers
from tests.topology.webs import ROOT, Web

LOG_FORMAT = """log_format facts escape=json '{"method": "$request_method", "host": "$http_host", "path": "$uri", '
'"webs": "$upstream_addr", "end": $msec, "took": $request_time}';"""
TEMPLATE = ROOT / "deploy" / "nginx" / "nginx.conf.template"
PASS = "proxy_pass http://web;"


def compose_parameters(*, max_conns: bool) -> str:
    """Return what docker-compose.yml says of each web process."""
    (found,) = re.findall(r"PROXY_UPSTREAMS: server web:8000 resolve (.*);", (ROOT / "docker-compose.yml").read_text())
    return str(found if max_conns else re.sub(r"max_conns=\d+ ", "", found))


@dataclass(frozen=True)
class Passed:
    """One request that went through the proxy: `webs` are those that were asked, in order."""

    method: str
    host: str
    path: str
    webs: tuple[str, ...]
    start: float

    @property
    def web(self) -> str:
        """The address of the web process whose answer it is."""
        return self.webs[-1]

    @property
    def site(self) -> str:
        """The first label of the host."""
        return self.host.partition(".")[0]


class Proxy(Process):
    """All webs in turn, until `route` says otherwise."""

    name = "nginx"

    def __init__(self, folder: Path, webs: Sequence[Web]) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._webs = webs
        self.named_only: list[Web] = []  # webs that answer nothing but what is routed to them
        # As in docker-compose.yml, but for max_conns: here what the webs ask of each other comes this way too.
        self.parameters = compose_parameters(max_conns=False)
        self._configuration, self._facts = self.folder / "nginx.conf", self.folder / "facts"
        self._route({})

    def command(self) -> Sequence[str]:
        foreground = ["-g", "daemon off;", "-e", "stderr"]
        return [program("nginx", "nginx"), *foreground, "-p", str(self.folder), "-c", str(self._configuration)]

    def is_ready(self) -> bool:
        return answers(self.port)

    def stop(self) -> None:
        if self.runs:
            os.kill(self.pid, signal.SIGQUIT)
        super().stop()

    def route(self, routes: Mapping[str, str] | None = None) -> None:
        """Let requests go to the web of a certain name: `routes` maps a pattern of "GET host/path" to it."""
        before = self._serving()
        self._route(routes or {})
        os.kill(self.pid, signal.SIGHUP)
        until(lambda: bool(self._serving()) and not set(self._serving()) & set(before), "nginx to take its new routes")

    def _serving(self) -> list[int]:
        """Return the workers that take new requests."""

        def title(pid: int) -> str:
            try:
                return Path(f"/proc/{pid}/cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError):
                return ""

        return [pid for pid in self.children() if re.search("worker process(?! is shutting down)", title(pid))]

    def _route(self, routes: Mapping[str, str]) -> None:
        servers = {web.name: f"server {web.address} {self.parameters};" for web in [*self._webs, *self.named_only]}
        text = Template(TEMPLATE.read_text()).safe_substitute(
            PROXY_DIR=self.folder,
            PROXY_LISTEN=f"listen 127.0.0.1:{self.port};",
            PROXY_UPSTREAMS=" ".join(servers[web.name] for web in self._webs),
            PROXY_RESOLVER="127.0.0.1",
            PROXY_BALANCER="255.255.255.255",
        )
        assert PASS in text, "the switch fits the template no more"
        upstreams = "\n".join(f"upstream {name} {{ {server} }}" for name, server in servers.items())
        rules = "\n".join(f'"~{pattern}" {name};' for pattern, name in routes.items())
        facts = f"{LOG_FORMAT}\naccess_log {self._facts} facts;"
        switch = "\n".join(
            [facts, upstreams, 'map "$request_method $host$uri" $chosen {', "default web;", rules, "}", "server {"]
        )
        text = text.replace(PASS, "proxy_pass http://$chosen; add_header X-Upstream $upstream_addr always;")
        text = text.replace("internal;", "internal; add_header X-Upstream $upstream_addr always;")
        self._configuration.write_text(text.replace("server {", switch, 1))

    def passed(self) -> list[Passed]:
        """Return all requests so far, in the order in which they ended."""
        lines = map(json.loads, self._facts.read_text().splitlines())
        return [
            Passed(
                line["method"],
                line["host"],
                line["path"],
                tuple(filter(None, line["webs"].split(", "))),
                line["end"] - line["took"],
            )
            for line in lines
        ]
