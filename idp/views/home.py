"""The embedded IdP's front page: whose it is, and what it allows."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from authserver.servers import server_for


def home(request: HttpRequest) -> HttpResponse:
    """Show the tenant, its metadata and its cross-app policies in words."""
    server = server_for(request)
    policies = server.cross_app_policies.filter(enabled=True).select_related("client")
    policies = policies.prefetch_related("users", "groups").order_by("pk")
    return render(request, "idp/home.html", {"tenant": request.tenant, "server": server, "policies": policies})
