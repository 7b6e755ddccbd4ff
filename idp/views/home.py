"""The embedded IdP's front page: its tenant, and the policies for a signed-in person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from authserver.current_server import server_for


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the tenant and its metadata, and its cross-app policies to a signed-in person."""
    server = server_for(request)
    if not request.user.is_authenticated:
        return render(request, "idp/home.html", {"tenant": request.tenant, "server": server})
    policies = server.cross_app_policies.filter(enabled=True).select_related("client")
    policies = policies.prefetch_related("users", "groups").order_by("pk")
    return render(request, "idp/home.html", {"tenant": request.tenant, "server": server, "policies": policies})
