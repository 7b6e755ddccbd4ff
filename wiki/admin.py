"""Pages in the admin, without their texts. Only their authors change them."""

from django.contrib import admin
from django.http import HttpRequest

from wiki.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "updated_at"]
    list_filter = ["tenant"]
    list_select_related = ["author"]
    search_fields = ["title", "author__email"]
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        return False
