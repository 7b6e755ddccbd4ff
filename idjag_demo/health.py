"""Whether this process is alive, and whether it can serve: for load balancers and orchestrators."""

import logging
from collections.abc import Callable
from functools import cache as once

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from authserver.models import AuthorizationServer, SigningKey

log = logging.getLogger(__name__)


class NotReady(Exception):
    """What is there is not what is needed."""


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200: the process takes requests. It asks nothing else, so that a database outage restarts nobody."""
    return JsonResponse({"status": "alive"}, headers={"Cache-Control": "no-store"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if all `CHECKS` pass, else 503; which ones failed is said, why is in the log."""
    checks = {name: "ok" if _passes(name, check) else "failed" for name, check in CHECKS.items()}
    ready = "failed" not in checks.values()
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:  # whatever the driver of a database or a cache raises
        log.warning("not ready: %s: %s", name, type(error).__name__)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    cache.set("idjag_demo:readyz", True, 10)
    if not cache.get("idjag_demo:readyz"):
        raise NotReady


@once
def _migrations() -> None:
    """Remembered once all are applied; looked at anew as long as some are not."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady


def _signing_keys() -> None:
    if AuthorizationServer.objects.exclude(signing_keys__status=SigningKey.Status.ACTIVE).exists():
        raise NotReady


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "cache": _cache,
    "migrations": _migrations,
    "signing keys": _signing_keys,
}
