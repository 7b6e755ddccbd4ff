"""Which authorization server answers a request: the one whose issuer is the origin that was asked."""

from django.http import Http404, HttpRequest

from authserver.models import AuthorizationServer
from base.recent_rows import recent
from tenants.models import Tenant


def server_for(request: HttpRequest) -> AuthorizationServer:
    """Return the authorization server of the site that answers.

    Raises Http404 where there is none: on the operator's site, and for a tenant with an IdP of its own.
    """
    server = _server(request.site.origin)
    if server is None:
        raise Http404("There is no authorization server here.")
    return server


@recent(AuthorizationServer, Tenant)
def _server(issuer: str) -> AuthorizationServer | None:
    return AuthorizationServer.objects.select_related("tenant").filter(issuer=issuer).first()
