"""The admin's form of an IdP connection, compared with the metadata of the IdP before it is saved."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict

from crossapp.core.comparisons import CLIENT_AUTHENTICATION, Comparison, failures, warnings
from crossapp.core.metadata import Metadata
from tenants.idp_comparisons import COMPARED, compare_with_idp, connectable_metadata
from tenants.models import IdPConnection


class IdPConnectionForm(forms.ModelForm):
    """Takes a client secret and never shows it; if left blank, the stored one stays.

    A changed connection that is enabled is compared with the metadata of its IdP, which `AsksIdPs` has fetched.
    """

    fetched: Mapping[str, Metadata | ValidationError] = {}
    comparisons: Collection[Comparison] = ()

    client_secret = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Never shown again. Leave it blank to keep the stored secret, or for private_key_jwt: the app then "
        "signs with its own key, and manage.py clientjwks prints the public half for the IdP.",
    )

    class Meta:
        model = IdPConnection
        fields = (
            "tenant",
            "app",
            "issuer",
            "client_id",
            "client_secret",
            "auth_method",
            "enabled",
            "provisions_users",
            "accepts_id_jags",
            "single_use",
            "tells_access_denied",
            "requires_resource",
            "scope",
            "prompt",
            "clock_skew",
            "trusts_absent_email_verified",
            "trusts_false_email_verified",
            "tenant_claim",
            "tenant_value",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("client_secret", None)

    def clean_client_secret(self) -> str:
        return self.cleaned_data["client_secret"] or self.instance.client_secret

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.has_changed() and cleaned.get("enabled") and not cleaned.get("DELETE") and not self.errors:
            self._compare(self.fetched[cleaned["issuer"]], cleaned)
        return cleaned

    def _compare(self, metadata: Metadata | ValidationError, cleaned: Mapping[str, Any]) -> None:
        if isinstance(metadata, ValidationError):
            self.add_error("issuer", metadata)
            return
        columns = {name: cleaned[name] for name in COMPARED}
        self.comparisons = compare_with_idp(metadata, **columns)
        for failed in failures(self.comparisons):
            self.add_error("auth_method" if failed.name == CLIENT_AUTHENTICATION else "issuer", str(failed))


class AsksIdPs(admin.ModelAdmin):
    """A page with IdP connections: fetches the IdPs' metadata before its transaction begins, and tells differences."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and (self.has_change_permission(request) or self.has_add_permission(request)):
            request.idp_metadata = _metadata_for(request.POST)
        return super().changeform_view(request, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        for each in (form, *(inline for formset in formsets for inline in formset.forms)):
            for difference in warnings(getattr(each, "comparisons", ())):
                self.message_user(request, f"{each.instance}: {difference}", messages.WARNING)


def _metadata_for(data: QueryDict) -> dict[str, Metadata | ValidationError]:
    """Return the metadata of each enabled issuer in the fields of a page, alone or in inlines; or why it has none."""
    prefixes = {name.removesuffix("issuer") for name in data if name == "issuer" or name.endswith("-issuer")}
    enabled = [prefix for prefix in prefixes if f"{prefix}enabled" in data]
    return {issuer: _metadata_of(issuer) for issuer in {str(data[f"{prefix}issuer"]).strip() for prefix in enabled}}


def _metadata_of(issuer: str) -> Metadata | ValidationError:
    try:
        return connectable_metadata(issuer)
    except ValidationError as error:
        return error
