"""The page that the button Create page creates: it explains the flow with one of the author's todos."""

from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string

from tenants.models import User
from wiki.models import Article
from wiki.unfurl import TodosUnavailable, ask_for_todos

TITLE = "A todo inside a page"


def create_demo_page(user: User, *, ask_todo0: bool = True, form_key: UUID | None = None) -> Article:
    """Create and return the demo page of `user`.

    The example is the first todo that Todo0's API lists for `user`; if there is none, the page gives the reason.
    Without `ask_todo0` it does not call Todo0: a caller with only a bearer token has no sign-in to exchange.
    """
    example, reason = _example(user) if ask_todo0 else ("", "Todo0 is asked only for a signed-in user")
    context = {"example": example, "reason": reason, "todo0": settings.ORIGINS["todo"]}
    content = render_to_string("wiki/demo_page_content.html", context)
    return Article.objects.create_once(author=user, form_key=form_key, title=TITLE, content=content)


def _example(user: User) -> tuple[str, str]:
    try:
        todos = ask_for_todos(user=user, page_size=1)
    except TodosUnavailable as unavailable:
        return "", unavailable.reason.text
    return (f"{settings.ORIGINS['todo']}/todos/{todos[0]['id']}", "") if todos else ("", "")
