"""What says how fast this machine is, beside the same on the machine that the goals were set on."""

import tempfile
from pathlib import Path

from benchmarks import servers, signatures
from benchmarks.load import Generator
from benchmarks.wire import http_request

COUNT = 4000
EMPTY_VIEW = "empty view of a bare Django, {}: CPU ms"
SIGNATURES = "{}, a second of CPU of one core"
THERE = {
    SIGNATURES.format("RS256 sign"): 3050.0,
    EMPTY_VIEW.format("gunicorn"): 0.31,
    EMPTY_VIEW.format("granian"): 0.14,
}


def measure() -> dict[str, float]:
    """Return the figures of this machine by name; those that `THERE` has, and more."""
    found = {SIGNATURES.format(name): rate for name, rate in signatures.rates().items()}
    server_cpu, generator_cpu = servers.cores()
    with Generator(cpu=generator_cpu) as generator:
        for program in servers.PROGRAMS:
            found[EMPTY_VIEW.format(program)] = _empty_view(program, generator, server_cpu)
    return found


def _empty_view(program: str, generator: Generator, server_cpu: int | None) -> float:
    kind, port = servers.ServerKind(program, 64), servers.free_port()
    flows = [[http_request("GET", f"http://localhost:{port}/healthz")]] * COUNT
    with tempfile.TemporaryDirectory(prefix="idjag-bench-") as directory:
        log = Path(directory) / "server.log"
        with servers.running(
            kind, port, cpu=server_cpu, log=log, environment={}, application="benchmarks.bare:application"
        ) as server:
            for _ in range(2):  # the first time is the warm-up
                before = server.cpu()
                generator.run(port, flows, 1, [(b"alive", 1)])
                used = server.cpu() - before
    return used.total * 1000 / COUNT
