"""The authorization servers in the admin: clients can be created and disabled, tokens are never shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model, get_grant_model, get_id_token_model, get_refresh_token_model

from authserver.models import AuthorizationServer, Client, SigningKey
from base.addresses import idp_origin
from crossapp.core.client_authentication import AuthMethod
from tenants.models import Realm, Tenant

for model in (
    Client,
    get_access_token_model(),
    get_grant_model(),
    get_id_token_model(),
    get_refresh_token_model(),
):
    admin.site.unregister(model)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows and changes none."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SigningKeyInline(admin.TabularInline):
    model = SigningKey
    fields = ["kid", "status", "created_at"]
    readonly_fields = ["kid", "status", "created_at"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EmbeddedIdPForm(forms.ModelForm):
    """The embedded IdP of a tenant that has none; its issuer follows from the tenant's slug."""

    class Meta:
        model = AuthorizationServer
        fields = ["tenant"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        with_one = AuthorizationServer.objects.filter(realm=Realm.IDP).values("tenant")
        tenant: Any = self.fields["tenant"]
        tenant.required, tenant.queryset = True, Tenant.objects.exclude(pk__in=with_one).order_by("name")
        tenant.help_text = "Tenants without an embedded IdP. A tenant that has its own IdP needs none."

    def clean(self) -> dict[str, Any]:
        if tenant := self.cleaned_data.get("tenant"):
            self.instance.realm = Realm.IDP
            self.instance.issuer = idp_origin(tenant.slug)
        return self.cleaned_data


@admin.register(AuthorizationServer)
class AuthorizationServerAdmin(ReadOnlyAdmin):
    """The apps' servers exist from the start; only a tenant's embedded IdP can be added."""

    list_display = ["issuer", "realm", "tenant"]
    list_filter = ["realm"]
    fields = ["issuer", "realm", "tenant", "resource", "grant_types", "scopes"]
    inlines = [SigningKeyInline]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super(ReadOnlyAdmin, self).has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else EmbeddedIdPForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ["tenant"]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    def save_model(self, request: HttpRequest, obj: AuthorizationServer, form: Any, change: bool) -> None:
        """Save the new server with a signing key, and show the next steps."""
        super().save_model(request, obj, form, change)
        SigningKey.generate(obj, SigningKey.Status.ACTIVE)
        client = f"{reverse('admin:authserver_client_add')}?server={obj.pk}"
        text = (
            'You can add people now. For the apps, <a href="{}">register one client per app</a>, then connect the apps.'
        )
        messages.info(request, format_html(text, client))


class ClientForm(forms.ModelForm):
    """A client without its secret, which is generated and shown once."""

    renew_secret = forms.BooleanField(required=False, help_text="Create a new secret. The old one stops working.")

    class Meta:
        model = Client
        fields = [
            "server",
            "client_id",
            "name",
            "is_active",
            "tenant",
            "auth_method",
            "jwks",
            "jwks_uri",
            "token_endpoint_audience",
            "grants",
            "scope",
            "resource",
            "redirect_uris",
            "post_logout_redirect_uris",
        ]


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin):
    form = ClientForm
    list_display = ["client_id", "name", "server", "tenant", "is_active"]
    list_filter = ["server", "is_active"]
    search_fields = ["client_id", "name"]
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        return super().get_queryset(request).select_related("server", "tenant")

    def save_model(self, request: HttpRequest, obj: Client, form: ClientForm, change: bool) -> None:
        secret = None
        if not change or form.cleaned_data["renew_secret"]:
            secret = obj.client_secret = generate_client_secret()
        super().save_model(request, obj, form, change)
        if secret and obj.auth_method != AuthMethod.PRIVATE_KEY_JWT:
            request.new_client_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        return self._with_secret(request, obj, "added") or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        return self._with_secret(request, obj, "changed") or super().response_change(request, obj)

    def _with_secret(self, request: HttpRequest, client: Client, done: str) -> HttpResponse | None:
        """Show a new secret in the answer itself: a message would store it in a cookie or in the session."""
        secret = getattr(request, "new_client_secret", "")
        if not secret:
            return None
        context = {"title": "Client secret", "client": client, "secret": secret, "done": done}
        context |= self.admin_site.each_context(request)
        response = TemplateResponse(request, "admin/client_secret.html", context)
        add_never_cache_headers(response)
        return response
