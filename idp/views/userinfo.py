"""OpenID Connect Core section 5.3: the userinfo endpoint."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from authserver.bearer import BearerError, bearer_error_response, caller_by_token
from authserver.responses import method_not_allowed
from authserver.validator import Validator
from idp.validator import claims_of


@csrf_exempt
def userinfo(request: HttpRequest) -> HttpResponse:
    """Return the claims that the scopes of the access token release."""
    if request.method not in ("GET", "HEAD", "POST"):
        return method_not_allowed("GET, HEAD, POST")
    try:
        if "Authorization" not in request.headers:
            raise BearerError(401, "", "Authentication is required: a bearer token.")
        caller = caller_by_token(request)
        if "openid" not in caller.scopes:
            raise BearerError(403, "insufficient_scope", "This call needs the scope openid.")
    except BearerError as error:
        return bearer_error_response(request, error)
    scope_of = Validator.oidc_claim_scope
    claims = {name: value for name, value in claims_of(caller.user).items() if scope_of[name] in caller.scopes}
    return JsonResponse(claims, headers={"Cache-Control": "no-store"})
