"""The pages of Todo0. With htmx the answer is the changed part of the page, otherwise a whole page or a redirect."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from base.form_keys import form_key
from base.unsent import signed_out
from tenants.models import User
from todo.forms import RenameForm, TaskForm
from todo.models import Todo

View = Callable[..., HttpResponse]
_PER_PAGE = 100


class TodoRequest(HttpRequest):
    """A request of a signed-in user."""

    htmx: HtmxDetails
    user: User


def private(view: View) -> View:
    """Ask an anonymous visitor to sign in, and keep the page out of every cache."""

    @wraps(view)
    def wrapper(request: TodoRequest, **kwargs: int) -> HttpResponse:
        if request.user.is_authenticated:
            response = view(request, **kwargs)
        elif request.htmx and "task" in request.POST:
            response = HttpResponse(status=401)  # the page stays as it is, with the text that was typed
        elif request.method == "POST" and not request.htmx:
            response = signed_out(request)
        elif request.htmx:
            response = HttpResponseClientRedirect(redirect_to_login(_looked_at(request)).url)
        else:
            response = redirect_to_login(request.get_full_path())
        add_never_cache_headers(response)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return wrapper


@require_http_methods(["GET", "HEAD", "POST"])
@private
def todo_list(request: TodoRequest) -> HttpResponse:
    form = TaskForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        Todo.objects.create_once(owner=request.user, form_key=form_key(request), task=form.cleaned_data["task"])
        return _changed(request, "Task added.", form=TaskForm())
    if request.htmx and form.is_bound:
        return render(request, "todo/_add.html", {"form": form})
    return _show(request, "list", form=form)


@require_safe
@private
def todo_detail(request: TodoRequest, todo_id: int) -> HttpResponse:
    return _show(request, "detail", todo=_own(request, todo_id))


@require_POST
@private
def complete(request: TodoRequest, todo_id: int) -> HttpResponse:
    todo = _change(request, todo_id, completed="completed" in request.POST)
    return _changed(request, "Task completed." if todo.completed else "Task reopened.", todo=todo)


@require_http_methods(["GET", "HEAD", "POST"])
@private
def rename(request: TodoRequest, todo_id: int) -> HttpResponse:
    todo = _own(request, todo_id)
    data = request.POST if request.method == "POST" else None
    form = RenameForm(data, initial={"task": todo.task}, auto_id=f"id_%s_{todo.pk}")
    if form.is_valid():
        todo = _change(request, todo_id, task=form.cleaned_data["task"])
        return _changed(request, "Task renamed.", todo=todo)
    return _show(request, "rename", form=form, todo=todo, on=_form_is_on(request))


@require_POST
@private
def delete(request: TodoRequest, todo_id: int) -> HttpResponse:
    _own(request, todo_id).delete()
    return _changed(request, "Task deleted.")


@require_safe
@private
def profile(request: TodoRequest) -> HttpResponse:
    todos = Todo.objects.of(request.user).count()
    return render(request, "todo/profile.html", {"todos": todos})


def _own(request: TodoRequest, todo_id: int) -> Todo:
    return get_object_or_404(Todo.objects.of(request.user), pk=todo_id)


def _change(request: TodoRequest, todo_id: int, **values: str | bool) -> Todo:
    Todo.objects.of(request.user).filter(pk=todo_id).change(**values)
    return _own(request, todo_id)


def _form_is_on(request: TodoRequest) -> str:
    """Return the page of the form: "detail" for the todo's own page, otherwise "list"."""
    data = request.POST if request.method == "POST" else request.GET
    return "detail" if data.get("on") == "detail" else "list"


def _show(request: TodoRequest, name: str, **context: Any) -> HttpResponse:
    """Render the page `name`, or with htmx only the part that changes."""
    template = f"todo/_{name}.html" if request.htmx else f"todo/{name}.html"
    return render(request, template, {"todos": SimpleLazyObject(lambda: _page(request)), **context})


def _page(request: TodoRequest) -> Page[Todo]:
    """Return the requested page of todos, or with htmx the page that the browser shows."""
    query = request.GET
    if request.htmx:
        query = QueryDict(_looked_at(request).partition("#")[0].partition("?")[2])
    return Paginator(Todo.objects.of(request.user), _PER_PAGE).get_page(query.get("page"))


def _looked_at(request: TodoRequest) -> str:
    """Return the path and query of the page that htmx runs on; "/" if it is not a page of this site."""
    try:
        return request.htmx.current_url_abs_path or "/"
    except ValueError:
        return "/"


def _changed(request: TodoRequest, message: str, **context: Any) -> HttpResponse:
    """Answer a change: with htmx by the part that shows it, otherwise by a redirect to the page of the form."""
    on_detail = "todo" in context and _form_is_on(request) == "detail"
    if request.htmx:
        return _show(request, "detail" if on_detail else "list", announcement=message, **context)
    messages.success(request, message)
    return redirect("todo_detail", context["todo"].pk) if on_detail else redirect("todo_list")
