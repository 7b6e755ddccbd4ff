"""RFC 7517 section 5: the key set of the requested authorization server."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from authserver.current_server import server_for
from authserver.views.documents import document


@document
def keys(request: HttpRequest) -> HttpResponse:
    """Publish next, active and retired keys, so that verifiers know a key before it signs and while its tokens live."""
    return JsonResponse({"keys": [key.public_jwk for key in server_for(request).signing_keys.order_by("-created_at")]})
