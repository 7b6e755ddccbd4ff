"""The sign-in pages of an app: the form for the work email, and the callback from the IdP."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from base.limits import EMAIL_STEP, neighbourhood
from base.onward import onward
from crossapp.fields import Undecryptable
from crossapp.requesting_app.flow import forget_tokens
from tenants import subject_tokens
from tenants.home_realm import connection_for
from tenants.models import IdPConnection
from tenants.sessions import begin_session
from tenants.signals import sign_in_refused, signed_in
from tenants.single_sign_on import attempts, step_up
from tenants.single_sign_on.authentication import SignIn, SingleSignOnBackend, sign_in
from tenants.single_sign_on.authorization_request import authorization_url, scope_to_ask_for
from tenants.single_sign_on.errors import Reason, SignInRefused
from tenants.single_sign_on.forms import EmailForm, own_path
from tenants.single_sign_on.provider import metadata_of

BACKEND = f"{SingleSignOnBackend.__module__}.{SingleSignOnBackend.__qualname__}"


class FailurePage(View):
    """Shows one page for every failed sign-in, and sends `sign_in_refused`."""

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
        sign_in_refused.send_robust(type(self), refused=refused, connection=self.connection)
        return render(self.request, "sign_in/failed.html", {"reason": refused.sentence}, status=refused.status)


class SignInView(FailurePage):
    """GET asks for the work email, POST sends the browser to the IdP of that email's tenant."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        email = request.user.email if request.user.is_authenticated else ""
        return self._page(EmailForm(initial={"email": email}), request.GET.get("next", ""))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        EMAIL_STEP.count(request.site.realm, neighbourhood(request.client_address))
        form, next_path = EmailForm(request.POST), request.POST.get("next", "")
        if not form.is_valid():
            return self._page(form, next_path, status=400)
        email = form.cleaned_data["email"]
        self.connection = connection_for(email, request.site.realm)
        if self.connection is None:
            refused = SignInRefused(Reason.UNKNOWN_ADDRESS, detail="no connected tenant has this address")
            sign_in_refused.send_robust(SignInView, refused=refused, connection=None, email=email)
            form.add_error("email", refused.sentence)
            return self._page(form, next_path)
        return self._redirect(self.connection, email, own_path(next_path))

    def _redirect(self, connection: IdPConnection, email: str, next_path: str) -> HttpResponse:
        """Send the browser to the IdP."""
        metadata = metadata_of(connection)
        wanted = step_up.take_up(self.request, connection)
        attempt = attempts.Attempt(connection=connection, next=next_path, wanted=wanted)
        address = authorization_url(attempt, metadata, redirect_uri=callback_uri(self.request), login_hint=email)
        response = onward(self.request, address)
        attempts.remember(self.request, response, attempt)
        return response

    def _page(self, form: EmailForm, next_path: str, status: int = 200) -> HttpResponseBase:
        context = {"form": form, "next": own_path(next_path)}
        return render(self.request, "sign_in/email.html", context, status=status)


class CallbackView(FailurePage):
    """Handles the IdP's answer: signs the person in, or shows the error."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            request.sign_in = attempt = attempts.take(request)
        except attempts.AnsweredBefore as before:
            if request.user.is_authenticated:
                return HttpResponseRedirect(before.next)
            raise
        self.connection = attempt.connection
        metadata = metadata_of(attempt.connection)
        scope = scope_to_ask_for(attempt.connection.scope, metadata)
        code = attempts.read_code(request, metadata, asked_scope=scope)
        signed = sign_in(attempt, metadata, code=code, redirect_uri=callback_uri(request))
        self._start_session(attempt.connection, signed)
        return HttpResponseRedirect(attempt.next)

    def _start_session(self, connection: IdPConnection, signed: SignIn) -> None:
        begin_session(self.request, signed.user, backend=BACKEND)
        forget_tokens(signed.user)
        subject_tokens.keep(
            user=signed.user,
            connection=connection,
            id_token=signed.id_token,
            refresh_token=signed.refresh_token,
        )
        signed_in.send_robust(CallbackView, user=signed.user, id_token_claims=dict(signed.id_token.claims))


def callback_uri(request: HttpRequest) -> str:
    """Return the redirect URI of the site that `request` is for."""
    return f"{request.site.origin}{reverse('sign_in_callback')}"
