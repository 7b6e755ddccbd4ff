"""Requests and responses of Wiki0's API. Other members of a body are ignored."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import AfterValidator, ConfigDict

from authserver.json_api import ErrorOut
from wiki.content import MAX_CONTENT, sanitise
from wiki.models import MAX_TITLE, Article
from wiki.unfurl import MAX_URLS

MAX_PAGE = 1_000_000
MAX_PAGE_SIZE = 100


class Body(Schema):
    model_config = ConfigDict(strict=True)


Content = Annotated[str, Field(max_length=MAX_CONTENT), AfterValidator(sanitise)]


class NewArticle(Body):
    title: str = Field(min_length=1, max_length=MAX_TITLE)
    content: Content = Field("", description="HTML; markup that the editor cannot produce is removed.")


class ArticleChanges(Body):
    """Fields that are omitted or null stay as they are."""

    title: str | None = Field(None, min_length=1, max_length=MAX_TITLE)
    content: Content | None = None
    version: int | None = Field(
        None, ge=1, description="The version that the change is based on: 409 if it is not the current one."
    )
    change: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="A random name of the change. A request that repeats it after a lost answer changes nothing.",
    )


class Urls(Body):
    urls: list[str] = Field(max_length=MAX_URLS)


class Paging(Schema):
    page: int = Field(1, ge=1, le=MAX_PAGE)
    page_size: int = Field(20, ge=1, le=MAX_PAGE_SIZE)


class ArticleOut(Schema):
    id: int
    url: str
    title: str
    content: str
    author: str
    version: int
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def resolve_author(article: Article) -> str:
        return article.author.display_name


class ArticlePage(Schema):
    """`count` is the number of articles on all pages together."""

    items: list[ArticleOut]
    count: int


class CardOut(Schema):
    app: str
    title: str
    status: str


class ReasonOut(Schema):
    """For a failure: the party and the step, and a reference that finds its log lines. Otherwise they are empty."""

    code: str
    text: str
    party: str
    step: str
    reference: str


class Unfurled(Schema):
    url: str
    card: CardOut | None
    reason: ReasonOut | None


class UnfurledUrls(Schema):
    cards: list[Unfurled]


class DecodedTokens(Schema):
    """Header and claims of each token; null if none was recorded."""

    id_token: Any
    id_jag: Any
    access_token: Any


class ConflictOut(ErrorOut):
    version: int
