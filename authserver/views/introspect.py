"""RFC 7662: token introspection. For an unauthorised client every token is inactive.

Only access tokens are active here. Two clients may introspect one: the client it was issued to, and its resource
server, a client registered with that `resource`. A resource server bound to a tenant sees that tenant's people only.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from audit.models import Act
from authserver import oauth_audit
from authserver.access_tokens import subject_at
from authserver.bearer import BearerError, scopes_of, usable_access_token
from authserver.current_server import server_for
from authserver.models import AuthorizationServer, Client
from authserver.responses import form_error, from_oauthlib, method_not_allowed, oauth_response


@method_decorator(
    [csrf_exempt, sensitive_post_parameters("token", "client_secret", "client_assertion")], name="dispatch"
)
class IntrospectView(OAuthLibMixin, View):
    """POST a token to get its state and claims."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if refusal := form_error(request, needed="token"):
            return oauth_audit.malformed(request, refusal, Act.INTROSPECTION)
        try:
            client = self.get_oauthlib_core().client_of(request)
        except OAuth2Error as error:
            oauth_audit.introspection_refused(request, error)
            return from_oauthlib(error.json, error.status_code)
        return oauth_response(introspection(request.POST["token"], server=server_for(request), client=client))

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return method_not_allowed("POST")


def introspection(token: str, *, server: AuthorizationServer, client: Client) -> dict[str, Any]:
    """Return the introspection response of `server` for `client` and `token` (RFC 7662 section 2.2)."""
    try:
        row = usable_access_token(token, server)
    except BearerError:
        return {"active": False}
    if not _may_know(client, row):
        oauth_audit.introspection_denied(client, row)
        return {"active": False}
    return {
        "active": True,
        "scope": " ".join(scopes_of(row)),
        "client_id": row.application.client_id,
        "token_type": "Bearer",
        "exp": int(row.expires.timestamp()),
        "iat": int(row.created.timestamp()),
        "sub": subject_at(server, row.user),
        "aud": server.resource,
        "iss": server.issuer,
    }


def _may_know(client: Client, row: Any) -> bool:
    if client.pk == row.application_id:
        return True
    return [client.resource] == row.resource and client.tenant_id in (None, row.user.tenant_id)
