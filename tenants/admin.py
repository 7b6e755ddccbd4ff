"""The operator's pages: tenants, their IdP connections, and the accounts."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import QuerySet
from django.http import HttpRequest

from tenants.idp_connection_form import AsksIdPs, IdPConnectionForm
from tenants.models import EmailDomain, IdPConnection, Realm, SubjectTokens, Tenant, User


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

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Only superusers make operators' accounts."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        if obj is None and not _is_superuser(request):
            realm = form.base_fields["realm"]
            realm.choices = [choice for choice in realm.choices if choice[0] != Realm.STAFF]
        return form

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """The permission to change users is no way to more: operators' accounts are for superusers."""
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    @staticmethod
    def _may_touch(request: HttpRequest, obj: User | None) -> bool:
        return obj is None or obj.realm != Realm.STAFF or _is_superuser(request)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if obj.realm == Realm.STAFF:
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


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


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
