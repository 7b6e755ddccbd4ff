"""The operator's view of the authorization servers: clients can be made and switched off, tokens are not shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model, get_grant_model, get_id_token_model, get_refresh_token_model

from authserver.models import AuthorizationServer, Client, SigningKey

for model in (
    Client,
    get_access_token_model(),
    get_grant_model(),
    get_id_token_model(),
    get_refresh_token_model(),
):
    admin.site.unregister(model)


class ReadOnlyAdmin(admin.ModelAdmin):
    """To look at, not to change."""

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


@admin.register(AuthorizationServer)
class AuthorizationServerAdmin(ReadOnlyAdmin):
    list_display = ["issuer", "realm", "tenant"]
    list_filter = ["realm"]
    fields = ["issuer", "realm", "tenant", "resource", "grant_types", "scopes"]
    inlines = [SigningKeyInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ClientForm(forms.ModelForm):
    """A client without its secret, which is machine-made and shown once."""

    renew_secret = forms.BooleanField(required=False, help_text="Make a new secret now; the old one stops working.")

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
        if secret and obj.auth_method != Client.AuthMethod.PRIVATE_KEY_JWT:
            messages.warning(request, f"The client secret of {obj.client_id}, shown this once: {secret}")
