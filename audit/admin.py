"""The operator reads what happened, and changes nothing."""

from datetime import UTC
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from audit.models import AuditEvent, Outcome

_NAMES = ("account", "client_id", "email", "issuer", "username")  # of what a peer may claim


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    date_hierarchy = "at"
    list_display = ["when", "happened", "who", "what"]
    list_filter = ["act", "outcome", "tenant", "client_id", "failed_check"]
    search_fields = ["=jti", "=client_id", "=sub", "user", "target"]
    search_help_text = (
        "A jti, a client identifier or a subject as a whole; a part of a user's name or of what was changed."
    )
    empty_value_display = ""
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fieldsets = [
        (None, {"fields": ["when", "act", "came_of_it", "detail", "ms"]}),
        ("Who", {"fields": ["tenant", "user", "client_id", "address", "server"]}),
        ("What was asked and granted", {"fields": ["audience", "resource", "scope_asked", "scope_granted", "target"]}),
        ("Identity assertion", {"fields": ["issuer", "sub", "jti"]}),
        ("Claimed, not verified", {"fields": ["claimed"]}),
    ]

    class Media:
        css = {"all": ["audit/admin.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: AuditEvent | None = None) -> Any:
        """Return what there is to say of the event, and nothing that is empty."""
        said = [
            (name, [field for field in parts["fields"] if _says(obj, str(field))]) for name, parts in self.fieldsets
        ]
        return [(name, {"fields": fields}) for name, fields in said if fields]

    @admin.display(description="at (UTC)", ordering="at")
    def when(self, event: AuditEvent) -> str:
        return f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="what happened", ordering="act")
    def happened(self, event: AuditEvent) -> str:
        return format_html("<div>{}</div><div>{}</div>", event.get_act_display(), self.came_of_it(event))

    @admin.display(description="outcome", ordering="outcome")
    def came_of_it(self, event: AuditEvent) -> str:
        if event.outcome == Outcome.DONE:
            return event.outcome_in_words
        return format_html('<span class="audit-refused">{}</span>', event.outcome_in_words)

    @admin.display(description="who")
    def who(self, event: AuditEvent) -> str:
        """Name the client and the person; without either, whom the peer claimed to be; without that, the tenant."""
        known = [name for name in (event.client_id, event.user) if name]
        claimed = ", ".join(f"{name} {value}" for name, value in sorted(event.unverified.items()) if name in _NAMES)
        if claimed and not known:
            return format_html('<span class="audit-unverified">not verified: {}</span>', claimed)
        return format_html_join("", "<div>{}</div>", [[name] for name in known]) or event.tenant

    @admin.display(description="to what, or why")
    def what(self, event: AuditEvent) -> str:
        """Say what was changed, or why something was refused, or what was granted where."""
        return ": ".join(filter(None, [event.target or event.audience, event.detail or event.scope_granted]))

    @admin.display(description="by the peer")
    def claimed(self, event: AuditEvent) -> str:
        return format_html_join("\n", "<div>{}: {}</div>", sorted(event.unverified.items()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _says(event: AuditEvent | None, field: str) -> bool:
    """Say whether `field` of the page has anything to show."""
    return bool(getattr(event, {"claimed": "unverified"}.get(field, field), True))
