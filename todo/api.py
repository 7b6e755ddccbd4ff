"""The API of Todo0, for other apps with an access token and for its own pages with a session."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from ninja import Query, Status

from authserver.json_api import BODY, READ, WRITE, ApiRequest, JsonAPI, errors, page_of
from base.prepared_queries import prepared
from todo.models import Todo
from todo.schemas import Filters, NewTodo, TodoChanges, TodoId, TodoOut, TodoPage, WholeTodo

api = JsonAPI(
    title="Todo0 API",
    description=(
        "The todos of the person who signed in, or for whom the access token was issued. Scope `read` reads, scope "
        "`write` changes. Other people's todos do not exist here (404). The last write wins."
    ),
    urls_namespace="todo_api",
    max_body=16 * 1024,
)
TODOS = ["Todos"]


@api.get("/todos", auth=READ, response={200: TodoPage, **errors(422)}, summary="List todos", tags=TODOS)
def list_todos(request: ApiRequest, filters: Query[Filters]) -> dict[str, Any]:
    """Open todos first, then the newest first."""
    todos = Todo.objects.of(request.auth.user)
    if filters.id:
        todos = todos.filter(pk__in=filters.id)
    if filters.completed is not None:
        todos = todos.filter(completed=filters.completed)
    return page_of(todos, page=filters.page, size=filters.page_size)


@api.post("/todos", auth=WRITE, response={201: TodoOut, **errors(*BODY)}, summary="Add a todo", tags=TODOS)
def add_todo(request: ApiRequest, body: NewTodo) -> Status[Todo]:
    """The new todo belongs to the caller."""
    return Status(201, Todo.objects.create(owner=request.auth.user, **body.dict()))


@api.get("/todos/{todo_id}", auth=READ, response={200: TodoOut, **errors(404)}, summary="Read a todo", tags=TODOS)
def read_todo(request: ApiRequest, todo_id: TodoId) -> Todo:
    """Returns one of the caller's todos."""
    for todo in _todos(request.auth.user.pk, todo_id):
        return todo
    raise Http404


@prepared("owner", "id")
def _todos() -> QuerySet[Todo]:
    return Todo.objects.all()


@api.put(
    "/todos/{todo_id}",
    auth=WRITE,
    response={200: TodoOut, **errors(404, *BODY)},
    summary="Replace a todo",
    tags=TODOS,
)
def replace_todo(request: ApiRequest, todo_id: TodoId, body: WholeTodo) -> Todo:
    """Replaces both fields."""
    todos = Todo.objects.of(request.auth.user).filter(pk=todo_id)
    todos.change(**body.dict())
    return get_object_or_404(todos)


@api.patch(
    "/todos/{todo_id}",
    auth=WRITE,
    response={200: TodoOut, 204: None, **errors(404, *BODY)},
    summary="Change a todo",
    tags=TODOS,
)
def change_todo(request: ApiRequest, todo_id: TodoId, body: TodoChanges) -> Status[Todo | None]:
    """Fields left out stay as they are. The answer shows all of them, so without the scope `read` it is empty (204)."""
    todos = Todo.objects.of(request.auth.user).filter(pk=todo_id)
    todos.change(**body.dict(exclude_unset=True))
    todo = get_object_or_404(todos)
    return Status(200, todo) if "read" in request.auth.scopes else Status(204, None)


@api.delete("/todos/{todo_id}", auth=WRITE, response={204: None, **errors(404)}, summary="Delete a todo", tags=TODOS)
def delete_todo(request: ApiRequest, todo_id: TodoId) -> Status[None]:
    """Deletes the todo permanently."""
    get_object_or_404(Todo.objects.of(request.auth.user), pk=todo_id).delete()
    return Status(204, None)
