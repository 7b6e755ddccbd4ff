"""The landing page of the bare host, and the answers of every site when there is no page to show."""

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from authserver.models import AuthorizationServer
from authserver.responses import RETRY_AFTER_SECONDS
from authserver.throttling import throttled_response
from base.limits import Throttled
from operations.outages import database_outage
from tenants.models import Realm

API_PATHS = ("/api/", "/oauth2/", "/.well-known/")
MOST_IDPS = 20
PAGES_AMONG_THEM = ("/oauth2/v1/authorize", "/oauth2/v1/logout")


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is and where everything is."""
    idps = AuthorizationServer.objects.filter(realm=Realm.IDP, tenant__is_active=True)
    first = idps.select_related("tenant").order_by("tenant_id")[:MOST_IDPS]
    return render(request, "landing.html", {"idps": first})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, or 404 for a host that no site answers on."""
    if isinstance(exception, DisallowedHost):
        return not_found(request, exception)
    if database_outage(sys.exception()):  # what Django says of a session that could not be saved
        return server_error(request)
    return _answer(request, 400, "invalid_request", "The request is malformed.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "access_denied", "Access denied.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "not_found", "This address does not exist.")


def refused_unread(request: HttpRequest, status: int, description: str) -> HttpResponse:
    """Refuse a request that is too large or unclear, with a page that needs nothing: this is before the sites."""
    if is_for_programs(request):
        return _json_error(status, "invalid_request", description)
    return HttpResponse(description, status=status, content_type="text/plain")


def too_many(request: HttpRequest, throttled: Throttled) -> HttpResponse:
    """Answer 429 and say when to come back (RFC 6585 section 4)."""
    if is_for_programs(request):
        return throttled_response(throttled)
    response = render(request, "429.html", {"throttled": throttled}, status=429)
    response["Retry-After"] = str(throttled.retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 while the database does not do what it is asked.

    A page here needs nothing that may just have failed: no context, no database.
    """
    status = 503 if database_outage(sys.exception()) else 500
    if not is_for_programs(request):
        response = render(None, f"{status}.html", status=status)
    elif status == 503:
        response = _json_error(503, "temporarily_unavailable", "The server is busy. Try again later.")
    else:
        response = _json_error(500, "server_error", "The server failed. The error has been logged.")
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)  # RFC 9110 section 15.6.4
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or stale; `reason` is for the log, which has it already."""
    return render(request, "403_csrf.html", status=403)


def _answer(request: HttpRequest, status: int, error: str, description: str) -> HttpResponse:
    """Return the error as JSON below the paths that programs call, else as a page."""
    if is_for_programs(request):
        return _json_error(status, error, description)
    return render(request, f"{status}.html", status=status)


def is_for_programs(request: HttpRequest) -> bool:
    """Say whether programs ask for this, though pages of ours may, too: then every answer is JSON."""
    return request.path.startswith(API_PATHS) and request.path not in PAGES_AMONG_THEM


def _json_error(status: int, error: str, description: str) -> HttpResponse:
    body = {"error": error, "error_description": description}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
