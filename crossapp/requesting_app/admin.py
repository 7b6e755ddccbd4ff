"""The admin: resource apps without their secrets, stored tokens without their values, no leases."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from ..core.client_authentication import AuthMethod
from ..core.comparisons import Comparison, failures, warnings
from ..core.errors import PeerError
from ..core.metadata import Metadata
from .models import ResourceApp, StoredAccessToken
from .server_comparisons import compare_with_server, fetched_metadata


class ResourceAppForm(forms.ModelForm):
    """A resource app, with a write-only field for its secret.

    A changed one that is enabled is compared with the metadata of its authorization server, in `fetched`.
    """

    fetched: Metadata | PeerError | None = None
    comparisons: Collection[Comparison] = ()

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
        if self.has_changed() and cleaned.get("enabled") and not self.errors:
            self._compare(cleaned)
        return cleaned

    def _compare(self, cleaned: Mapping[str, Any]) -> None:
        if isinstance(self.fetched, Metadata):
            self.comparisons = compare_with_server(self.fetched, auth_method=cleaned["auth_method"])
            for failed in failures(self.comparisons):
                self.add_error("auth_method", str(failed))
        else:
            self.add_error("audience", f"The metadata cannot be used: {self.fetched}.")

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

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Fetch the metadata before the transaction of the page begins."""
        may_save = self.has_change_permission(request) or self.has_add_permission(request)
        if request.method == "POST" and may_save and "enabled" in request.POST:
            request.server_metadata = _fetched(str(request.POST.get("audience", "")).strip())
        return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.fetched = getattr(request, "server_metadata", None)
        return form

    def save_model(self, request: HttpRequest, obj: ResourceApp, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for difference in warnings(form.comparisons):
            self.message_user(request, f"{obj}: {difference}", messages.WARNING)


def _fetched(audience: str) -> Metadata | PeerError:
    try:
        return fetched_metadata(audience)
    except PeerError as error:
        return error


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
