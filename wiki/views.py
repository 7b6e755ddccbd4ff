"""The pages of Wiki0."""

from collections.abc import Callable
from functools import wraps
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from base.form_keys import form_key
from base.unsent import signed_out
from tenants.models import User
from wiki import debug_console
from wiki.demo_page import create_demo_page
from wiki.forms import ArticleForm, editor_media
from wiki.models import Article
from wiki.saving import Conflict, save_changes

View = Callable[..., HttpResponse]
_PER_PAGE = 24


class WikiRequest(HttpRequest):
    """A request of a signed-in user."""

    user: User
    csp_nonce: str


def private(view: View) -> View:
    """Ask an anonymous visitor to sign in, and keep the page out of every cache."""

    @wraps(view)
    def wrapper(request: WikiRequest, **kwargs: int) -> HttpResponse:
        if request.user.is_authenticated:
            response = view(request, **kwargs)
        else:
            response = signed_out(request) if request.method == "POST" else redirect_to_login(request.get_full_path())
        add_never_cache_headers(response)
        return response

    return wrapper


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "wiki/home.html", {"has_console": debug_console.is_on()})


@require_safe
@private
def page_list(request: WikiRequest) -> HttpResponse:
    articles = Paginator(Article.objects.visible_to(request.user), _PER_PAGE)
    context = {"articles": articles.get_page(request.GET.get("page")), "form_key": uuid4()}
    return render(request, "wiki/page_list.html", context)


@require_POST
@private
def create_page(request: WikiRequest) -> HttpResponse:
    key = form_key(request)
    if "blank" in request.POST:
        article = Article.objects.create_once(author=request.user, form_key=key, title="Untitled")
    else:
        article = create_demo_page(request.user, form_key=key)
    return redirect("edit_page", article.pk)


@require_safe
@private
def page(request: WikiRequest, article_id: int) -> HttpResponse:
    article = get_object_or_404(Article.objects.visible_to(request.user), pk=article_id)
    return render(request, "wiki/page.html", {"article": article, "has_console": debug_console.is_on()})


@require_http_methods(["GET", "HEAD", "POST"])
@private
def edit_page(request: WikiRequest, article_id: int) -> HttpResponse:
    article = get_object_or_404(Article.objects.changeable_by(request.user), pk=article_id)
    form = ArticleForm(request.POST or None, instance=article, initial={"version": article.version})
    if form.is_valid():
        try:
            clean = {"title": form.instance.title, "content": form.instance.content}  # outside of the transaction
            save_changes(author=request.user, article_id=article_id, version=form.cleaned_data["version"], **clean)
            return redirect("page", article_id)
        except Conflict:
            form.add_error(None, "Another tab or window has changed this page. Your text is below and not saved.")
    context = {
        "article": article,
        "form": form,
        "media": editor_media(request.csp_nonce),
        "has_console": debug_console.is_on(),
    }
    return render(request, "wiki/edit_page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@private
def delete_page(request: WikiRequest, article_id: int) -> HttpResponse:
    article = get_object_or_404(Article.objects.changeable_by(request.user), pk=article_id)
    if request.method == "POST":
        article.delete()
        messages.success(request, f"Page “{article.title}” deleted.")
        return redirect("page_list")
    return render(request, "wiki/delete_page.html", {"article": article})


@require_safe
@private
def console(request: WikiRequest) -> HttpResponse:
    """Return the content of the debug console for the page that opens it."""
    if not debug_console.is_on():
        raise Http404("The debug console is off.")
    response = render(request, "wiki/_debug_console_content.html", {"console": debug_console.console_of(request.user)})
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
