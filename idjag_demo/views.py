"""The landing page of the bare host, and the error pages of every site."""

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from authserver.models import AuthorizationServer
from authserver.responses import RETRY_AFTER_SECONDS
from authserver.throttling import throttled_response
from base import trace_context
from base.limits import Throttled
from base.unsent import page_of_form, unsent
from operations.outages import database_outage
from tenants.models import Realm

API_PATHS = ("/api/", "/oauth2/", "/.well-known/")
MOST_IDPS = 20
PAGES_AMONG_THEM = ("/oauth2/v1/authorize", "/oauth2/v1/logout")


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the landing page: the flow, the sites and the demo accounts."""
    idps = AuthorizationServer.objects.filter(realm=Realm.IDP, tenant__is_active=True)
    first = idps.select_related("tenant").order_by("tenant_id")[:MOST_IDPS]
    return render(request, "landing.html", {"idps": first})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, or 404 for an unknown host."""
    if isinstance(exception, DisallowedHost):
        return not_found(request, exception)
    if database_outage(sys.exception()):  # Django reports a session that could not be saved this way
        return server_error(request)
    return _answer(request, 400, "invalid_request", "The request is malformed.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "access_denied", "Access denied.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "not_found", "This address does not exist.")


def refused_unread(request: HttpRequest, status: int, description: str) -> HttpResponse:
    """Refuse a request that is too large or ambiguous. The site is not known yet, so the page needs no context."""
    if is_for_programs(request):
        return _json_error(status, "invalid_request", description)
    return HttpResponse(description, status=status, content_type="text/plain")


def too_many(request: HttpRequest, throttled: Throttled) -> HttpResponse:
    """Answer 429 with Retry-After (RFC 6585 section 4)."""
    if is_for_programs(request):
        return throttled_response(throttled)
    response = render(request, "429.html", {"throttled": throttled}, status=429)
    response["Retry-After"] = str(throttled.retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 during an outage of the database.

    The page needs no context and no database, because they may have failed.
    """
    status = 503 if database_outage(sys.exception()) else 500
    if not is_for_programs(request):
        response = render(None, f"{status}.html", {"reference": trace_context.reference()}, status=status)
    elif status == 503:
        response = _json_error(503, "temporarily_unavailable", "The server is busy. Try again later.")
    else:
        response = _json_error(500, "server_error", "The server failed. The error has been logged.")
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)  # RFC 9110 section 15.6.4
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or stale; Django has logged `reason`."""
    return unsent(
        request,
        status=403,
        title="This form has expired",
        reason="You signed in or out after you opened it, or your browser blocks cookies from this site. Nothing was "
        "changed. Open the page again and submit the form once more.",
        link=page_of_form(request),
        link_text="Open the page again",
    )


def _answer(request: HttpRequest, status: int, error: str, description: str) -> HttpResponse:
    """Return the error as JSON for the paths that programs call, otherwise as a page."""
    if is_for_programs(request):
        return _json_error(status, error, description)
    return render(request, f"{status}.html", status=status)


def is_for_programs(request: HttpRequest) -> bool:
    """Say whether the path is one that programs call, so that every answer is JSON, also for this project's pages."""
    return request.path.startswith(API_PATHS) and request.path not in PAGES_AMONG_THEM


def _json_error(status: int, error: str, description: str) -> HttpResponse:
    body = {"error": error, "error_description": description}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
