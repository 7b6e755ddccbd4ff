"""Todos in the admin, without their texts. Only their owners change them."""

from django.contrib import admin
from django.http import HttpRequest

from todo.models import Todo


@admin.register(Todo)
class TodoAdmin(admin.ModelAdmin):
    list_display = ["owner", "task", "completed"]
    list_filter = ["completed", "owner__tenant"]
    list_select_related = ["owner"]
    search_fields = ["owner__email"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Todo | None = None) -> bool:
        return False
