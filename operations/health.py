"""Whether this process is alive, and whether it can serve: for load balancers and orchestrators."""

import logging
from collections.abc import Callable
from functools import cache as once

from django.core.cache import cache, caches
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from authserver.models import SigningKey
from tenants.models import App

log = logging.getLogger(__name__)


class NotReady(Exception):
    """What is there is not what is needed."""


class Degraded(Exception):
    """Something is missing that one can serve without."""


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200: the process takes requests. It asks nothing else, so that a database outage restarts nobody."""
    return JsonResponse({"status": "alive"}, headers={"Cache-Control": "no-store"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if no check of `CHECKS` fails, else 503; which ones failed is said, why is in the log.

    A cache in Redis that is down is "degraded" only: to take every process out of the load balancer for it would make
    an outage of what goes on without (see `redis_cache`).
    """
    checks = {name: _outcome(name, check) for name, check in CHECKS.items()}
    ready = "failed" not in checks.values()
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Degraded:
        return "degraded"  # whoever found out has said so in the log
    except Exception as error:  # whatever the driver of a database or a cache raises
        log.warning("not ready: %s: %s", name, type(error).__name__)
        return "failed"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    cache.set("idjag_demo:readyz", True, 10)
    if not cache.get("idjag_demo:readyz"):
        raise NotReady
    outage = getattr(caches["default"], "outage", None)  # of our cache in Redis
    if outage and outage.lasts:
        raise Degraded


@once
def _migrations() -> None:
    """Remembered once all are applied; looked at anew as long as some are not."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady


def _signing_keys() -> None:
    """Look at those of the apps, decrypted: the IdP of one tenant is no reason to answer nobody any more."""
    keys = SigningKey.objects.filter(server__realm__in=App.values, status=SigningKey.Status.ACTIVE).select_related(
        "server"
    )
    if {key.server.realm for key in keys.select_related("server") if key.private_pem} != set(App.values):
        raise NotReady


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "cache": _cache,
    "migrations": _migrations,
    "signing keys": _signing_keys,
}
