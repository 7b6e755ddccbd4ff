"""The operator reads what happened, and changes nothing."""

from datetime import UTC
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join

from audit.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    date_hierarchy = "at"
    list_display = ["when", "act", "came_of_it", "tenant", "client_id", "user", "what"]
    list_filter = ["act", "outcome", "tenant", "client_id", "failed_check"]
    search_fields = ["=jti", "=client_id", "=sub", "user", "target"]
    search_help_text = (
        "A jti, a client identifier or a subject as a whole; a part of a user's name or of what was changed."
    )
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fieldsets = [
        (None, {"fields": ["when", "act", "came_of_it", "detail", "ms"]}),
        ("Who", {"fields": ["tenant", "user", "client_id", "address", "server"]}),
        ("What was asked and granted", {"fields": ["audience", "resource", "scope_asked", "scope_granted", "target"]}),
        ("Identity assertion", {"fields": ["issuer", "sub", "jti"]}),
        ("Claimed, not verified", {"fields": ["claimed"]}),
    ]

    @admin.display(description="at (UTC)", ordering="at")
    def when(self, event: AuditEvent) -> str:
        return f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="outcome", ordering="outcome")
    def came_of_it(self, event: AuditEvent) -> str:
        return event.outcome_in_words

    @admin.display(description="what")
    def what(self, event: AuditEvent) -> str:
        return f"{event.target}: {event.detail}" if event.target else event.audience

    @admin.display(description="by the peer")
    def claimed(self, event: AuditEvent) -> str:
        return format_html_join("\n", "<div>{}: {}</div>", sorted(event.unverified.items())) or "nothing"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
