"""RFC 6749 section 3.1, of an authorization server that takes no authorization requests.

RFC 8414 section 2 would do without the endpoint then, but clients in the field read no metadata without it.
"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authserver import oauth_audit
from authserver.responses import oauth_error


@csrf_exempt
def no_authorization(request: HttpRequest) -> HttpResponse:
    """Refuse on the spot: nobody is redirected to an address that nobody registered (RFC 6749 section 4.1.2.1)."""
    error, description = "unsupported_response_type", "This authorization server issues tokens for assertions only."
    oauth_audit.authorization_refused(request, error, description)
    return oauth_error(error, description)
