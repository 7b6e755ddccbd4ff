"""The audit in the admin, read-only."""

import re
from datetime import UTC
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.models import AuditEvent, Outcome

LISTED = 2000
WBR = SafeString("<wbr>")
_NAMES = ("account", "client_id", "email", "issuer", "username")  # claims of a peer that name the sender


class NewestOnly(Paginator):
    """Pages of the first `LISTED` rows."""

    @cached_property
    def count(self) -> int:
        return cast("QuerySet[AuditEvent]", self.object_list)[:LISTED].count()


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    list_display = ["when", "happened", "who", "what"]
    list_filter = ["act", "outcome", "at"]
    search_fields = [
        "=jti",
        "=tenant",
        "=client_id",
        "=sub",
        "=email",
        "^request_id",
        "=failed_check",
        "user",
        "target",
    ]
    search_help_text = (
        "Search for a reference (the beginning of a request id), for a whole jti, tenant, client identifier, subject, "
        "verified email or failed check, or for part of a user name or of a changed object's name. "
        f"The newest {LISTED} matches are listed."
    )
    paginator = NewestOnly
    empty_value_display = ""
    show_full_result_count = False  # the table has millions of rows: no query may count or read them all
    show_facets = admin.ShowFacets.NEVER
    fieldsets = [
        (None, {"fields": ["when", "act", "came_of_it", "detail", "passed", "ms", "request_id"]}),
        ("Who", {"fields": ["tenant", "user", "client_id", "address", "server"]}),
        ("Request and grant", {"fields": ["audience", "resource", "scope_asked", "scope_granted", "target"]}),
        ("Identity assertion", {"fields": ["issuer", "sub", "email", "actor", "sub_profile", "jti"]}),
        ("Claimed, not verified", {"fields": ["claimed"]}),
    ]

    class Media:
        css = {"all": ["audit/admin.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: AuditEvent | None = None) -> Any:
        """Return the fields of the event that are not empty."""
        said = [
            (name, [field for field in parts["fields"] if _says(obj, str(field))]) for name, parts in self.fieldsets
        ]
        return [(name, {"fields": fields}) for name, fields in said if fields]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str) -> Any:
        """Find a jti by its index. Only other terms need to read the rows, newest first."""
        with_jti = queryset.filter(jti=search_term.strip())
        if search_term.strip() and with_jti.exists():
            return with_jti, False
        return super().get_search_results(request, queryset, search_term)

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
        """Name the client and the person; without either, the identity that the peer claimed, or the tenant."""
        known = [name for name in (event.client_id, event.user) if name]
        claimed = ", ".join(f"{name} {value}" for name, value in sorted(event.unverified.items()) if name in _NAMES)
        if not known and event.email:
            return _breakable(event.email)
        if claimed and not known:
            return format_html('<span class="audit-unverified">not verified: {}</span>', _breakable(claimed))
        return format_html_join("", "<div>{}</div>", [[_breakable(name)] for name in known]) or event.tenant

    @admin.display(description="object or reason")
    def what(self, event: AuditEvent) -> str:
        """Name the changed object, the reason of a refusal, or the granted scopes and their audience."""
        said = [event.target or event.audience, event.detail or event.scope_granted]
        return _breakable(": ".join(filter(None, said)))

    @admin.display(description="checks passed")
    def passed(self, event: AuditEvent) -> str:
        return ", ".join(event.checks_passed)

    @admin.display(description="by the peer")
    def claimed(self, event: AuditEvent) -> str:
        return format_html_join("\n", "<div>{}: {}</div>", sorted(event.unverified.items()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _breakable(text: str) -> SafeString:
    """Let a browser break a long name or address between its parts."""
    return format_html_join(WBR, "{}", ([part] for part in re.split(r"(?<=[:/])(?=\w)", text)))


def _says(event: AuditEvent | None, field: str) -> bool:
    """Say whether `field` of the page has anything to show."""
    return bool(getattr(event, {"claimed": "unverified", "passed": "checks_passed"}.get(field, field), True))
