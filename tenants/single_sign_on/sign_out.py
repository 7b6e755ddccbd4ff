"""The sign-out pages of an app (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import View

from crossapp.core.urls import with_query
from crossapp.requesting_app.flow import forget_tokens
from tenants import subject_tokens
from tenants.models import IdPConnection
from tenants.sessions import end_session
from tenants.single_sign_on.provider import end_session_endpoint


class SignOutView(View):
    """Ends the session at this app and its access to other apps for the person; the IdP's session stays."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            end_session(request)
            forget_tokens(user)
            subject_tokens.end(user)
            connections = IdPConnection.objects.filter(tenant=user.tenant, app=user.realm, enabled=True)
            if connection := connections.values_list("pk", flat=True).first():
                request.session["sign_out"] = {"connection": connection, "state": get_random_string(32)}
        return HttpResponseRedirect(reverse("signed_out"))


@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """Show the page, and offer to end the IdP's session too, unless the browser comes from there."""
    sign_out = request.session.get("sign_out", {})
    if sign_out and request.GET.get("state") == sign_out["state"]:
        del request.session["sign_out"]
        sign_out = {}
    return render(request, "sign_in/signed_out.html", {"idp_sign_out_url": idp_sign_out_url(request, **sign_out)})


def idp_sign_out_url(request: HttpRequest, connection: int = 0, state: str = "") -> str:
    """Return the URL for a sign-out at the IdP (OpenID Connect RP-Initiated Logout 1.0 section 2), or "".

    Without `id_token_hint`, because an ID token must not be in a URL.
    """
    connections = IdPConnection.objects.defer("client_secret").filter(app=request.site.realm, enabled=True)
    found = connections.filter(pk=connection).first()
    endpoint = end_session_endpoint(found) if found else ""
    if not found or not endpoint:
        return ""
    back = f"{request.site.origin}{reverse('signed_out')}"
    query = urlencode({"client_id": found.client_id, "post_logout_redirect_uri": back, "state": state})
    return with_query(endpoint, query)
