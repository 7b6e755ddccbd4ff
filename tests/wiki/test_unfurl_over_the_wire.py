"""A card from its link to the wire and back: what leaves for whom, and what an IdP or a Todo0 gone odd can do."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from base.outgoing import session
from crossapp.core import http
from crossapp.requesting_app import api
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import User
from tests.requesting_app import peers
from tests.wiki.people import TODO, browser_of

LINK = f"{TODO}/todos/1"
ITEM = {"id": 1, "task": "Buy avocados", "completed": False}
CARD = {"app": "Todo0", "title": "Buy avocados", "status": "Not started"}
CAPITALS = "HTTP://TODO.LOCALHOST:8000/todos/1"


@pytest.fixture
def wire(bob: User, settings: Settings) -> Iterator[peers.World]:
    """The process's own session with peers at the other end; Bob has signed in, and no token was exchanged yet."""
    settings.CROSSAPP_REQUESTING_APP = {
        **settings.CROSSAPP_REQUESTING_APP,
        "HTTP_SESSION": "base.outgoing.session",
        "SUBJECT_TOKEN_STORE": "tests.requesting_app.peers.MemoryStore",
    }
    ResourceApp.objects.create(
        key="todo0",
        name="Todo0",
        audience=peers.TODO,
        resource=peers.API,
        client_id="wiki0-at-todo0",
        client_secret=peers.TODO_SECRET,
        scope="read write",
    )
    peers.world.__init__()  # type: ignore[misc]
    peers.MemoryStore.kept.clear()
    peers.sign_in(bob)
    before, session().adapters = session().adapters, OrderedDict({"http://": peers.PeersAdapter()})
    session().mount("https://", peers.PeersAdapter())
    peers.world.always["api"] = (200, {"items": [ITEM], "count": 1})
    yield peers.world
    session().adapters = before
    peers.MemoryStore.kept.clear()


def unfurl(browser: Client, url: str = LINK, **options: Any) -> dict[str, Any]:
    response = browser.post("/api/articles/unfurl", {"urls": [url]}, "application/json", **options)
    assert response.status_code == 200
    (card,) = response.json()["cards"]
    return dict(card)


def reason(browser: Client) -> str:
    card = unfurl(browser)
    assert card["card"] is None
    return str(card["reason"]["code"])


@pytest.mark.parametrize("url", [LINK, CAPITALS])
@pytest.mark.clause("RFC 3986", "6.2.2.1", "UF-01 UF-05: a link of one's own, scheme and host in any case")
def test_a_link_becomes_a_card(browser: Client, wire: peers.World, url: str) -> None:
    assert unfurl(browser, url) == {"url": url, "card": CARD, "reason": None}


@pytest.mark.clause("requirements.md", "UF-20", "the link names no address: only configured ones are connected to")
def test_nothing_is_asked_of_the_address_in_the_link(browser: Client, wire: peers.World) -> None:
    unfurl(browser, CAPITALS)
    asked = {"{0.scheme}://{0.netloc}".format(urlsplit(sent.url)) for sent in wire.sent}
    assert asked == {peers.IDP, peers.TODO}
    assert wire.last("api").url == f"{peers.API}/todos?id=1&page_size=100"


@pytest.mark.clause("requirements.md", "UF-34", "no cookie and no address of the viewer leaves")
def test_a_request_carries_the_token_and_nothing_of_the_viewer(browser: Client, wire: peers.World) -> None:
    browser.cookies["viewer"] = "of-the-viewer"
    headers = {
        "X-Forwarded-For": "203.0.113.7",
        "User-Agent": "of-the-viewer",
        "X-Request-ID": "of-the-viewer",
        "Referer": "http://wiki.localhost:8000/pages/1",
    }
    assert unfurl(browser, headers=headers)["card"]
    token = StoredAccessToken.objects.get().access_token
    sent = wire.last("api").headers
    assert sent | {"Host": "", "traceparent": ""} == {
        "Host": "",
        "traceparent": "",
        "User-Agent": "idjag_demo",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive",
        "Authorization": f"Bearer {token}",
    }
    for sent_request in wire.sent:
        assert not {"Cookie", "X-Forwarded-For", "Forwarded", "Referer"} & set(sent_request.headers)
        assert "of-the-viewer" not in repr(sent_request.headers)


@pytest.mark.parametrize("location", ["https://evil.example/", "http://169.254.169.254/latest/", f"{peers.API}/todos"])
@pytest.mark.clause("requirements.md", "UF-21", "a redirect is not followed, so the token stays")
def test_a_redirect_leads_nowhere(browser: Client, wire: peers.World, location: str) -> None:
    wire.always["api"] = (302, b"", {"Location": location})
    assert reason(browser) == "not_set_up"
    assert [sent.url for sent in wire.sent if "Bearer" in sent.headers.get("Authorization", "")] == [
        f"{peers.API}/todos?id=1&page_size=100"
    ]
    assert wire.kinds().count("api") == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param((200, b"<h1>Todo</h1>", "text/html"), "not_set_up", id="HTML"),
        pytest.param((200, {"items": [ITEM]}, "text/html"), "not_set_up", id="JSON called HTML"),
        pytest.param((200, b'{"items": ['), "not_set_up", id="broken JSON"),
        pytest.param((200, b""), "not_set_up", id="nothing"),
        pytest.param((200, [ITEM]), "not_set_up", id="a list"),
        pytest.param((200, b'{"items": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"), "not_set_up", id="nested"),
        pytest.param((200, b"\xff\xfe{}"), "not_set_up", id="no UTF-8"),
        pytest.param((200, b'{"items": [], "x": "' + b"x" * 300_000 + b'"}'), "not_set_up", id="too long"),
        pytest.param((200, {"items": [ITEM | {"task": "x" * 1_000_000}]}), "not_set_up", id="a task of 1 MB"),
    ],
)
@pytest.mark.clause("requirements.md", "UF-22", "an odd answer is a plain link, soon and in little memory")
def test_an_odd_answer_is_a_plain_link(browser: Client, wire: peers.World, answer: Any, code: str) -> None:
    wire.always["api"] = answer
    assert reason(browser) == code
    assert wire.kinds().count("api") == 1
    assert (api.SECONDS, http.MAX_BYTES) == (3.0, 256 * 1024)


@pytest.mark.parametrize(
    ("answer", "code", "asked"),
    [
        ((403, {"error": "insufficient_scope"}), "not_found", 1),
        ((404, {"error": "not_found"}), "not_found", 1),
        ((410, b""), "not_found", 1),
        ((429, b"", {"Retry-After": "3600"}), "no_answer", 1),
        ((500, b"Traceback"), "no_answer", 1),
        (requests.ConnectionError("refused"), "no_answer", 2),  # once more, since the peer did not get it
        (requests.ReadTimeout("slow"), "no_answer", 1),
    ],
    ids=["403", "404", "410", "429", "500", "refused", "silent"],
)
@pytest.mark.clause("requirements.md", "UF-23", "an error is a plain link; forbidden and missing look alike")
def test_an_error_of_todo0_is_a_plain_link(
    browser: Client, wire: peers.World, answer: Any, code: str, asked: int
) -> None:
    wire.always["api"] = answer
    assert reason(browser) == code
    assert wire.kinds() == ["token_exchange", "jwt_bearer"] + ["api"] * asked


@pytest.mark.clause("RFC 6750", "3.1", "UF-23: a refused token is replaced once")
def test_a_token_that_todo0_refuses_is_replaced_once(browser: Client, wire: peers.World) -> None:
    wire.next["api"] = [(401, {"error": "invalid_token"})]
    assert unfurl(browser)["card"] == CARD
    assert wire.kinds() == ["token_exchange", "jwt_bearer", "api"] * 2
    wire.always["api"] = (401, {"error": "invalid_token"})
    assert reason(browser) == "not_set_up"
    assert wire.kinds().count("token_exchange") == 3


@pytest.mark.parametrize("kind", ["metadata", "token_exchange"])
@pytest.mark.parametrize(
    "outage", [requests.ReadTimeout("slow"), requests.ConnectTimeout("slow"), (503, b"")], ids=["slow", "gone", "503"]
)
@pytest.mark.clause("requirements.md", "UF-26", "without IdP and token there is a plain link, after one attempt")
def test_an_idp_that_is_down_costs_one_attempt(browser: Client, wire: peers.World, kind: str, outage: Any) -> None:
    wire.always[kind] = outage
    assert [reason(browser) for _ in range(5)] == ["no_answer"] * 5
    assert [sent.kind for sent in wire.sent].count(kind) == 1
    assert http.TOTAL_SECONDS <= 5


@pytest.mark.clause("requirements.md", "UF-38", "an IdP that hangs keeps one of many viewers waiting")
def test_fifty_viewers_of_a_page_do_not_all_wait_for_an_idp_that_hangs(
    bob: User, wire: peers.World, settings: Settings
) -> None:
    wire.always["token_exchange"] = requests.ReadTimeout("slow")
    viewers = [bob, *User.objects.bulk_create(_colleague_of(bob, number) for number in range(49))]
    for viewer in viewers:
        peers.sign_in(viewer)
        assert reason(browser_of(viewer)) == "no_answer"
    assert wire.kinds() == ["token_exchange"]


def _colleague_of(bob: User, number: int) -> User:
    name = f"colleague-{number}"
    return User(username=name, realm=bob.realm, tenant=bob.tenant, issuer=bob.issuer, sub=name)


@pytest.mark.clause("requirements.md", "CL-33 UF-31", "each viewer is asked for with a token of their own")
def test_two_viewers_of_a_page_use_a_token_each(browser: Client, bob: User, colleague: User, wire: peers.World) -> None:
    peers.sign_in(colleague, id_token=peers.id_token(sub="trinity"))
    wire.next["api"] = [(200, {"items": [ITEM], "count": 1}), (200, {"items": [], "count": 0})]
    assert unfurl(browser)["card"] == CARD
    assert unfurl(browser_of(colleague))["reason"]["code"] == "not_found"
    theirs = [f"Bearer {StoredAccessToken.objects.get(user=user).access_token}" for user in (bob, colleague)]
    assert [sent.headers["Authorization"] for sent in wire.sent if sent.kind == "api"] == theirs
    assert theirs[0] != theirs[1]


@pytest.mark.clause("requirements.md", "UF-27 UF-28", "text of an answer is data, its URLs are not used")
def test_of_an_answer_only_two_fields_count_and_they_are_text(browser: Client, wire: peers.World) -> None:
    evil = {
        "task": "<script>alert(1)</script>\u202e\x00" + "y" * 10_000,
        "completed": True,
        "url": "https://evil.example/",
        "icon": "https://evil.example/tracker.png",
        "app": "Your bank",
        "status": "<b>x</b>",
    }
    wire.always["api"] = (200, {"items": [ITEM | evil], "count": 1})
    card = unfurl(browser)["card"]
    assert set(card) == {"app", "title", "status"}
    assert (card["app"], card["status"]) == ("Todo0", "Completed")
    assert card["title"].startswith("<script>alert(1)</script> yyy")
    assert len(card["title"]) == 200
    assert not {"\u202e", "\x00"} & set(card["title"])
    assert "evil.example" not in repr(card)


def test_a_page_is_read_and_saved_while_todo0_is_down(browser: Client, bob: User, wire: peers.World) -> None:
    wire.always |= {"metadata": requests.ReadTimeout("slow"), "api": requests.ReadTimeout("slow")}
    number = browser.post(
        "/api/articles", {"title": "t", "content": f"<p>{LINK}</p>"}, content_type="application/json"
    ).json()["id"]
    assert browser.get(f"/pages/{number}").status_code == 200
    assert wire.sent == []
    cache.clear()
    assert reason(browser) == "no_answer"
