"""The landing page of the bare host, and the answers of every site when there is no page to show."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from authserver.models import AuthorizationServer
from authserver.throttling import throttled_response
from tenants.models import Realm
from tenants.throttling import Throttled

API_PATHS = ("/api/", "/oauth2/", "/.well-known/")


def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is and where everything is."""
    idps = AuthorizationServer.objects.filter(realm=Realm.IDP, tenant__is_active=True)
    return render(request, "landing.html", {"idps": idps.select_related("tenant").order_by("tenant__slug")})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, or 404 for a host that no site answers on."""
    if isinstance(exception, DisallowedHost):
        return not_found(request, exception)
    return _answer(request, 400, "invalid_request", "The request could not be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "access_denied", "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is nothing at this address.")


def too_large(request: HttpRequest) -> HttpResponse:
    """Answer 413 with a page that needs nothing: this is before the sites."""
    description = "The body is too large."
    if request.path.startswith(API_PATHS):
        body = {"error": "invalid_request", "error_description": description}
        return JsonResponse(body, status=413, headers={"Cache-Control": "no-store"})
    return HttpResponse(description, status=413, content_type="text/plain")


def too_many(request: HttpRequest, throttled: Throttled) -> HttpResponse:
    """Answer 429 and say when to come back (RFC 6585 section 4)."""
    if request.path.startswith(API_PATHS):
        return throttled_response(throttled)
    response = render(request, "429.html", {"throttled": throttled}, status=429)
    response["Retry-After"] = str(throttled.retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 with a page that needs nothing that may just have failed: no context, no database."""
    return render(None, "500.html", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or stale; `reason` is for the log, which has it already."""
    return render(request, "403_csrf.html", status=403)


def _answer(request: HttpRequest, status: int, error: str, description: str) -> HttpResponse:
    """Return the error as JSON below the paths that programs call, else as a page."""
    if request.path.startswith(API_PATHS):
        body = {"error": error, "error_description": description}
        return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
    return render(request, f"{status}.html", status=status)
