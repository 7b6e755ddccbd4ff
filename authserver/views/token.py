"""RFC 6749 section 3.2: the token endpoint of every authorization server. The grants are in other modules."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from oauth2_provider.views.mixins import OAuthLibMixin

from authserver import oauth_audit
from authserver.current_server import server_for
from authserver.responses import form_error, from_oauthlib, method_not_allowed

_SECRET_PARAMETERS = (
    "client_secret",
    "client_assertion",
    "assertion",
    "subject_token",
    "refresh_token",
    "code",
    "code_verifier",
)


class TokenView(OAuthLibMixin, View):
    """POST a grant to get a token. The stock view fails because it looks an ID-JAG up as an access token."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if refusal := form_error(request, needed="grant_type") or _grant_type_error(request):
            return oauth_audit.malformed(request, refusal)
        _, headers, body, status = self.create_token_response(request)
        response = from_oauthlib(body, status)
        if "Retry-After" in headers:
            response["Retry-After"] = headers["Retry-After"]
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return method_not_allowed("POST")


# method_decorator on the class would decorate again for each request.
token = csrf_exempt(sensitive_post_parameters(*_SECRET_PARAMETERS)(TokenView.as_view()))


def _grant_type_error(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal of a grant type that is not offered here (RFC 6749 section 5.2), or None."""
    if request.POST["grant_type"] not in server_for(request).grant_types:
        return from_oauthlib('{"error": "unsupported_grant_type"}', 400)
    return None
