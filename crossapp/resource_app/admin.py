from django.contrib import admin
from django.http import HttpRequest

from .models import ConsumedJti


@admin.register(ConsumedJti)
class ConsumedJtiAdmin(admin.ModelAdmin):
    """Read-only, because deleting a row would allow a replay. The `jti` in the log is the start of the jti's hash."""

    list_display = ["jti_hash", "issuer_hash", "expires_at"]
    search_fields = ["jti_hash"]
    ordering = ["-expires_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ConsumedJti | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ConsumedJti | None = None) -> bool:
        return False
