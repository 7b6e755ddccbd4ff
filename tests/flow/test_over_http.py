"""The flow over real HTTP: several threads of one server, each with its own database connection."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from oauth2_provider.models import get_access_token_model

from crossapp.requesting_app.models import StoredAccessToken
from tests.support.in_process import sign_in
from tests.support.over_http import HttpBrowser
from todo.models import Todo

BOB = "bob@tables.fake"
AT_ONCE = 8


def unfurl(browser: HttpBrowser, url: str) -> dict[str, Any]:
    answer = browser.session.post(
        f"{settings.ORIGINS['wiki']}/api/articles/unfurl",
        json={"urls": [url]},
        headers={
            "Origin": settings.ORIGINS["wiki"],
            "X-CSRFToken": browser.cookie("wiki.localhost", settings.CSRF_COOKIE_NAME),
        },
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["cards"][0])


@pytest.mark.slow
def test_many_requests_at_once_make_one_exchange(live_demo: dict[str, str]) -> None:
    browser = HttpBrowser()
    sign_in(browser, "wiki", BOB)
    browser.get(f"{live_demo['wiki']}/pages/")
    todo = Todo.objects.filter(owner__email=BOB)[0]
    link = f"{live_demo['todo']}/todos/{todo.pk}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        cards = list(pool.map(lambda _: unfurl(browser, link), range(AT_ONCE)))

    assert [card["card"] and card["card"]["title"] for card in cards] == [todo.task] * AT_ONCE
    assert get_access_token_model().objects.filter(application__client_id="wiki0-at-todo0").count() == 1
    assert StoredAccessToken.objects.count() == 1
