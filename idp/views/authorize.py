"""RFC 6749 section 4.1.1 and OpenID Connect Core section 3.1.2: the authorization endpoint.

There is no consent page, because the tenant's administrator registers the clients.
Left out on purpose: request objects, `claims`.
"""

import re
import time
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.mixins import OAuthLibMixin

from authserver import oauth_audit
from authserver.current_server import server_for
from idp.authentication import answers, auth_time_of

_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.2


@method_decorator(csrf_exempt, name="dispatch")  # a POST only becomes a GET, which any page may link to
class AuthorizeView(OAuthLibMixin, View):
    """Signs a person in to a client: asks for a password only if the session does not satisfy the request."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Redirect to GET: with another site's form the browser sends no session (SameSite=Lax)."""
        if request.content_type != "application/x-www-form-urlencoded":  # OpenID Connect Core section 3.1.2.1
            return self._error_page("invalid_request", "The request must be application/x-www-form-urlencoded.")
        query = request.GET.copy()
        query.update(request.POST)  # adds to the query's parameters
        if twice := _repeated(query):
            return self._error_page("invalid_request", twice)
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}", status=303)  # RFC 9700 section 4.12

    def get(self, request: HttpRequest) -> HttpResponse:
        if twice := _repeated(request.GET):
            return self._error_page("invalid_request", twice)
        try:
            scopes, credentials = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self._refuse(error)
        if unsupported := _unsupported(request):
            answer = {"error": unsupported, "state": credentials.get("state")}
            return self._redirect(credentials["redirect_uri"], answer)
        if self._must_sign_in(request):
            if request.GET.get("prompt") == "none":
                answer = {"error": "login_required", "state": credentials.get("state")}
                return self._redirect(credentials["redirect_uri"], answer)
            return redirect_to_login(request.get_full_path(), "/sign-in")
        return self._grant(request, scopes, credentials)

    def _grant(self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any]) -> HttpResponse:
        if resources := request.GET.getlist("resource"):
            credentials["resource"] = resources
        credentials.pop("ui_locales", None)
        credentials["auth_time"] = auth_time_of(request)
        try:
            uri, _, _, _ = self.create_authorization_response(
                request=request, scopes=" ".join(scopes), credentials=credentials, allow=True
            )
        except OAuthToolkitError as error:
            return self._refuse(error)
        return OAuth2ResponseRedirect(uri, oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES)

    @staticmethod
    def _must_sign_in(request: HttpRequest) -> bool:
        """Say whether a sign-in is needed: no session, another user than hinted, or too old (`max_age`)."""
        user, just_signed_in = request.user, answers(request)
        hint = request.GET.get("login_hint", "").strip().lower()
        if not user.is_authenticated or (hint and hint != user.email.lower()):
            return True
        if just_signed_in:
            return False
        if "login" in request.GET.get("prompt", "").split():
            return True
        max_age = request.GET.get("max_age", "")
        return max_age.isdecimal() and time.time() - auth_time_of(request) > int(max_age[:9])

    def _refuse(self, error: OAuthToolkitError) -> HttpResponse:
        """Send the error to the client, or show it if there is no registered redirect URI (section 4.1.2.1)."""
        oauth_error = error.oauthlib_error
        if isinstance(error, FatalClientError) or not oauth_error.redirect_uri:
            return self._error_page(oauth_error.error, oauth_error.description or "")
        answer = {"error": oauth_error.error, "error_description": oauth_error.description, "state": oauth_error.state}
        return self._redirect(oauth_error.redirect_uri, answer)

    def _redirect(self, redirect_uri: str, answer: dict[str, str | None]) -> HttpResponse:
        """Redirect with the error in `answer` and the issuer (RFC 9207 section 2)."""
        oauth_audit.authorization_refused(self.request, answer["error"] or "", answer.get("error_description"))
        parameters = {name: value for name, value in answer.items() if value}
        parameters["iss"] = server_for(self.request).issuer
        separator = "&" if "?" in redirect_uri else "?"
        return OAuth2ResponseRedirect(
            redirect_uri + separator + urlencode(parameters), oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES
        )

    def _error_page(self, error: str, description: str) -> HttpResponse:
        oauth_audit.authorization_refused(self.request, error, description)
        return render(self.request, "idp/error.html", {"error": error, "description": description}, status=400)


def _repeated(parameters: QueryDict) -> str:
    """Return the description for a repeated parameter (RFC 6749 section 3.1), or ""."""
    repeated = (name for name, values in parameters.lists() if len(values) > 1 and name != "resource")
    return next((f"The parameter {name[:50]} is repeated." for name in repeated), "")


def _unsupported(request: HttpRequest) -> str | None:
    """Return the error for a request that is not supported (OpenID Connect Core section 6, RFC 8707), or None."""
    if "request" in request.GET:
        return "request_not_supported"
    if "request_uri" in request.GET:
        return "request_uri_not_supported"
    if request.GET.get("response_mode", "query") != "query":  # OAuth 2.0 Multiple Response Types section 2.1
        return "invalid_request"
    if set(request.GET.getlist("resource")) - {server_for(request).resource}:
        return "invalid_target"
    if not _CODE_CHALLENGE.fullmatch(request.GET.get("code_challenge", "")) or len(request.GET.get("nonce", "")) > 255:
        return "invalid_request"
    max_age = request.GET.get("max_age", "0")
    return None if max_age.isdecimal() else "invalid_request"
