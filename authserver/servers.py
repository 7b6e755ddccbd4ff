"""Which authorization server answers a request: the one whose issuer is the origin that was asked."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from authserver.models import AuthorizationServer


def server_for(request: HttpRequest) -> AuthorizationServer:
    """Return the authorization server of the site that answers; the row is read once per request.

    Raises Http404 where there is none: on the operator's site, and for a tenant with an IdP of its own.
    """
    server: AuthorizationServer | None = getattr(request, "_authorization_server", None)
    if server is None:
        server = get_object_or_404(AuthorizationServer.objects.select_related("tenant"), issuer=request.site.origin)
        request._authorization_server = server
    return server
