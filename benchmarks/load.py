"""A closed-loop load generator: in a process of its own, on a core of its own, over keep-alive connections.

Each of `concurrency` connections sends a request, reads the answer whole and sends the next one. One thread waits for
all of them, and requests come as bytes made beforehand, so that one core of it keeps one core of a server busy.
"""

import multiprocessing
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, NamedTuple

Flow = Sequence[bytes]
"""Requests that one connection sends one after the other, as a browser sends what a page needs."""

Expected = Sequence[tuple[bytes, int]]
"""For each request of a flow: what its answer must hold, and how many times. An answer of another kind is a failure."""

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


@dataclass
class _Connection:
    flow: int
    sock: socket.socket = field(init=False)
    step: int = 0
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)


class _Answer(NamedTuple):
    status: int
    keeps_open: bool
    body_at: int


class Generator:
    """The process; a context manager. `cpu` is the core it is bound to, None for any."""

    def __init__(self, *, cpu: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, cpu), daemon=True)

    def __enter__(self) -> "Generator":
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def run(self, port: int, flows: Sequence[Flow], concurrency: int, expected: Expected) -> Outcome:
        """Send `flows` to 127.0.0.1:`port` and return the outcome. Raises `LoadError`."""
        self._pipe.send((port, flows, concurrency, expected))
        answer: Any = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection, cpu: int | None) -> None:
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    while True:
        try:
            job = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(run_flows(*job))
        except KeyboardInterrupt:
            return
        except Exception as error:  # the other process raises it
            pipe.send(LoadError(f"{type(error).__name__}: {error}"))


def run_flows(port: int, flows: Sequence[Flow], concurrency: int, expected: Expected) -> Outcome:
    """Send all `flows` over `concurrency` connections to 127.0.0.1:`port`. Raises `LoadError`."""
    outcome = Outcome([[0.0] * len(flow) for flow in flows])
    waiting = deque(range(len(flows)))
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        for _ in range(min(concurrency, len(flows))):
            _begin(_Connection(waiting.popleft()), port, flows, selector)
        while selector.get_map():
            events = selector.select(SECONDS)
            if not events:
                raise LoadError(f"no answer within {SECONDS:.0f} seconds")
            for key, _ in events:
                _go_on(key.data, port, flows, expected, waiting, outcome, selector)
        outcome.seconds = time.perf_counter() - started
    return outcome


def _begin(connection: _Connection, port: int, flows: Sequence[Flow], selector: selectors.BaseSelector) -> None:
    """Connect, and send the request that is next."""
    connection.sock = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(connection.sock, selectors.EVENT_READ, connection)
    _send(connection, flows)


def _go_on(
    connection: _Connection,
    port: int,
    flows: Sequence[Flow],
    expected: Expected,
    waiting: deque[int],
    outcome: Outcome,
    selector: selectors.BaseSelector,
) -> None:
    """Read what has come; if the answer is whole, note it and send the next request, if there is one."""
    answer = _receive(connection)
    if answer is None:
        return
    outcome.latencies[connection.flow][connection.step] = time.perf_counter() - connection.sent_at
    text, times = expected[connection.step]
    if not 200 <= answer.status < 300 or connection.received.count(text, answer.body_at) != times:
        outcome.failures += 1
        outcome.failure = outcome.failure or bytes(connection.received[:2000]).decode(errors="replace")
    connection.received.clear()
    connection.step += 1
    if connection.step == len(flows[connection.flow]):
        connection.step, connection.flow = 0, waiting.popleft() if waiting else -1
    if connection.flow >= 0 and answer.keeps_open:
        _send(connection, flows)
        return
    selector.unregister(connection.sock)
    connection.sock.close()
    if connection.flow >= 0:
        _begin(connection, port, flows, selector)


def _send(connection: _Connection, flows: Sequence[Flow]) -> None:
    connection.sent_at = time.perf_counter()
    connection.sock.sendall(flows[connection.flow][connection.step])


def _receive(connection: _Connection) -> _Answer | None:
    """Read what is there; return the answer if it is whole."""
    chunk = connection.sock.recv(256 * 1024)
    if not chunk:
        raise LoadError("the server closed the connection within an answer")
    received = connection.received
    received += chunk
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    _, found, after = head.partition(b"\r\ncontent-length:")
    if not found:
        raise LoadError(f"an answer without Content-Length: {head[:200]!r}")
    if len(received) < end + 4 + int(after.split(b"\r\n", 1)[0]):
        return None
    return _Answer(int(head[9:12]), b"\r\nconnection: close" not in head, end + 4)
