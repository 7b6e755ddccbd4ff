"""Liveness and readiness of this process, for load balancers and orchestrators."""

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
    """A check found a state that cannot serve."""


class Degraded(Exception):
    """An optional service is down."""


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200: the process accepts requests. It checks nothing else, so a database outage restarts no process."""
    return JsonResponse({"status": "alive"}, headers={"Cache-Control": "no-store"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if no check of `CHECKS` fails, otherwise 503. The body names the failed checks, the log the reasons.

    A Redis that is down is only "degraded": the processes work without it (see `redis_cache`), so the load balancer
    must not remove them.
    """
    checks = {name: _outcome(name, check) for name, check in CHECKS.items()}
    ready = "failed" not in checks.values()
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Degraded:
        return "degraded"  # the cache has logged it
    except Exception as error:  # each driver of a database or cache has its own exceptions
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
    outage = getattr(caches["default"], "outage", None)  # only of `operations.redis_cache`
    if outage and outage.lasts:
        raise Degraded


@once
def _migrations() -> None:
    """Remember the result once all migrations are applied; until then check each time."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady


def _signing_keys() -> None:
    """Check that the apps' keys can be decrypted. A tenant's IdP without a key does not make the process unready."""
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
