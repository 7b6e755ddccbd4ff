"""All outgoing HTTP requests of the process (RFC 6761 section 6.3 for `*.localhost`).

In: a URL from an IdP's metadata, an operator or a setting. Out: a complete answer from an allowed address, within the
limits of size and time; or a `requests.RequestException` that says why not.
"""

import io
import math
import socket
import time
from contextvars import ContextVar
from functools import cache
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from base import trace_context
from base.addresses import is_ours, is_public, own_address
from crossapp.core.http import READ_SECONDS, BoundedSession, deadline_within
from crossapp.core.urls import is_localhost, is_loopback

IDLE_SECONDS = 1.5  # the time a connection is kept for its next request; gunicorn often closes it after 2
LOOPBACK = "127.0.0.1"

_deadline: ContextVar[float] = ContextVar("deadline")  # of this thread's exchange


@cache
def session() -> requests.Session:
    """Return the session every thread of this process shares."""
    return StrictSession()


class StrictSession(BoundedSession):
    """A session that asks only addresses which `address_for` allows, under the trace of the current request."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = "idjag_demo"
        for scheme in ("http://", "https://"):
            self.mount(scheme, AddressAdapter(pool_maxsize=50))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send `request` and read the complete answer; raises RequestException."""
        request.headers.update(trace_context.headers(ours=_is_ours(str(request.url))))
        token = _deadline.set(deadline_within(kwargs.get("timeout")))
        try:
            return super().send(request, **kwargs)
        finally:
            _deadline.reset(token)


class AddressAdapter(HTTPAdapter):
    """Connects to the address that `address_for` allows; Host header, SNI and certificate stay those of the name.

    It calls this project's own sites at `OWN_SITES_AT`, in plain HTTP, because a process may be unable to reach them
    through their proxy or port forwarder.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host: Any
        tls: Any
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        if at_hand := own_address(_origin(str(request.url))):
            host["scheme"], (host["host"], host["port"]) = "http", at_hand
            return host, tls
        name, host["host"] = host["host"], address_for(str(request.url))
        if host["scheme"] == "https":
            tls["server_hostname"] = tls["assert_hostname"] = name
        return host, tls

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc.rpartition("@")[2]
        if own_address(_origin(str(request.url))):
            request.headers["X-Forwarded-Proto"] = parts.scheme
        try:
            return super().send(request, *args, **kwargs)
        finally:
            del request.headers["Host"]  # otherwise the cookie jar, or a copy of this request, would use it


def address_for(url: str) -> str:
    """Return the one address to connect to for `url`; raises RequestException if no address is allowed."""
    parts = urlsplit(url)
    name = (parts.hostname or "").removesuffix(".")
    ours = _is_ours(url)
    if is_localhost(name):
        if ours or settings.DEMO:
            return LOOPBACK
    elif settings.DEMO and is_loopback(name):
        return name
    if parts.scheme != "https" and not ours:
        raise requests.exceptions.InvalidURL(f"{url}: outgoing requests must use https")
    return _resolve(name, parts.port or 443, private=ours)


def _is_ours(url: str) -> bool:
    return is_ours(_origin(url))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _resolve(name: str, port: int, *, private: bool) -> str:
    """Resolve `name` once and return its first address; without `private`, every address must be public."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise requests.ConnectionError(f"{name} has no address") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not private and not all(map(is_public, addresses)):
        raise requests.exceptions.InvalidURL(f"{name} has an address that is not public")
    return addresses[0]


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until the exchange's deadline, because a socket's own timeout restarts with every byte."""

    def __init__(self, raw: Any, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = _deadline.get() - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no complete answer in time")
        self._sock.settimeout(min(READ_SECONDS, remaining))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _FreshConnections(HTTPConnectionPool):
    """Reuses no connection that its peer may be closing: a POST that fails this way is not sent again."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)

    def _get_conn(self, timeout: float | None = None) -> Any:
        conn: Any = super()._get_conn(timeout)
        if time.monotonic() - getattr(conn, "idle_since", math.inf) > IDLE_SECONDS:
            conn.close()  # it reconnects when it is used
        return conn


class _Pool(_FreshConnections):
    ConnectionCls = _Connection


class _TlsPool(_FreshConnections, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
