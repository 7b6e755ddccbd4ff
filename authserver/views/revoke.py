"""RFC 7009: token revocation. A client ends its own tokens; for any other it is told the same and nothing happens."""

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from oauth2_provider.views.mixins import OAuthLibMixin

from authserver.responses import form_error, from_oauthlib, oauth_error


@method_decorator(
    [csrf_exempt, sensitive_post_parameters("token", "client_secret", "client_assertion")], name="dispatch"
)
class RevokeView(OAuthLibMixin, View):
    """POST a token to end it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if refusal := form_error(request):
            return refusal
        if not request.POST.get("token"):
            return oauth_error("invalid_request", "The parameter token is missing.")
        _, _, body, status = self.create_revocation_response(request)
        return from_oauthlib(body, status)

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = oauth_error("invalid_request", "The revocation endpoint takes POST only.", status=405)
        response["Allow"] = "POST"
        return response
