"""The sign-in pages of an app: which work email, and back from the IdP."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from base.limits import EMAIL_STEP, neighbourhood
from crossapp.core.urls import with_query
from crossapp.fields import Undecryptable
from crossapp.requesting_app.flow import forget_tokens
from tenants import subject_tokens
from tenants.home_realm import connection_for
from tenants.models import IdPConnection
from tenants.signals import sign_in_refused, signed_in
from tenants.single_sign_on import attempts, step_up
from tenants.single_sign_on.errors import Reason, SignInRefused
from tenants.single_sign_on.forms import EmailForm, own_path
from tenants.single_sign_on.provider import metadata_of

SCOPE = "openid profile email offline_access"


class FailurePage(View):
    """Ends every failure to sign in on one page, and tells whoever keeps a record."""

    connection: IdPConnection | None = None

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Undecryptable as error:
            return self._failed(SignInRefused(Reason.NOT_CONFIGURED, detail=str(error), status=502))
        except SignInRefused as refused:
            return self._failed(refused)

    def _failed(self, refused: SignInRefused) -> HttpResponse:
        attempts.forget(self.request)
        sign_in_refused.send_robust(type(self), refused=refused, connection=self.connection)
        return render(self.request, "sign_in/failed.html", {"reason": refused.sentence}, status=refused.status)


class SignInView(FailurePage, OIDCAuthenticationRequestView):
    """GET asks for the work email, POST sends the browser to the IdP of that email's tenant."""

    http_method_names = ["get", "head", "post"]

    def __init__(self, **kwargs: Any) -> None:
        View.__init__(self, **kwargs)  # the superclass reads the settings of the one IdP it knows

    def get_settings(self, attr: str, *args: Any) -> Any:
        """Return mozilla-django-oidc's own defaults, but for these."""
        return {"OIDC_USE_PKCE": True, "OIDC_RP_SCOPES": SCOPE}.get(attr, *args)

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        callback = reverse("oidc_authentication_callback")
        return {**self.wanted, "login_hint": self.email, "redirect_uri": f"{request.site.origin}{callback}"}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        email = request.user.email if request.user.is_authenticated else ""
        return self._page(EmailForm(initial={"email": email}), request.GET.get("next", ""))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        EMAIL_STEP.count(request.site.realm, neighbourhood(request.client_address))
        form, next_path = EmailForm(request.POST), request.POST.get("next", "")
        if not form.is_valid():
            return self._page(form, next_path, status=400)
        self.email = form.cleaned_data["email"]
        self.connection = connection_for(self.email, request.site.realm)
        if self.connection is None:
            refused = SignInRefused(Reason.UNKNOWN_ADDRESS, detail="no connected tenant has this address")
            sign_in_refused.send_robust(SignInView, refused=refused, connection=None, email=self.email)
            form.add_error("email", refused.sentence)
            return self._page(form, next_path)
        return self._redirect(self.connection, own_path(next_path))

    def _redirect(self, connection: IdPConnection, next_path: str) -> HttpResponse:
        """Send the browser to the IdP (OpenID Connect Core 1.0 section 3.1.2.1)."""
        self.OIDC_RP_CLIENT_ID = connection.client_id
        self.OIDC_OP_AUTH_ENDPOINT = ""  # the superclass would put a second "?" behind one that has a query
        endpoint = metadata_of(connection).authorization_endpoint
        self.wanted = step_up.take_up(self.request, connection)
        parameters = urlsplit(super().get(self.request).url).query
        del self.request.session["oidc_login_next"]  # two sign-ins in one browser would share it
        (state,) = parse_qs(parameters)["state"]
        attempt = attempts.Attempt(connection=connection, next=next_path, wanted=self.wanted)
        attempts.remember(self.request, state=state, attempt=attempt)
        return HttpResponseRedirect(with_query(endpoint, parameters))

    def _page(self, form: EmailForm, next_path: str, status: int = 200) -> HttpResponseBase:
        context = {"form": form, "next": own_path(next_path)}
        page = render(self.request, "sign_in/email.html", context, status=status)
        # Chrome applies form-action to where the answer of the form redirects to.
        return csp_update({"form-action": idp_sources()})(lambda request: page)(self.request)


class CallbackView(FailurePage, OIDCAuthenticationCallbackView):
    """The IdP's answer: signs its person in, or says why not."""

    def get(self, request: HttpRequest) -> HttpResponse:
        attempt = attempts.recall(request)
        self.connection = attempt.connection
        request.sign_in = attempts.read_answer(request, attempt)
        return super().get(request)

    def login_success(self) -> HttpResponse:
        """Start the session: a new one for another person than before, else at least a new key."""
        request, sign_in = self.request, self.request.sign_in
        auth.login(request, self.user)
        request.session.cycle_key()
        forget_tokens(self.user)
        subject_tokens.keep(
            user=self.user,
            connection=sign_in.connection,
            id_token=sign_in.id_token,
            refresh_token=sign_in.refresh_token,
        )
        signed_in.send_robust(CallbackView, user=self.user, id_token_claims=dict(sign_in.id_token.claims))
        return HttpResponseRedirect(sign_in.next)

    def login_failure(self) -> HttpResponse:
        raise SignInRefused(Reason.NO_ACCESS, detail="no backend knows this person")


def idp_sources() -> list[str]:
    """Return where IdPs may be, as sources of a Content-Security-Policy."""
    if not settings.DEMO:
        return ["https:"]
    embedded = [settings.ORIGINS["idp"].replace("{tenant}", "*"), *settings.IDP_ORIGINS.values()]
    return ["https:", *embedded, "http://localhost:*", "http://*.localhost:*"]
