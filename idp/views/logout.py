"""OpenID Connect RP-Initiated Logout 1.0: ends the IdP's session on request of an app."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import View

from authserver.current_server import server_for
from authserver.models import Client
from base.onward import onward
from idp.errors import InvalidGrant
from idp.grant_revocation import end_grants_of
from idp.subject_tokens import verify_own_id_token
from tenants.sessions import end_session

_PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


@method_decorator(never_cache, name="dispatch")
class LogoutView(View):
    """Always asks the person first (section 2), so a link on another site cannot cause a sign-out.

    A sign-out here revokes the person's grants for every app: see `idp.grant_revocation`.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._handle(request, request.GET.dict(), confirmed=False)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._handle(request, request.POST.dict(), confirmed=True)

    def _handle(self, request: HttpRequest, sent: dict[str, str], *, confirmed: bool) -> HttpResponse:
        parameters = {name: sent[name] for name in _PARAMETERS if sent.get(name)}
        back = self._way_back(request, parameters)
        if back is None and "post_logout_redirect_uri" in parameters:
            context = {"error": "invalid_request", "description": "post_logout_redirect_uri is not registered."}
            return render(request, "idp/error.html", context, status=400)
        if request.user.is_authenticated and not confirmed:
            parameters.pop("id_token_hint", None)  # used above; the page must not contain a token
            return render(request, "idp/sign_out.html", {"parameters": parameters, "tenant": request.tenant})
        if request.user.is_authenticated:
            end_grants_of(request.user)
            end_session(request)
        if back is None:
            return redirect("signed_out")
        return onward(request, back)

    def _way_back(self, request: HttpRequest, parameters: dict[str, str]) -> str | None:
        """Return the post-logout redirect URI, if the named client has registered it byte for byte (section 3)."""
        client = self._client(request, parameters)
        uri = parameters.get("post_logout_redirect_uri", "")
        if client is None or uri not in client.post_logout_redirect_uris.split():
            return None
        state = {"state": parameters["state"]} if "state" in parameters else {}
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode(state)}" if state else uri

    @staticmethod
    def _client(request: HttpRequest, parameters: dict[str, str]) -> Client | None:
        """Return the client of `client_id` or of the hint's audience; if both are given, they must agree."""
        server = server_for(request)
        named: set[Any] = {parameters["client_id"]} if "client_id" in parameters else set()
        if "id_token_hint" in parameters:
            try:
                named.add(str(verify_own_id_token(parameters["id_token_hint"], server=server, verify_exp=False)["aud"]))
            except InvalidGrant:
                return None
        if len(named) != 1:
            return None
        return Client.objects.filter(server=server, client_id=named.pop(), is_active=True).first()


@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """The page after a sign-out without a redirect."""
    return render(request, "idp/signed_out.html", {"tenant": request.tenant})
