"""The product as a company runs it: a proxy, several web processes, a MariaDB and a Redis, all on loopback."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db import connections
from django.db.utils import ConnectionHandler

from audit.changes import unrecorded
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo import seed
from tenants.models import EmailDomain, Tenant
from tests.support.encryption import encryption_keys
from tests.support.live_demo import origins_on
from tests.topology.processes import Process, until
from tests.topology.proxy import Passed, Proxy
from tests.topology.services import MariaDB, Redis, Service
from tests.topology.webs import ROOT, Web

DATABASE, RESOURCE_APP = "idjag", "todo0"
DOCUMENTED = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


class Topology:
    """Everything together. `webs` are called a and b."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database, self.redis = MariaDB(folder), Redis(folder)
        self.webs = [Web(folder, name) for name in ("a", "b")]
        self.proxy = Proxy(folder, self.webs)
        self.origins = origins_on(self.proxy.port)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of every process of the product: the machine's, and no other setting than this."""
        return {
            **{name: value for name, value in os.environ.items() if name not in DOCUMENTED},
            "DJANGO_SETTINGS_MODULE": "idjag_demo.settings",
            "DEMO": "true",
            "DATABASE_URL": self.database.url(DATABASE),
            "REDIS_URL": self.redis.url,
            "BASE_DOMAIN": f"localhost:{self.proxy.port}",
            "TRUSTED_PROXIES": "127.0.0.1",
            "WEB_CONCURRENCY": "1",
            "DJANGO_SECRET_KEY": settings.SECRET_KEY,
            "FIELD_ENCRYPTION_KEYS": ",".join(encryption_keys()),
            # On, so that their counters are used, and out of the way.
            **{f"LIMIT_{name}": "100000/minute" for name in settings.LIMITS},
            **more,
        }

    def processes(self) -> list[Process]:
        return [self.proxy, *self.webs, self.redis, self.database]

    def start(self) -> None:
        self.database.start(wait=False)
        self.redis.start()
        self.database.wait()
        self.database.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin")
        self.manage("prepare")
        self.start_webs()
        self.proxy.start()

    def start_webs(self, *, each_asks_itself: bool = False, **more: str) -> None:
        """Start all web processes, or restart them, with `more` in their environment."""
        for web in self.webs:
            web.stop()
        for web in self.webs:
            own = {"OWN_SITES_AT": web.address} if each_asks_itself else {}
            web.set_environment(self.environment(**own, **more))
            web.start(wait=False)
        for web in self.webs:
            web.wait()

    def stop(self) -> None:
        for process in self.processes():
            process.stop()

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py as a job of the deployment would; return what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def name_of(self, address: str) -> str:
        """Return the name of the web process at an address that the proxy wrote down."""
        return next((web.name for web in self.webs if web.address == address), "")

    def add_tenant(self, slug: str) -> Tenant:
        """Make a tenant like those of the demo, with an embedded IdP, but without people."""
        own_keys = patch("authserver.models.rsa", rsa)  # not those of the pool of all tests, which are soon there twice
        with unrecorded(), own_keys:
            tenant = Tenant.objects.create(slug=slug, name=slug)
            EmailDomain.objects.create(tenant=tenant, domain=f"{slug}.example")
            seed._seed_idp(tenant, ResourceApp.objects.get(key=RESOURCE_APP))
        return tenant

    @contextmanager
    def as_default_database(self) -> Iterator[None]:
        """Let the models of this thread read and write the topology's database."""
        mine: dict[str, Any] = {
            "ENGINE": "django.db.backends.mysql",
            "HOST": "127.0.0.1",
            "PORT": self.database.port,
            "USER": "root",
            "NAME": DATABASE,
            "OPTIONS": {"charset": "utf8mb4", "collation": "utf8mb4_nopad_bin"},
        }
        before, connection = connections["default"], ConnectionHandler({"default": mine})["default"]
        connections["default"] = connection
        try:
            yield
        finally:
            connection.close()
            connections["default"] = before

    def mend(self) -> None:
        """Be as at the beginning, whatever a test has left."""
        for service in (self.database, self.redis):
            if not service.runs:
                service.start()
        for web in self.webs:
            until(web.has_everything, f"{web.name} to find all that it needs")
        self.proxy.route()

    @contextmanager
    def without(self, service: Service) -> Iterator[None]:
        """Stop a service for a while."""
        service.stop()
        try:
            yield
        finally:
            connections["default"].close()
            service.start()


def mistakes_in(said: str) -> list[str]:
    """Return what web processes say only if there is a mistake in the product."""
    return re.findall(r"^.*(?:Traceback|Internal Server Error|Error calling).*$", said, re.MULTILINE)


class Since:
    """What has happened in the topology since this object was made."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._begin = time.time() - 0.001  # the proxy counts milliseconds
        self._said: Mapping[Process, int] = {process: len(process.said()) for process in topology.processes()}

    def passed(self, site: str = "", path: str = "") -> list[Passed]:
        """Return the requests that the proxy passed on, those to this site and path only if given."""
        return [
            one
            for one in self._topology.proxy.passed()
            if one.start >= self._begin and one.host.startswith(site) and one.path.startswith(path)
        ]

    def errors(self) -> list[str]:
        """Return what the web processes said of mistakes in the product."""
        return mistakes_in("".join(self.said()[web.name] for web in self._topology.webs))

    def said(self) -> dict[str, str]:
        """Return what each process wrote, by name."""
        return {process.name: process.said()[start:] for process, start in self._said.items()}
