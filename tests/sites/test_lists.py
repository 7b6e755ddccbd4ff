"""Lists are pages of a hundred at most, and however long one is, it costs the same statements."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Act, AuditEvent, Outcome
from authserver.models import Client
from idp.models import CrossAppPolicy
from tenants.models import IdPConnection, Realm, SubjectTokens, Tenant, User
from tests.sites.test_endpoints import signed_in_at
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from todo.models import Todo
from wiki.models import Article

BOB = "bob@tables.fake"
MOST = 100


def statements(ask: Callable[[], Any]) -> int:
    """Return how many statements `ask` takes, after one that fills the caches of the process."""
    ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


def many_todos(owner: User, number: int) -> list[Todo]:
    return Todo.objects.bulk_create(Todo(owner=owner, task=f"Task {n}") for n in range(number))


def many_articles(author: User, number: int) -> None:
    page = {"author": author, "tenant": author.tenant, "content": "<p>x</p>"}
    Article.objects.bulk_create(Article(title=f"Page {n}", **page) for n in range(number))


@pytest.mark.parametrize(("realm", "path"), [("todo", "/api/todos"), ("wiki", "/api/articles")])
@pytest.mark.clause("OWASP API", "4", "LIM-15 LIM-16")
def test_a_list_of_an_api_has_a_hundred_rows_and_costs_the_same(demo: Demo, realm: str, path: str) -> None:
    browser = signed_in_at(realm)
    user = User.objects.filter(realm=realm).order_by("pk")[0]
    few = statements(lambda: browser.get(path))
    (many_todos if realm == "todo" else many_articles)(user, 1000)
    answer = browser.get(path, {"page_size": MOST}).json()
    assert (len(answer["items"]), answer["count"] > 1000) == (MOST, True)
    assert len(browser.get(path).json()["items"]) <= MOST
    assert browser.get(path, {"page_size": MOST + 1}).status_code == 422
    counted = few + 1  # a page that is full does not tell how many rows there are
    assert statements(lambda: browser.get(path, {"page_size": MOST})) == counted


@pytest.mark.clause("OWASP API", "4", "LIM-15 LIM-16")
def test_the_list_of_pages_comes_in_pages_and_costs_the_same(demo: Demo) -> None:
    browser = signed_in_at("wiki")
    user = User.objects.filter(realm="wiki").order_by("pk")[0]
    many_articles(user, 5)
    few = statements(lambda: browser.get("/pages/"))
    many_articles(user, 1000)
    page = browser.get("/pages/")
    assert len(page.context["articles"]) <= MOST
    assert statements(lambda: browser.get("/pages/")) == few


@pytest.mark.clause("OWASP API", "4", "LIM-15 LIM-16")
def test_the_list_of_todos_comes_in_pages_and_costs_the_same(demo: Demo) -> None:
    browser = signed_in_at("todo")
    user = User.objects.filter(realm="todo").order_by("pk")[0]
    few = statements(lambda: browser.get("/"))
    many_todos(user, 300)
    assert statements(lambda: browser.get("/")) == few
    shown = [browser.get("/", {"page": page}).content.decode().count("data-todo>") for page in ("", 2, 4, "x", 99)]
    assert shown == [MOST, MOST, 3, MOST, 3]
    looking_at = {"hx-request": "true", "hx-current-url": "http://todo.localhost:8000/?page=4"}
    part = browser.post("/", {"task": "One more"}, headers=looking_at)
    assert part.content.decode().count("data-todo>") == 4


@pytest.mark.clause("OWASP API", "4", "LIM-16")
def test_a_page_of_a_hundred_links_costs_what_a_page_of_one_does(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    owner = User.objects.get(realm="todo", email=BOB)
    links = [f"http://todo.localhost:8000/todos/{todo.pk}" for todo in many_todos(owner, MOST)]
    one = statements(lambda: demo.unfurl(links[:1]))
    assert statements(lambda: demo.unfurl(links)) == one + 1  # a full page of todos does not tell how many there are
    assert all(card["card"] for card in demo.unfurl(links))
    refused = {card["reason"]["code"] for card in demo.unfurl([f"{links[0]}{n}" for n in range(10, 90)])}
    assert refused == {"not_found"}


def fill_every_table() -> None:
    """Make thirty more rows of what the operator has lists of."""
    tenants = Tenant.objects.bulk_create(Tenant(slug=f"tenant-{n}", name=f"Tenant {n}") for n in range(30))
    for n, tenant in enumerate(tenants):
        fields = {"client_id": "x", "client_secret": "x"}
        connection = IdPConnection.objects.create(tenant=tenant, app="wiki", issuer=f"https://{n}.example", **fields)
        user = User.objects.create(username=f"wiki:{n}", realm=Realm.WIKI, tenant=tenant, sub=str(n))
        owner = User.objects.create(username=f"todo:{n}", realm=Realm.TODO, tenant=tenant, sub=str(n))
        person = User.objects.create(
            username=f"idp:{n}", realm=Realm.IDP, tenant=tenant, sub=str(n), email=f"p{n}@x.fake"
        )
        SubjectTokens.objects.create(
            user=user, connection=connection, id_token="x", id_token_expires_at=user.date_joined, refresh_token=""
        )
        many_articles(user, 1)
        many_todos(owner, 1)
        first = CrossAppPolicy.objects.order_by("pk")[0]
        client, _ = Client.register(server=first.server, client_id=f"client{n}", name="x", grants=[], scope="openid")
        policy = CrossAppPolicy.objects.create(
            server=first.server,
            client=client,
            audience="https://x.example",
            resource="https://x.example/api",
            scope="read",
        )
        policy.users.add(person)
        AuditEvent(act=Act.SIGN_IN, outcome=Outcome.DONE, tenant=tenant.slug).save()


@pytest.mark.clause("OWASP API", "4", "LIM-16")
def test_the_operators_lists_cost_the_same_however_long_they_are(demo: Demo) -> None:
    operator = signed_in_at("staff")
    lists = {model: _list_of(model) for model in admin.site._registry}
    before = {model: statements(lambda url=url: operator.get(url)) for model, url in lists.items()}
    rows = {model: model._default_manager.count() for model in lists}
    fill_every_table()
    cache.clear()
    after = {model: statements(lambda url=url: operator.get(url)) for model, url in lists.items()}
    grown = [model for model in lists if model._default_manager.count() >= rows[model] + 30]
    assert len(grown) >= 8
    assert {model.__name__: (before[model], after[model]) for model in grown if after[model] > before[model] + 1} == {}


def _list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.clause("OWASP API", "4", "LIM-15")
def test_the_operators_lists_have_a_hundred_rows_even_if_asked_for_all(demo: Demo) -> None:
    for model, options in admin.site._registry.items():
        assert options.list_per_page <= MOST, model
        assert options.list_max_show_all <= MOST, model
    User.objects.bulk_create(
        User(username=f"wiki:{n}", realm=Realm.WIKI, tenant=Tenant.objects.all()[0], sub=str(n)) for n in range(150)
    )
    operator: Browser = signed_in_at("staff")
    for query in ({}, {"all": ""}, {"list_per_page": "1000"}, {"p": "1"}):
        page = operator.get("/admin/tenants/user/", query, follow=True)
        assert page.status_code == 200
        assert page.content.decode().count('name="_selected_action"') <= MOST, query
