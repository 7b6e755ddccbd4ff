"""A closed-loop load generator: in a process of its own, on a core of its own, over keep-alive connections.

Each of `concurrency` connections sends a request, reads the answer whole and sends the next one. Requests are made
beforehand as bytes, so that one core here keeps one core of a server busy.
"""

import asyncio
import os
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from http.client import HTTPResponse
from multiprocessing import get_context
from urllib.parse import urlsplit

Flow = Sequence[bytes]
"""Requests that one connection sends one after the other, as a browser sends what a page needs."""

Expected = Sequence[tuple[bytes, int]]
"""For each request of a flow: the text that its answer must hold, and how many times."""

SECONDS = 60.0  # for one answer


class LoadError(Exception):
    """The server did not answer as HTTP/1.1 over a kept connection, or not at all."""


@dataclass
class Outcome:
    """What happened: the seconds each request of each flow took, in the order of the flows, and what was answered."""

    latencies: list[list[float]]
    seconds: float = 0.0
    failures: int = 0
    """Answers that were not 2xx or did not hold what they should."""
    failure: str = ""
    """The beginning of the first of them."""


def http_request(method: str, url: str, *, body: bytes = b"", **headers: str) -> bytes:
    """Return a request to a site of the demo as bytes; an underscore in the name of a header stands for a hyphen."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "User-Agent: benchmarks", "Accept: */*"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send `request` to 127.0.0.1:`port` and return the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as sock:
        sock.sendall(request)
        answer = HTTPResponse(sock)
        answer.begin()
        return answer.status, answer.read()


def generator(core: int | None) -> ProcessPoolExecutor:
    """Return a process, bound to `core` (None: any), in which to call `run_flows`."""
    return ProcessPoolExecutor(1, get_context("spawn"), _bind, (core,))


def _bind(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def run_flows(port: int, flows: Sequence[Flow], concurrency: int, expected: Expected) -> Outcome:
    """Send all `flows` over `concurrency` connections to 127.0.0.1:`port`. Raises `LoadError`."""
    outcome, waiting = Outcome([[] for _ in flows]), iter(range(len(flows)))

    async def run() -> None:
        connections = (_send(port, flows, waiting, expected, outcome) for _ in range(min(concurrency, len(flows))))
        await asyncio.gather(*connections)

    started = time.perf_counter()
    asyncio.run(run())
    outcome.seconds = time.perf_counter() - started
    return outcome


async def _send(port: int, flows: Sequence[Flow], waiting: Iterator[int], expected: Expected, outcome: Outcome) -> None:
    """Send the flows whose numbers are `waiting` over one connection; open it again when the server closes it."""
    writer = None
    for number in waiting:
        for request, (text, times) in zip(flows[number], expected, strict=False):
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            started = time.perf_counter()
            writer.write(request)
            async with asyncio.timeout(SECONDS):
                head, body = await _read(reader)
            outcome.latencies[number].append(time.perf_counter() - started)
            if not head.startswith(b"http/1.1 2") or body.count(text) != times:
                outcome.failures += 1
                outcome.failure = outcome.failure or (head + body)[:2000].decode(errors="replace")
            if b"\r\nconnection: close" in head:
                writer.close()
                writer = None
    if writer:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the head, in lower case, and the body of an answer. Raises `LoadError`."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, found, after = head.partition(b"\r\ncontent-length:")
        if not found:
            raise LoadError(f"an answer without Content-Length: {head[:200]!r}")
        return head, await reader.readexactly(int(after.split(b"\r\n", 1)[0]))
    except asyncio.IncompleteReadError:
        raise LoadError("the server closed the connection within an answer") from None
