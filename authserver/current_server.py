"""Finds the authorization server of a request, and the user signed in there.

It is the server whose issuer is the origin that was asked. oauthlib makes a request of its own of Django's, and hands
nothing on but the headers: `headers_for` puts both in, `server_of` and `signed_in_user_of` read them. A peer cannot set
either, because its own headers arrive there as `HTTP_…`.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest

from authserver.models import AuthorizationServer
from base.recent_rows import recent
from tenants.models import Tenant, User

_SERVER, _USER = "X_SERVER", "X_USER"


def server_for(request: HttpRequest) -> AuthorizationServer:
    """Return the authorization server of the current site.

    Raises Http404 on the operator's site, and for a tenant without an embedded IdP.
    """
    server = _server(request.site.origin)
    if server is None:
        raise Http404("This site has no authorization server.")
    return server


def headers_for(request: HttpRequest) -> dict[str, Any]:
    """Return the headers from which `server_of` and `signed_in_user_of` read; raises Http404 as `server_for`."""
    return {_SERVER: server_for(request), _USER: request.user}


def server_of(request: Any) -> AuthorizationServer:
    """Return the authorization server that handles the (oauthlib) `request`."""
    server: AuthorizationServer = request.headers[_SERVER]
    return server


def signed_in_user_of(request: Any) -> User | AnonymousUser:
    """Return who is signed in at the site that handles the (oauthlib) `request`."""
    user: User | AnonymousUser = request.headers[_USER]
    return user


@recent(AuthorizationServer, Tenant)
def _server(issuer: str) -> AuthorizationServer | None:
    return AuthorizationServer.objects.select_related("tenant").filter(issuer=issuer).first()
