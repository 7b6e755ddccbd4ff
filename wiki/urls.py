"""Addresses of Wiki0: its pages, and its API below /api/."""

from django.urls import path

from wiki import views
from wiki.api import api

urlpatterns = [
    path("", views.home, name="home"),
    path("pages/", views.page_list, name="page_list"),
    path("pages/create", views.create_page, name="create_page"),
    path("pages/<int:article_id>", views.page, name="page"),
    path("pages/<int:article_id>/edit", views.edit_page, name="edit_page"),
    path("pages/<int:article_id>/delete", views.delete_page, name="delete_page"),
    path("debug-console", views.console, name="debug_console"),
    path("api/", api.urls),
]
