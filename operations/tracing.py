"""Per request: the trace identifiers, a line in the access log, the metrics."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.log import one_line
from base import trace_context
from operations import metrics
from operations.logs import without_tokens

access_log = logging.getLogger("idjag_demo.access")


class TracingMiddleware:
    """Sets `request.trace` and answers with X-Request-ID. Outermost, so it sees every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        trace = trace_context.received(request.META.get("HTTP_X_REQUEST_ID"), request.META.get("HTTP_TRACEPARENT"))
        request.trace = trace
        token = trace_context.current.set(trace)
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = trace.request_id
            seconds = time.perf_counter() - started
            site = getattr(request, "site", None)
            metrics.answered(site.realm if site else "none", request.method, response.status_code, seconds)
            if access_log.isEnabledFor(logging.INFO):
                fields = {
                    "method": one_line(request.method),
                    "site": site.origin if site else "",
                    "path": without_tokens(one_line(request.path)),
                    "status": response.status_code,
                    "ms": round(seconds * 1000, 1),
                }
                access_log.info("%(method)s %(path)s %(status)s", fields, extra={"access": fields})
            return response
        finally:
            trace_context.current.reset(token)
