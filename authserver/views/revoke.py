"""RFC 7009: token revocation. A client revokes its own tokens; for others the answer is the same without effect."""

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View
from oauth2_provider.views.mixins import OAuthLibMixin

from audit.models import Act
from authserver import oauth_audit
from authserver.responses import form_error, from_oauthlib, method_not_allowed


@method_decorator(
    [csrf_exempt, sensitive_post_parameters("token", "client_secret", "client_assertion")], name="dispatch"
)
class RevokeView(OAuthLibMixin, View):
    """POST a token to revoke it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if refusal := form_error(request, needed="token"):
            return oauth_audit.malformed(request, refusal, Act.REVOCATION)
        _, _, body, status = self.create_revocation_response(request)
        return from_oauthlib(body, status)

    def http_method_not_allowed(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return method_not_allowed("POST")
