"""Serves a deployment: several processes, each with many threads (docs/decisions/0010)."""

import argparse
import logging
import socket
from copy import deepcopy
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

HELP = """\
Serves all sites on one address, with WEB_CONCURRENCY processes. It needs a proxy in front that drops headers with
underscores in their names, as nginx does by default: X_Forwarded_For would be read as X-Forwarded-For.

On SIGTERM it accepts no more connections and finishes running requests within 30 seconds. A process that dies is
replaced. If the new process dies at once too, the command ends, and the service manager should restart it.

  manage.py serve                    127.0.0.1:8000
  manage.py serve 0.0.0.0:8000       what the image runs

On a developer's machine use "make demo" instead.
"""


class Command(BaseCommand):
    help = HELP
    requires_system_checks = []  # the WSGI module runs them, and reports errors in one line

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("address", nargs="?", default="127.0.0.1:8000", help="The address and port.")
        # Threads, because one request may call another site of this process. Many, so that pages waiting for an IdP
        # that hangs do not block the others.
        parser.add_argument(
            "--threads", type=int, default=128, help="The number of requests that each process answers at once."
        )

    def handle(self, *args: Any, address: str, threads: int, **options: Any) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise CommandError(f"{address!r} is not an address and port, such as 127.0.0.1:8000.")
        _stop_if_taken(host, int(port))
        module, _, name = settings.WSGI_APPLICATION.rpartition(".")
        import_module(module)  # here, so that all processes share the memory, and errors are reported once

        Granian(
            f"{module}:{name}",
            address=host,
            port=int(port),
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            websockets=False,
            workers=settings.WEB_CONCURRENCY,
            blocking_threads=threads,
            blocking_threads_idle_timeout=600,  # as long as a thread keeps its database connection (settings.DATABASES)
            respawn_failed_workers=True,
            workers_kill_timeout=30,
            # Longer than the proxy keeps a connection, so that a request never meets a closing one.
            http1_settings=HTTP1Settings(header_read_timeout=60_000, max_buffer_size=64 * 1024),
            log_dictconfig=_logging(),
        ).serve()


def _stop_if_taken(host: str, port: int) -> None:
    """Raise CommandError if another process listens there: granian would share the address with it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as granian does: a socket that was just closed does not count
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None


def _logging() -> dict[str, Any]:
    """Return this project's logging configuration, which granian applies in each process, plus granian's logger."""
    config: dict[str, Any] = deepcopy(settings.LOGGING)
    config["filters"]["without_advice"] = {"()": WithoutAdvice}
    config["loggers"]["_granian"] = {"level": "INFO", "filters": ["without_advice"]}
    return config


class WithoutAdvice(logging.Filter):
    """Drops granian's warning about the number of threads."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let all other records through."""
        return "Python threads, which seems quite high" not in record.msg
