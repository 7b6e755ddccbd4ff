"""RFC 7517 section 5: the key set of the authorization server that is asked, and of no other."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from authserver.current_server import server_for
from authserver.views.documents import document


@document
def keys(request: HttpRequest) -> HttpResponse:
    """Publish next, active and retired keys: a verifier knows a key before it signs, and as long as tokens live."""
    return JsonResponse({"keys": [key.public_jwk for key in server_for(request).signing_keys.order_by("-created_at")]})
