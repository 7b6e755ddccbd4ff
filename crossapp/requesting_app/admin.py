"""The admin: resource apps without their secrets, stored tokens without their values, no leases."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ..core.client_authentication import AuthMethod
from .models import ResourceApp, StoredAccessToken


class ResourceAppForm(forms.ModelForm):
    """A resource app, with a write-only field for its secret."""

    new_client_secret = forms.CharField(
        label="Client secret",
        required=False,
        strip=True,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="This project's client secret there. Leave it empty to keep the stored one.",
    )

    class Meta:
        model = ResourceApp
        fields = ("key", "name", "audience", "resource", "client_id", "auth_method", "scope", "enabled")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needs_secret = cleaned.get("auth_method") != AuthMethod.PRIVATE_KEY_JWT
        if needs_secret and not cleaned.get("new_client_secret") and self.instance.pk is None:
            self.add_error("new_client_secret", "A new resource app needs a client secret.")
        return cleaned

    def save(self, commit: bool = True) -> ResourceApp:
        if secret := self.cleaned_data["new_client_secret"]:
            self.instance.client_secret = secret
        return super().save(commit)


@admin.register(ResourceApp)
class ResourceAppAdmin(admin.ModelAdmin):
    form = ResourceAppForm
    list_display = ("name", "key", "audience", "client_id", "scope", "enabled")
    fields = (*ResourceAppForm.Meta.fields[:6], "new_client_secret", *ResourceAppForm.Meta.fields[6:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResourceApp]:
        return super().get_queryset(request).defer("client_secret")


@admin.register(StoredAccessToken)
class StoredAccessTokenAdmin(admin.ModelAdmin):
    list_display = ("user", "resource_app", "scope", "expires_at")
    list_filter = ("resource_app",)
    fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[StoredAccessToken]:
        return super().get_queryset(request).defer("sealed_access_token").select_related("user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
