"""Saving pages without losing concurrent changes: each change names the version it is based on."""

from django.db import transaction
from django.http import Http404

from tenants.models import User
from wiki.models import Article


class Conflict(Exception):
    """The page has changed since the version that the change is based on; `article` is the stored page."""

    def __init__(self, article: Article) -> None:
        super().__init__("Another request has changed the page.")
        self.article = article


def save_changes(
    *,
    author: User,
    article_id: int,
    title: str | None = None,
    content: str | None = None,
    version: int | None = None,
    change: str | None = None,
) -> Article:
    """Store a new title, a new content or both and return the page.

    `version` is the one that the author has seen; without it the last change wins. `change` names the change: if it was
    the last one already, nothing happens. Raises `Conflict`, and `Http404` if the page is not the author's.
    """
    with transaction.atomic():
        article = Article.objects.select_for_update().changeable_by(author).filter(pk=article_id).first()
        if article is None:
            raise Http404("No such page.")
        if change and change == article.change:
            return article
        if version is not None and version != article.version:
            raise Conflict(article)
        article.title = article.title if title is None else title
        article.content = article.content if content is None else content
        article.version += 1
        article.change = change or ""
        article.save()
    return article
