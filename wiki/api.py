"""The API of Wiki0: pages, and cards for the links in them. For its own pages by session, for other apps by token."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Status

from authserver.bearer import BearerError, Caller, require_scope
from authserver.json_api import JsonAPI
from tenants.throttling import UNFURL
from wiki import debug_console
from wiki.demo_page import create_demo_page
from wiki.models import Article
from wiki.saving import Conflict, save_changes
from wiki.schemas import (
    ArticleChanges,
    ArticleOut,
    ArticlePage,
    ConflictOut,
    DecodedTokens,
    ErrorOut,
    NewArticle,
    Paging,
    UnfurledUrls,
    Urls,
    UserOut,
)
from wiki.unfurl import Card, Reason, unfurl

ERRORS = {(400, 401, 403, 404, 405, 413, 415, 422, 429): ErrorOut}

api = JsonAPI(
    title="Wiki0 API",
    description=(
        "The pages of the organisation of the person who signed in, or for whom the access token was issued. Scope "
        "`read` reads them, scope `write` changes one's own; to change others' answers 404."
    ),
    urls_namespace="wiki_api",
    max_body=900_000,
)


class ApiRequest(HttpRequest):
    auth: Caller


@api.exception_handler(Conflict)
def _conflict(request: HttpRequest, conflict: Conflict) -> HttpResponse:
    body = {"error": "conflict", "error_description": str(conflict), "version": conflict.article.version}
    return JsonResponse(body, status=409)


@api.get("/users/me", response={200: UserOut, **ERRORS}, summary="Who I am")
def me(request: ApiRequest) -> dict[str, Any]:
    require_scope(request, "read")
    user = request.auth.user
    tenant = user.tenant.name if user.tenant else ""
    return {"id": user.pk, "name": user.get_full_name(), "email": user.email, "organisation": tenant}


@api.get("/articles", response={200: ArticlePage, **ERRORS}, summary="List pages")
def list_articles(request: ApiRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Last changed first."""
    require_scope(request, "read")
    articles = Article.objects.visible_to(request.auth.user)
    start = (paging.page - 1) * paging.page_size
    return {"items": articles[start : start + paging.page_size], "count": articles.count()}


@api.post("/articles", response={201: ArticleOut, **ERRORS}, summary="Add a page")
def create_article(request: ApiRequest, body: NewArticle) -> Status[Article]:
    require_scope(request, "write")
    return Status(201, Article.objects.create(author=request.auth.user, **body.dict()))


@api.post("/articles/demo", response={201: ArticleOut, **ERRORS}, summary="Add the demo page")
def create_demo(request: ApiRequest) -> Status[Article]:
    """Its example is a todo of yours if you are signed in here; a bearer token brings no sign-in to exchange."""
    require_scope(request, "write")
    return Status(201, create_demo_page(request.auth.user, ask_todo0=request.auth.client is None))


@api.post("/articles/unfurl", response={200: UnfurledUrls, **ERRORS}, summary="Get cards for links (session only)")
def unfurl_urls(request: ApiRequest, body: Urls) -> dict[str, Any]:
    """A card, or the reason why there is none, for each url. Todo0 is asked as you, now; nothing is stored."""
    _require_session(request)
    UNFURL.count(request.auth.user.pk)
    results = unfurl(user=request.auth.user, urls=body.urls)
    return {"cards": [_unfurled(url, result) for url, result in zip(body.urls, results, strict=True)]}


@api.get("/articles/{int:article_id}", response={200: ArticleOut, **ERRORS}, summary="Read a page")
def get_article(request: ApiRequest, article_id: int) -> Article:
    require_scope(request, "read")
    return get_object_or_404(Article.objects.visible_to(request.auth.user), pk=article_id)


@api.put("/articles/{int:article_id}", response={200: ArticleOut, 409: ConflictOut, **ERRORS}, summary="Change a page")
def change_article(request: ApiRequest, article_id: int, body: ArticleChanges) -> Article:
    """With `version`, a change made on another version than the current one is refused; without, the last one wins."""
    require_scope(request, "write")
    return save_changes(author=request.auth.user, article_id=article_id, **body.dict())


@api.delete("/articles/{int:article_id}", response={204: None, **ERRORS}, summary="Delete a page")
def delete_article(request: ApiRequest, article_id: int) -> Status[None]:
    require_scope(request, "write")
    get_object_or_404(Article.objects.changeable_by(request.auth.user), pk=article_id).delete()
    return Status(204, None)


@api.get("/tokens", response={200: DecodedTokens, **ERRORS}, summary="See my last tokens decoded (demo, session only)")
def tokens(request: ApiRequest) -> debug_console.Console:
    """What the debug console recorded: claims, never a token."""
    _require_session(request)
    if not debug_console.is_on():
        raise Http404
    return debug_console.console_of(request.auth.user)


EVERY_METHOD = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


@api.api_operation(EVERY_METHOD, "/{path:rest}", include_in_schema=False)
def no_such_path(request: ApiRequest, rest: str) -> HttpResponse:
    raise Http404


def _require_session(request: ApiRequest) -> None:
    """Refuse a bearer token: whoever holds one has no right to a person's data elsewhere, nor to recorded exchanges."""
    if request.auth.client is not None:
        raise BearerError(403, "forbidden", "This is for people signed in here, not for bearer tokens.")


def _unfurled(url: str, result: Card | Reason) -> dict[str, Any]:
    is_card = isinstance(result, Card)
    return {"url": url, "card": result if is_card else None, "reason": None if is_card else result}
