"""RFC 6749 section 4.1.1 and OpenID Connect Core section 3.1.2: the authorization endpoint.

A consent page is shown only if the client asks for it, because the tenant's administrator registers the clients.
Left out on purpose: request objects. The parameter `claims` is ignored (section 5.5).
"""

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.mixins import OAuthLibMixin

from authserver import oauth_audit
from authserver.current_server import server_for
from authserver.models import Client
from idp.authentication import auth_time_of
from idp.errors import InvalidGrant
from idp.interactions import Step, forget_steps, next_step, steps_taken
from idp.subject_tokens import verify_own_id_token

_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.2
_DESCRIPTIONS = {  # of errors that oauthlib does not describe
    "invalid_scope": "A scope is malformed or not allowed for this client.",
    "login_required": "The person is not signed in.",
    "unauthorized_client": "This client may not use this grant.",
    "unsupported_response_type": "response_type must be code.",
}


class NotGranted(Exception):
    """The request is answered with an error at the redirect URI (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@method_decorator([csrf_exempt, never_cache], name="dispatch")  # a POST becomes a GET, which any page may link to
class AuthorizeView(OAuthLibMixin, View):
    """Signs a person in to a client: asks for a step only if the session does not satisfy the request."""

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
        try:
            _check_supported(request)
            step = _needed_step(request)
        except NotGranted as refused:
            answer = {"error": refused.error, "error_description": refused.description}
            return self._redirect(credentials["redirect_uri"], answer | {"state": credentials.get("state")})
        return self._ask(request, step, scopes) if step else self._grant(request, scopes, credentials)

    def _ask(self, request: HttpRequest, step: Step, scopes: list[str]) -> HttpResponse:
        """Return the page on which the person takes `step`."""
        if step is Step.PASSWORD:
            return redirect_to_login(request.get_full_path(), "/sign-in")
        client = Client.objects.filter(server=server_for(request), client_id=request.GET["client_id"]).first()
        context = {"next": request.get_full_path(), "client": client, "scopes": scopes}
        return render(request, "idp/consent.html" if step is Step.CONSENT else "idp/choose_account.html", context)

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
        forget_steps(request)
        return OAuth2ResponseRedirect(uri, oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES)

    def _refuse(self, error: OAuthToolkitError) -> HttpResponse:
        """Send the error to the client, or show it if there is no registered redirect URI (section 4.1.2.1)."""
        oauth_error = error.oauthlib_error
        if isinstance(error, FatalClientError) or not oauth_error.redirect_uri:
            return self._error_page(oauth_error.error, oauth_error.description or "")
        description = oauth_error.description or _DESCRIPTIONS.get(oauth_error.error, "")
        answer = {"error": oauth_error.error, "error_description": description, "state": oauth_error.state}
        return self._redirect(oauth_error.redirect_uri, answer)

    def _redirect(self, redirect_uri: str, answer: dict[str, str | None]) -> HttpResponse:
        """Redirect with the error in `answer` and the issuer (RFC 9207 section 2)."""
        oauth_audit.authorization_refused(self.request, answer["error"] or "", answer.get("error_description"))
        forget_steps(self.request)
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


def _check_supported(request: HttpRequest) -> None:
    """Refuse what is not supported (OpenID Connect Core section 6, RFC 8707 section 2); raises NotGranted."""
    server = server_for(request)
    if "request" in request.GET:
        raise NotGranted("request_not_supported", "Request objects are not supported.")
    if "request_uri" in request.GET:
        raise NotGranted("request_uri_not_supported", "The parameter request_uri is not supported.")
    if request.GET.get("response_mode", "query") != "query":  # OAuth 2.0 Multiple Response Types section 2.1
        raise NotGranted("invalid_request", "response_mode must be query.")
    if set(request.GET.getlist("resource")) - {server.resource}:
        raise NotGranted("invalid_target", f"This server issues tokens for {server.resource} only.")
    if not _CODE_CHALLENGE.fullmatch(request.GET.get("code_challenge", "")):
        raise NotGranted("invalid_request", "code_challenge must have 43 to 128 unreserved characters.")
    if len(request.GET.get("nonce", "")) > 255:
        raise NotGranted("invalid_request", "nonce must have 255 characters at most.")
    if not request.GET.get("max_age", "0").isdecimal():
        raise NotGranted("invalid_request", "max_age must be a whole number of seconds.")


def _needed_step(request: HttpRequest) -> Step | None:
    """Return the step that the person has to take, or None; raises NotGranted if no step would help."""
    taken = steps_taken(request)
    if Step.REFUSAL in taken:
        raise NotGranted("access_denied", "The person refused.")
    step = next_step(request, hinted_sub=_hinted_sub(request))
    if step and "none" in request.GET.get("prompt", "").split():
        raise NotGranted("login_required", "The person must sign in, and prompt is none.")
    if step is Step.PASSWORD and Step.PASSWORD in taken:  # OpenID Connect Core section 3.1.2.1
        raise NotGranted("login_required", "The person who signed in is not the one of id_token_hint.")
    return step


def _hinted_sub(request: HttpRequest) -> str:
    """Return the subject of `id_token_hint`, which may have expired, or "" without a hint that can be verified.

    Raises NotGranted for one that cannot, if no page may be shown.
    """
    hint = request.GET.get("id_token_hint", "")
    if not hint:
        return ""
    try:
        return str(verify_own_id_token(hint, server=server_for(request), verify_exp=False)["sub"])
    except InvalidGrant as error:
        if "none" in request.GET.get("prompt", "").split():
            raise NotGranted("login_required", "id_token_hint is not an ID token of this server.") from error
        return ""
