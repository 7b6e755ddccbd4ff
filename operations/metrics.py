"""Prometheus metrics, counted from signals and by `tracing`, so that the counted modules do not import this one.

Every label has a few values chosen by this project, never a value from a peer: no tenant, client, issuer or path.
docs/operations.md explains each metric.
"""

import logging
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from audit.models import Act
from audit.signals import acted
from base.signals import keys_fetched, keys_looked_up
from crossapp.requesting_app.signals import Step, step_taken, token_looked_up

log = logging.getLogger(__name__)

disable_created_metrics()

_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GRANTS = {
    Act.AUTHORIZATION_CODE: "authorization_code",
    Act.REFRESH_TOKEN: "refresh_token",
    Act.TOKEN_EXCHANGE: "token_exchange",
    Act.REDEMPTION: "jwt_bearer",
    Act.TOKEN_REQUEST: "unknown",
}
_ERRORS = {
    "access_denied",
    "insufficient_user_authentication",
    "invalid_authorization_details",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
}

REQUESTS = Histogram(
    "idjag_http_request_duration_seconds",
    "Requests answered, and the time taken.",
    ["site", "method", "status"],
    buckets=_SECONDS,
)
GRANTS = Counter(
    "idjag_grants", "Requests at the token endpoints, as in the audit table.", ["grant", "outcome", "error"]
)
LEGS = Histogram(
    "idjag_exchange_leg_duration_seconds",
    "HTTP requests sent by the requesting app, and the time until the answer.",
    ["leg", "outcome"],
    buckets=_SECONDS,
)
TOKENS = Counter("idjag_access_token_lookups", "Lookups of stored access tokens by the requesting app.", ["result"])
KEYS = Counter("idjag_jwks_lookups", "Lookups of peers' key sets.", ["result"])
FETCHES = Counter("idjag_jwks_fetches", "Fetches of peers' key sets.", ["outcome"])

# `labels` takes longer than counting. There are few values, so all results are kept.
_requests, _grants, _legs = cache(REQUESTS.labels), cache(GRANTS.labels), cache(LEGS.labels)
_tokens, _keys, _fetches = cache(TOKENS.labels), cache(KEYS.labels), cache(FETCHES.labels)


def listen() -> None:
    """Connect the counters."""
    acted.connect(_acted)
    step_taken.connect(_step_taken)
    token_looked_up.connect(_token_looked_up)
    keys_looked_up.connect(_keys_looked_up)
    keys_fetched.connect(_keys_fetched)


def answered(site: str, method: str | None, status: int, seconds: float) -> None:
    """Count a request answered at `site` ("none": an unknown host). A failure to count is only logged."""
    try:
        _requests(site, method if method in _METHODS else "other", f"{status // 100}xx").observe(seconds)
    except OSError as error:  # from the files in PROMETHEUS_MULTIPROC_DIR
        log.error("cannot count a request: %s", error)


def _acted(sender: object, act: Act, outcome: str, error: str, **kwargs: object) -> None:
    if grant := _GRANTS.get(act):
        _grants(grant, outcome, error if error in _ERRORS or not error else "other").inc()


def _step_taken(sender: object, step: Step, **kwargs: object) -> None:
    outcome = "no_answer" if step.status is None else f"{step.status // 100}xx"
    _legs(step.kind, outcome).observe(step.duration_ms / 1000)


def _token_looked_up(sender: object, result: str, **kwargs: object) -> None:
    _tokens(result).inc()


def _keys_looked_up(sender: object, result: str, **kwargs: object) -> None:
    _keys(result).inc()


def _keys_fetched(sender: object, outcome: str, **kwargs: object) -> None:
    _fetches(outcome).inc()


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a request that has METRICS_TOKEN (RFC 6750 section 2.1) with all metrics, in Prometheus' text format.

    Without that setting the answer is 404.
    """
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token, settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    try:
        text = generate_latest(_registry())
    except Exception as error:  # files that another process is creating or has deleted
        log.warning("no metrics: %s: %s", type(error).__name__, error)
        return HttpResponse(status=503)
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


def _registry() -> CollectorRegistry:
    """Return the metrics of this process, or with PROMETHEUS_MULTIPROC_DIR of all processes that share it."""
    if not settings.PROMETHEUS_MULTIPROC_DIR:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=settings.PROMETHEUS_MULTIPROC_DIR)
    return registry
