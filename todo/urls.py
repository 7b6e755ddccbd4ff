"""Addresses of Todo0: its pages, and its API below /api/."""

from django.urls import path, register_converter

from todo import views
from todo.api import api
from todo.ids import TodoIdConverter

register_converter(TodoIdConverter, "todo_id")

urlpatterns = [
    path("", views.todo_list, name="todo_list"),
    path("todos/<todo_id:todo_id>", views.todo_detail, name="todo_detail"),
    path("todos/<todo_id:todo_id>/complete", views.complete, name="todo_complete"),
    path("todos/<todo_id:todo_id>/rename", views.rename, name="todo_rename"),
    path("todos/<todo_id:todo_id>/delete", views.delete, name="todo_delete"),
    path("profile", views.profile, name="profile"),
    path("api/", api.urls),
]
