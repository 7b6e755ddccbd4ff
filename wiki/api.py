"""The API of Wiki0: pages, and cards for the links in them. Its own pages use a session, other apps an access token."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Status

from authserver.bearer import SessionOnly
from authserver.json_api import BODY, READ, WRITE, ApiRequest, JsonAPI, errors, page_of
from base.limits import UNFURL
from tenants.single_sign_on import step_up
from wiki import debug_console
from wiki.demo_page import create_demo_page
from wiki.models import Article
from wiki.reasons import Reason
from wiki.saving import Conflict, save_changes
from wiki.schemas import (
    ArticleChanges,
    ArticleOut,
    ArticlePage,
    ConflictOut,
    DecodedTokens,
    NewArticle,
    Paging,
    UnfurledUrls,
    Urls,
)
from wiki.unfurl import Card, unfurl

api = JsonAPI(
    title="Wiki0 API",
    description=(
        "The pages of the organisation of the person who signed in, or for whom the access token was issued. Scope "
        "`read` reads them, scope `write` changes one's own; to change others' answers 404."
    ),
    urls_namespace="wiki_api",
    max_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)
ARTICLES, DEMO = ["Pages"], ["Demo"]


@api.exception_handler(Conflict)
def _conflict(request: HttpRequest, conflict: Conflict) -> HttpResponse:
    body = {"error": "conflict", "error_description": str(conflict), "version": conflict.article.version}
    return JsonResponse(body, status=409)


@api.get("/articles", auth=READ, response={200: ArticlePage, **errors(422)}, summary="List pages", tags=ARTICLES)
def list_articles(request: ApiRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Lists the pages of the organisation, last changed first."""
    return page_of(Article.objects.visible_to(request.auth.user), page=paging.page, size=paging.page_size)


@api.post("/articles", auth=WRITE, response={201: ArticleOut, **errors(*BODY)}, summary="Add a page", tags=ARTICLES)
def create_article(request: ApiRequest, body: NewArticle) -> Status[Article]:
    """The caller is its author. Markup that the editor cannot produce is removed."""
    return Status(201, Article.objects.create(author=request.auth.user, **body.dict()))


@api.post("/articles/demo", auth=WRITE, response={201: ArticleOut, **errors()}, summary="Add the demo page", tags=DEMO)
def create_demo(request: ApiRequest) -> Status[Article]:
    """The example is one of your todos if you are signed in here. A bearer token has no sign-in to exchange."""
    return Status(201, create_demo_page(request.auth.user, ask_todo0=request.auth.client is None))


@api.post(
    "/articles/unfurl",
    auth=SessionOnly(),
    response={200: UnfurledUrls, **errors(*BODY)},
    summary="Get cards for links (session only)",
    tags=["Cards"],
)
def unfurl_urls(request: ApiRequest, body: Urls) -> dict[str, Any]:
    """Returns a card, or the reason for its absence, for each URL. Wiki0 asks Todo0 as you and stores nothing."""
    UNFURL.count(request.auth.user.pk)
    results = unfurl(user=request.auth.user, urls=body.urls)
    for reason in (result for result in results if isinstance(result, Reason)):
        step_up.remember(request, reason.sign_in_parameters)
    return {"cards": [_unfurled(url, result) for url, result in zip(body.urls, results, strict=True)]}


@api.get(
    "/articles/{int:article_id}",
    auth=READ,
    response={200: ArticleOut, **errors(404)},
    summary="Read a page",
    tags=ARTICLES,
)
def get_article(request: ApiRequest, article_id: int) -> Article:
    """Returns one page of the organisation."""
    return get_object_or_404(Article.objects.visible_to(request.auth.user), pk=article_id)


@api.put(
    "/articles/{int:article_id}",
    auth=WRITE,
    response={200: ArticleOut, 204: None, 409: ConflictOut, **errors(404, *BODY)},
    summary="Change a page",
    tags=ARTICLES,
)
def change_article(request: ApiRequest, article_id: int, body: ArticleChanges) -> Status[Article | None]:
    """With `version`, a change is refused if that is not the current version. Without it, the last change wins.

    The answer shows the whole page, so without the scope `read` it is empty (204).
    """
    article = save_changes(author=request.auth.user, article_id=article_id, **body.dict())
    return Status(200, article) if "read" in request.auth.scopes else Status(204, None)


@api.delete(
    "/articles/{int:article_id}",
    auth=WRITE,
    response={204: None, **errors(404)},
    summary="Delete a page",
    tags=ARTICLES,
)
def delete_article(request: ApiRequest, article_id: int) -> Status[None]:
    """Deletes one of the caller's pages permanently."""
    get_object_or_404(Article.objects.changeable_by(request.auth.user), pk=article_id).delete()
    return Status(204, None)


@api.get(
    "/tokens",
    auth=SessionOnly(),
    response={200: DecodedTokens, **errors(404)},
    summary="Read my last tokens, decoded (session only)",
    tags=DEMO,
)
def tokens(request: ApiRequest) -> debug_console.Console:
    """Returns the claims that the debug console recorded, never a token. Outside demo mode the answer is 404."""
    if not debug_console.is_on():
        raise Http404
    return debug_console.console_of(request.auth.user)


def _unfurled(url: str, result: Card | Reason) -> dict[str, Any]:
    is_card = isinstance(result, Card)
    return {"url": url, "card": result if is_card else None, "reason": None if is_card else result}
