"""The directory's sign-in page."""

from urllib.parse import parse_qs, urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from authserver.current_server import server_for
from authserver.models import Client
from base.emails import EmailAddressFormField
from base.limits import Throttled
from base.onward import onward
from idp.interactions import Step, remember_step
from tenants.models import Realm, User
from tenants.sessions import begin_session

MOST_DEMO_ACCOUNTS = 20


class SignInForm(forms.Form):
    """Email and password."""

    email = EmailAddressFormField(label="Email", widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignInView(View):
    """Asks for email and password, then redirects to `next`, which is a path of this site."""

    def get(self, request: HttpRequest) -> HttpResponse:
        next_path = own_path(request, request.GET.get("next", ""))
        return self._page(request, SignInForm(initial={"email": _parameter(next_path, "login_hint")}), next_path)

    def post(self, request: HttpRequest) -> HttpResponse:
        next_path = own_path(request, request.POST.get("next", ""))
        form = SignInForm(request.POST)
        if form.is_valid():
            try:
                user = authenticate(request, **form.cleaned_data)
            except Throttled as throttled:
                return self._throttled(form, next_path, throttled)
            if user is not None:
                begin_session(request, user)
                remember_step(request, Step.PASSWORD, path=next_path)
                return onward(request, next_path)
            form.add_error(None, "Wrong email or password.")
        return self._page(request, form, next_path, status=400)

    def _throttled(self, form: SignInForm, next_path: str, throttled: Throttled) -> HttpResponse:
        form.add_error(None, str(throttled))
        response = self._page(self.request, form, next_path, status=429)
        response["Retry-After"] = str(throttled.retry_after)
        return response

    def _page(self, request: HttpRequest, form: SignInForm, next_path: str, status: int = 200) -> HttpResponse:
        client = Client.objects.filter(server=server_for(request), client_id=_parameter(next_path, "client_id")).first()
        context = {
            "form": form,
            "next": next_path,
            "client_name": client.name if client else "",
            "demo_accounts": _demo_accounts(request) if settings.DEMO else [],
        }
        return render(request, "idp/sign_in.html", context, status=status)


def _demo_accounts(request: HttpRequest) -> list[dict[str, str]]:
    people = User.objects.filter(realm=Realm.IDP, tenant=request.tenant, is_active=True).order_by("address")
    return [{"name": person.display_name, "email": person.email} for person in people[:MOST_DEMO_ACCOUNTS]]


def own_path(request: HttpRequest, next_path: str) -> str:
    """Return `next_path` if it is a path of this site, otherwise the home page."""
    safe = next_path.startswith("/") and url_has_allowed_host_and_scheme(next_path, allowed_hosts=None)
    return next_path if safe else "/"


def _parameter(path: str, name: str) -> str:
    """Return the query parameter `name` of `path`, or ""."""
    return parse_qs(urlsplit(path).query).get(name, [""])[0]
