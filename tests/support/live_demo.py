"""The seeded demo on a real port: all sites, served by threads of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.servers.basehttp import WSGIRequestHandler
from django.test.testcases import LiveServerThread

from idjag_demo.entrance import Entrance


@contextmanager
def serving() -> Iterator[int]:
    """Serve on a free port of the loopback address, and say which."""
    # Without it every answer to another site of this process waits 40 ms for a delayed acknowledgement.
    WSGIRequestHandler.disable_nagle_algorithm = True
    server = LiveServerThread("127.0.0.1", static_handler=lambda application: Entrance())
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    try:
        yield server.port
    finally:
        server.terminate()


def origins_on(port: int) -> dict[str, Any]:
    """Return what `settings.ORIGINS` is when all sites are on `port`."""
    base = f"localhost:{port}"
    return {
        "staff": f"http://{base}",
        "wiki": f"http://wiki.{base}",
        "todo": f"http://todo.{base}",
        "idp": f"http://{{tenant}}.idp.{base}",
    }
