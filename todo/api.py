"""The API of Todo0, for other apps with an access token and for its own pages with a session."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Status

from authserver.bearer import Caller, require_scope
from authserver.json_api import JsonAPI
from todo.models import Todo, TodoQuerySet
from todo.schemas import ErrorOut, Filters, NewTodo, TodoChanges, TodoId, TodoOut, TodoPage, UserOut, WholeTodo

ERRORS = {(401, 403, 404, 405, 413, 415, 422, 429): ErrorOut}

api = JsonAPI(
    title="Todo0 API",
    description=(
        "The todos of the person who signed in, or for whom the access token was issued. Scope `read` reads, scope "
        "`write` changes. Other people's todos do not exist here (404). The last write wins."
    ),
    urls_namespace="todo_api",
    max_body=16 * 1024,
)


class ApiRequest(HttpRequest):
    auth: Caller


def _todos(request: ApiRequest, scope: str) -> TodoQuerySet:
    """Return the todos of the caller, who must have `scope`."""
    require_scope(request, scope)
    return Todo.objects.of(request.auth.user)


@api.get("/users/me", response={200: UserOut, **ERRORS}, summary="Who I am")
def me(request: ApiRequest) -> dict[str, Any]:
    require_scope(request, "read")
    user = request.auth.user
    tenant = user.tenant.name if user.tenant else ""
    return {"id": user.pk, "name": user.get_full_name(), "email": user.email, "organisation": tenant}


@api.get("/todos", response={200: TodoPage, **ERRORS}, summary="List todos")
def list_todos(request: ApiRequest, filters: Query[Filters]) -> dict[str, Any]:
    """Open ones first, newest first. `id` may be repeated; a number that is not the caller's finds nothing."""
    todos = _todos(request, "read")
    if filters.id:
        todos = todos.filter(pk__in=filters.id)
    if filters.completed is not None:
        todos = todos.filter(completed=filters.completed)
    start = (filters.page - 1) * filters.page_size
    return {"items": todos[start : start + filters.page_size], "count": todos.count()}


@api.post("/todos", response={201: TodoOut, **ERRORS}, summary="Add a todo")
def add_todo(request: ApiRequest, body: NewTodo) -> Status[Todo]:
    require_scope(request, "write")
    return Status(201, Todo.objects.create(owner=request.auth.user, **body.dict()))


@api.get("/todos/{todo_id}", response={200: TodoOut, **ERRORS}, summary="Read a todo")
def read_todo(request: ApiRequest, todo_id: TodoId) -> Todo:
    return get_object_or_404(_todos(request, "read"), pk=todo_id)


@api.put("/todos/{todo_id}", response={200: TodoOut, **ERRORS}, summary="Replace a todo")
def replace_todo(request: ApiRequest, todo_id: TodoId, body: WholeTodo) -> Todo:
    todos = _todos(request, "write").filter(pk=todo_id)
    todos.change(**body.dict())
    return get_object_or_404(todos)


@api.patch("/todos/{todo_id}", response={200: TodoOut, 204: None, **ERRORS}, summary="Change a todo")
def change_todo(request: ApiRequest, todo_id: TodoId, body: TodoChanges) -> Status[Todo | None]:
    """Fields left out stay as they are. The answer shows all of them, so without the scope `read` it is empty (204)."""
    todos = _todos(request, "write").filter(pk=todo_id)
    todos.change(**body.dict(exclude_unset=True))
    todo = get_object_or_404(todos)
    return Status(200, todo) if "read" in request.auth.scopes else Status(204, None)


@api.delete("/todos/{todo_id}", response={204: None, **ERRORS}, summary="Delete a todo")
def delete_todo(request: ApiRequest, todo_id: TodoId) -> Status[None]:
    get_object_or_404(_todos(request, "write"), pk=todo_id).delete()
    return Status(204, None)


EVERY_METHOD = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


@api.api_operation(EVERY_METHOD, "/{path:rest}", include_in_schema=False)
def no_such_path(request: ApiRequest, rest: str) -> HttpResponse:
    raise Http404
