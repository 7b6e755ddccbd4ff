"""The operator's pages: tenants, their IdP connections, and the accounts."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict

from crossapp.core.comparisons import CLIENT_AUTHENTICATION, Comparison, failures, warnings
from crossapp.core.metadata import Metadata
from tenants.idp_comparisons import compare_with_idp, connectable_metadata
from tenants.models import EmailDomain, IdPConnection, SubjectTokens, Tenant, User


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
        columns = {name: cleaned[name] for name in ("auth_method", "scope", "prompt")}
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
    enabled = [prefix for prefix in prefixes if f"{prefix}enabled" in data and f"{prefix}DELETE" not in data]
    return {issuer: _metadata_of(issuer) for issuer in {str(data[f"{prefix}issuer"]).strip() for prefix in enabled}}


def _metadata_of(issuer: str) -> Metadata | ValidationError:
    try:
        return connectable_metadata(issuer)
    except ValidationError as error:
        return error


class EmailDomainInline(admin.TabularInline):
    model = EmailDomain
    extra = 0


class IdPConnectionInline(admin.StackedInline):
    model = IdPConnection
    form = IdPConnectionForm
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Tenant | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.form.fetched = getattr(request, "idp_metadata", {})
        return formset


@admin.register(Tenant)
class TenantAdmin(AsksIdPs):
    list_display = ("name", "slug", "is_active")
    search_fields = ("name", "slug", "email_domains__domain")
    inlines = (EmailDomainInline, IdPConnectionInline)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "slug", "is_active"),
                "description": "Its people sign in at an IdP of its own: connect each app to it below. Or at an "
                "embedded IdP: save the tenant, then add its authorization server.",
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()  # it is part of the embedded IdP's issuer


@admin.register(IdPConnection)
class IdPConnectionAdmin(AsksIdPs):
    form = IdPConnectionForm
    list_display = ("tenant", "app", "issuer", "enabled", "provisions_users", "accepts_id_jags", "single_use")
    list_filter = ("app", "enabled", "tenant")
    list_select_related = ("tenant",)
    actions = ("fetch_keys_anew",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.fetched = getattr(request, "idp_metadata", {})
        return form

    @admin.action(description="Fetch the IdP's keys again: it has withdrawn one")
    def fetch_keys_anew(self, request: HttpRequest, connections: QuerySet[IdPConnection]) -> None:
        """For an IdP whose key has leaked: its signatures are refused from the next request on."""
        for connection in {connection.issuer: connection for connection in connections}.values():
            connection.forget_keys()
        self.message_user(request, f"IdP connections whose keys are fetched again: {len(connections)}.")


class AccountCreationForm(AdminUserCreationForm):
    """A new account: an operator, a person of an embedded IdP's directory, or one pre-provisioned for an app."""

    class Meta:
        model = User
        fields = ("username", "realm", "tenant", "email")


@admin.register(User)
class AccountAdmin(UserAdmin):
    add_form = AccountCreationForm
    list_display = ("username", "display_name", "email", "realm", "tenant", "is_active")
    list_filter = ("realm", "tenant", "is_active")
    list_select_related = ("tenant",)
    search_fields = ("username", "first_name", "last_name", "email", "sub")
    filter_horizontal = ()
    add_fieldsets = (
        (
            None,
            {
                "fields": ("username", "realm", "tenant", "email", "usable_password", "password1", "password2"),
                "description": "Passwords work for operators and at an embedded IdP only. An account of Wiki0 or Todo0 "
                "is pre-provisioned: it waits for a first sign-in with its email, which the IdP has verified.",
            },
        ),
    )
    _person = ("Person", {"fields": ("first_name", "last_name", "email")})
    _groups = ("Groups", {"fields": ("groups",), "description": "A cross-app policy may be limited to groups."})
    _account = ("Account", {"fields": ("realm", "tenant", "issuer", "sub", "is_active", "last_login", "date_joined")})
    actions = ("unbind",)

    @admin.action(description="Unbind from the subject: the next sign-in binds it again by its verified email")
    def unbind(self, request: HttpRequest, accounts: QuerySet[User]) -> None:
        """For a tenant that has changed its IdP, where its people have other subjects."""
        bound = accounts.filter(realm__in=("wiki", "todo"))
        for account in bound:
            account.issuer, account.sub = "", None
            account.save(update_fields=["issuer", "sub"])
        self.message_user(request, f"Accounts unbound until their next sign-in: {len(bound)}.")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if obj.realm == "staff":
            powers = ("Permissions", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")})
            return ((None, {"fields": ("username", "password")}), self._person, powers, self._account)
        if obj.realm == "idp":
            return ((None, {"fields": ("username", "password")}), self._person, self._groups, self._account)
        return ((None, {"fields": ("username",)}), self._person, self._account)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        dates = ("last_login", "date_joined")
        return (
            dates if obj is None or obj.realm == "staff" else (*dates, "username", "realm", "tenant", "issuer", "sub")
        )


@admin.register(SubjectTokens)
class SubjectTokensAdmin(admin.ModelAdmin):
    """Shows the users that have subject tokens, never the tokens."""

    fields = readonly_fields = ("user", "connection", "id_token_expires_at", "updated_at")
    list_display = ("user", "connection", "id_token_expires_at", "updated_at")
    list_select_related = ("user", "connection__tenant")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SubjectTokens | None = None) -> bool:
        return False
