"""Two people of one tenant, one of another, a page, and a Todo0 that answers what the test says."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from authserver.models import AuthorizationServer
from authserver.models import Client as OAuthClient
from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.flow import ApiResponse
from crossapp.requesting_app.models import ResourceApp
from tenants.models import Realm, User
from tests.wiki.people import HOST, ORIGIN, TODO, browser_of, make_tenant, make_user
from wiki.models import Article


@pytest.fixture(autouse=True)
def server(db: None) -> AuthorizationServer:
    return AuthorizationServer.objects.get_or_create(realm=Realm.WIKI, issuer=ORIGIN)[0]


@pytest.fixture
def bob(server: AuthorizationServer) -> User:
    return make_user(make_tenant("customer1"), "bob")


@pytest.fixture
def colleague(bob: User) -> User:
    assert bob.tenant
    return make_user(bob.tenant, "trinity")


@pytest.fixture
def stranger(server: AuthorizationServer) -> User:
    return make_user(make_tenant("customer2"), "john")


@pytest.fixture
def browser(bob: User) -> Client:
    return browser_of(bob)


@pytest.fixture
def article(bob: User) -> Article:
    return Article.objects.create(author=bob, title="Guacamole", content="<p>Avocados</p>")


@pytest.fixture
def bearer(server: AuthorizationServer, bob: User) -> Callable[..., Client]:
    """Return a maker of API clients with an access token of Bob's."""
    client, _ = OAuthClient.register(server=server, client_id="todo0-at-wiki0", scope="read write")

    def make(scope: str = "read write") -> Client:
        token = secrets.token_urlsafe(32)
        get_access_token_model().objects.create(
            token=token,
            user=bob,
            application=client,
            scope=scope,
            resource=[f"{ORIGIN}/api"],
            expires=timezone.now() + timedelta(minutes=5),
        )
        return Client(headers={"host": HOST, "authorization": f"Bearer {token}"}, enforce_csrf_checks=True)

    return make


@dataclass
class FakeTodo0:
    """Todo0's API as `flow.call_api` shows it: todos by their owner, or what the test wants answered instead."""

    todos: dict[int, tuple[User, str, bool]] = field(default_factory=dict)
    answer: ApiResponse | CrossAppError | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def add(self, owner: User, number: int, task: str = "Buy avocados", *, completed: bool = False) -> str:
        self.todos[number] = (owner, task, completed)
        return f"{TODO}/todos/{number}"

    def fail(self, cause: Cause) -> None:
        self.answer = CrossAppError(cause, "as the test wants it", step="token_exchange")

    def call_api(self, **call: Any) -> ApiResponse:
        self.calls.append(call)
        if isinstance(self.answer, CrossAppError):
            raise self.answer
        if self.answer is not None:
            return self.answer
        wanted = call["params"].get("id", list(self.todos))
        items = [
            {"id": number, "task": task, "completed": completed, "url": f"https://evil.example/{number}"}
            for number, (owner, task, completed) in self.todos.items()
            if number in wanted and owner == call["user"]
        ]
        return ApiResponse(200, {"items": items[: call["params"]["page_size"]], "count": len(items)})


@pytest.fixture
def todo0(db: None, monkeypatch: pytest.MonkeyPatch) -> FakeTodo0:
    ResourceApp.objects.create(
        key="todo0",
        name="Todo0",
        audience=TODO,
        resource=f"{TODO}/api",
        client_id="wiki0-at-todo0",
        client_secret="not used here",
        scope="read write",
    )
    fake = FakeTodo0()
    monkeypatch.setattr("crossapp.requesting_app.flow.call_api", fake.call_api)
    return fake
