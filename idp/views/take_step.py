"""Takes the form of the pages for the account and for consent (OpenID Connect Core section 3.1.2.1, `prompt`)."""

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from base.onward import onward
from idp.interactions import Step, remember_step
from idp.views.sign_in import own_path

_BY_BUTTON = {"continue": Step.ACCOUNT, "allow": Step.CONSENT, "refuse": Step.REFUSAL}


@method_decorator(never_cache, name="dispatch")
class TakeStepView(View):
    """Stores what the person decided, then goes on to the authorization request, which reads it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        path, step = own_path(request, request.POST.get("next", "")), _BY_BUTTON.get(request.POST.get("button", ""))
        if step and request.user.is_authenticated:
            remember_step(request, step, path=path)
        return onward(request, path)
