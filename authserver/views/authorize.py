"""RFC 6749 section 3.1: the authorization endpoint of a server that accepts no authorization requests.

RFC 8414 section 2 does not require it then, but some clients read no metadata without it.
"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authserver import oauth_audit
from authserver.responses import oauth_error


@csrf_exempt
def no_authorization(request: HttpRequest) -> HttpResponse:
    """Refuse without a redirect, because no redirect URI is registered (RFC 6749 section 4.1.2.1)."""
    error, description = "unsupported_response_type", "This authorization server issues tokens for assertions only."
    oauth_audit.authorization_refused(request, error, description)
    return oauth_error(error, description)
