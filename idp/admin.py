"""Cross-app policies in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from authserver.models import Client
from idp.models import CrossAppPolicy
from tenants.models import Realm, User


class CrossAppPolicyForm(forms.ModelForm):
    """Offers the clients and people of the policy's IdP, and groups without admin permissions."""

    class Meta:
        model = CrossAppPolicy
        fields = (
            "server",
            "client",
            "audience",
            "resource",
            "scope",
            "client_id_at_audience",
            "users",
            "groups",
            "max_age",
            "includes_email",
            "enabled",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clients, people = Client.objects.filter(server__realm=Realm.IDP), User.objects.filter(realm=Realm.IDP)
        if self.instance.pk:
            server = self.instance.server
            clients, people = clients.filter(server=server), people.filter(tenant=server.tenant_id)
        self.fields["client"].queryset = clients.select_related("server")  # type: ignore[attr-defined]
        self.fields["users"].queryset = people.order_by("email")  # type: ignore[attr-defined]
        self.fields["users"].label_from_instance = _name  # type: ignore[attr-defined]
        self.fields["groups"].queryset = Group.objects.filter(permissions=None)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        server, people = cleaned.get("server"), cleaned.get("users")
        if server and people and people.exclude(tenant=server.tenant_id).exists():
            raise ValidationError({"users": "A person in this list is not in this IdP's directory."})
        return cleaned


def _name(user: User) -> str:
    return f"{user.display_name} ({user.email})"


@admin.register(CrossAppPolicy)
class CrossAppPolicyAdmin(admin.ModelAdmin):
    form = CrossAppPolicyForm
    list_display = ["server", "client", "client_id_at_audience", "audience", "resource", "scope", "for_whom", "enabled"]
    list_filter = ["server", "enabled"]
    list_select_related = ["server", "client__server"]
    filter_horizontal = ["users", "groups"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CrossAppPolicy]:
        return super().get_queryset(request).prefetch_related("users", "groups")

    @admin.display(description="for")
    def for_whom(self, policy: CrossAppPolicy) -> str:
        return policy.for_whom
