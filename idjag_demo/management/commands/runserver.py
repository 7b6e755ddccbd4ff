"""Django's development server for all sites of the demo at once."""

import fcntl
import os
import socket
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.runserver import Command as RunserverCommand
from django.core.servers.basehttp import WSGIRequestHandler
from django.core.servers.basehttp import run as serve
from django.db.utils import DatabaseError

from idjag_demo.demo.move import addresses_differ, follow_addresses
from idjag_demo.demo.welcome import welcome

# Without it every answer to another site of this process waits 40 ms for a delayed acknowledgement.
WSGIRequestHandler.disable_nagle_algorithm = True


class Command(RunserverCommand):
    help = "Starts all sites on the port of BASE_DOMAIN (localhost:8000 with nothing set); see also PORT_ORIGIN."

    default_port = str(next(iter(settings.PORTS), urlsplit(settings.ORIGINS["staff"]).port or 8000))

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["use_threading"]:
            raise CommandError("The sites call each other, so --nothreading would deadlock.")
        super().handle(*args, **options)

    def run(self, **options: Any) -> None:
        if os.environ.get("RUN_MAIN") != "true":  # the reloader's child runs this again
            self._check_ports()
            self._serving = open(settings.VAR_DIR / "serving.lock", "w")  # noqa: SIM115 (held until the process ends)
            self._follow_addresses()
            fcntl.flock(self._serving, fcntl.LOCK_SH)
        super().run(**options)

    # The parent command sets these before it calls `run`.
    addr: str
    port: str
    use_ipv6: bool

    def _check_ports(self) -> None:
        for port in [int(self.port), *_other_ports()]:
            with socket.socket(socket.AF_INET6 if self.use_ipv6 else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.addr, port))
                except OSError:
                    hint = "BASE_DOMAIN=localhost:8123 make demo"
                    raise CommandError(
                        f"Port {port} is in use. Stop the other program, or use another port: {hint}"
                    ) from None

    def _follow_addresses(self) -> None:
        """Move a demo that was seeded with other addresses, unless another server still serves it there."""
        if not settings.DEMO:
            return
        try:
            if not addresses_differ():
                return
            fcntl.flock(self._serving, fcntl.LOCK_EX | fcntl.LOCK_NB)
            follow_addresses()
        except BlockingIOError:
            raise CommandError("Another server is serving this demo at other addresses. Stop it first.") from None
        except DatabaseError:
            raise CommandError(
                "The database is not set up. Run `make demo`, or `manage.py migrate` and `manage.py seed`."
            ) from None
        self.stdout.write("The demo has moved to these addresses. All users must sign in again.")

    def on_bind(self, server_port: int) -> None:
        """Serve on the other ports too, and print the addresses."""
        for port in _other_ports():
            arguments = (self.addr, port, self.get_handler())
            Thread(target=serve, args=arguments, kwargs={"ipv6": self.use_ipv6, "threading": True}, daemon=True).start()
        if settings.DEMO:
            self.stdout.write(welcome())
        self.stdout.write("  Ctrl-C stops it.\n")
        self.stdout.flush()  # also for a pipe or a container's log


def _other_ports() -> list[int]:
    return list(settings.PORTS)[1:]
