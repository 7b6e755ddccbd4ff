"""How often the database is asked: a page waits for each time. Which statements those are stands in each test."""

import pytest
from django.conf import settings
from pytest_django import Settings

from crossapp.requesting_app.models import Lease, StoredAccessToken
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.kept_rows import forget_rows
from tests.support.statements import statements_by_request
from wiki.models import Article, RecordedStep

pytestmark = pytest.mark.django_db(transaction=True)  # as it is outside of tests, rows that rarely change are kept

BOB = "bob@tables.fake"
UNFURL = "POST wiki.localhost /api/articles/unfurl"
EXCHANGE = "POST customer1.idp.localhost /oauth2/v1/token"
REDEMPTION = "POST todo.localhost /oauth2/v1/token"
API = "GET todo.localhost /api/todos"

WHO_ASKS = ["SELECT django_session", "SELECT tenants_user"]  # the user's row brings the tenant's
HELD_TOKEN = ["SELECT crossapp_requesting_storedaccesstoken"]
DEBUG_CONSOLE = ["INSERT wiki_recordedstep"]  # each tenth time a SELECT, which looks for surplus ones
CLAIM = ["UPDATE crossapp_requesting_lease", *HELD_TOKEN]  # a token may have come until now
SUBJECT_TOKENS = ["SELECT tenants_subjecttokens"]  # the second time: is the user signed in still?
STORE = ["UPDATE crossapp_requesting_storedaccesstoken", "INSERT crossapp_requesting_storedaccesstoken"]
RELEASE = ["UPDATE crossapp_requesting_lease"]


@pytest.fixture
def links(demo: Demo) -> list[str]:
    """Thirty links to todos of Bob, who is signed in and has seen a card before."""
    sign_in(demo.browser, "wiki", BOB)
    links = [demo.link_to(BOB, f"Task {number}") for number in range(30)]
    forget_rows()  # those just saved are not kept for a while
    assert demo.unfurl(links[:1])[0]["card"]
    return links


@pytest.mark.parametrize("number", [1, 30])
def test_a_card_with_a_token_at_hand(demo: Demo, links: list[str], number: int) -> None:
    with statements_by_request() as made:
        demo.unfurl(links[:number])
    assert made[UNFURL] == [*WHO_ASKS, *HELD_TOKEN, *DEBUG_CONSOLE]
    assert len(made[API]) <= 2
    assert made.keys() == {"GET wiki.localhost /pages/", UNFURL, API}


def test_outside_the_demo_nothing_is_written_for_a_card(demo: Demo, links: list[str], settings: Settings) -> None:
    settings.DEMO = False
    with statements_by_request() as made:
        demo.unfurl(links)
    assert made[UNFURL] == [*WHO_ASKS, *HELD_TOKEN]


def test_thirty_cards_with_a_new_token(demo: Demo, links: list[str]) -> None:
    StoredAccessToken.objects.all().delete()
    RecordedStep.objects.all().delete()
    with statements_by_request() as made:
        demo.unfurl(links)
    exchange = [*CLAIM, *SUBJECT_TOKENS, *SUBJECT_TOKENS, *STORE, *RELEASE]
    assert made[UNFURL] == [*WHO_ASKS, *HELD_TOKEN, *exchange, *DEBUG_CONSOLE]
    assert len(made[EXCHANGE]) <= 5
    assert len(made[REDEMPTION]) <= 5
    assert len(made[API]) <= 2
    assert [step.kind for step in RecordedStep.objects.order_by("pk")] == ["token_exchange", "jwt_bearer", "api"]


def test_a_token_that_has_expired_is_overwritten(demo: Demo, links: list[str]) -> None:
    StoredAccessToken.objects.update(expires_at="2020-01-01T00:00Z")
    with statements_by_request() as made:
        demo.unfurl(links)
    exchange = [*CLAIM, *SUBJECT_TOKENS, *SUBJECT_TOKENS, STORE[0], *RELEASE]
    assert made[UNFURL] == [*WHO_ASKS, *HELD_TOKEN, *exchange, *DEBUG_CONSOLE]


def test_the_first_exchange_of_a_person_makes_their_lease(demo: Demo, links: list[str]) -> None:
    StoredAccessToken.objects.all().delete()
    Lease.objects.all().delete()
    with statements_by_request() as made:
        demo.unfurl(links)
    first = ["UPDATE crossapp_requesting_lease", "SELECT crossapp_requesting_lease", "INSERT crossapp_requesting_lease"]
    assert made[UNFURL][3:7] == [*first, *HELD_TOKEN]


def test_a_failure_of_a_moment_ago(demo: Demo, links: list[str]) -> None:
    StoredAccessToken.objects.all().delete()
    demo.network.unreachable.add("customer1.idp.localhost:8000")
    assert demo.unfurl(links)[0]["reason"]["code"] == "no_answer"
    with statements_by_request() as made:
        demo.unfurl(links)
    assert made[UNFURL] == [*WHO_ASKS, *HELD_TOKEN]


def test_the_pages_of_the_wiki(demo: Demo, links: list[str]) -> None:
    article = Article.objects.create(author=StoredAccessToken.objects.get().user, content=" ".join(links))
    browser = demo.browser
    with statements_by_request() as made:
        for path in ("/", "/pages/", f"/pages/{article.pk}"):
            assert browser.get(f"{settings.ORIGINS['wiki']}{path}").status == 200
    assert made == {
        "GET wiki.localhost /": WHO_ASKS,
        "GET wiki.localhost /pages/": [*WHO_ASKS, "SELECT wiki_article", "SELECT wiki_article"],  # how many; and which
        f"GET wiki.localhost /pages/{article.pk}": [*WHO_ASKS, "SELECT wiki_article"],  # it brings the author's row
    }
