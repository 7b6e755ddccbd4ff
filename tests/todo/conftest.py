"""Two people of one tenant, one of another, and how each of them reaches Todo0: pages, session calls, bearer calls."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from authserver.models import AuthorizationServer
from authserver.models import Client as OAuthClient
from tenants.models import Realm, User
from tests.todo.people import HOST, ORIGIN, browser_of, make_tenant, make_user
from todo.models import Todo


@pytest.fixture(autouse=True)
def server(db: None) -> AuthorizationServer:
    return AuthorizationServer.objects.get_or_create(realm=Realm.TODO, issuer=ORIGIN)[0]


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
def todo(bob: User) -> Todo:
    return Todo.objects.create(owner=bob, task="Call the dentist")


@pytest.fixture
def bearer(server: AuthorizationServer, bob: User) -> Callable[..., Client]:
    """Return a maker of API clients with an access token of Bob's; its arguments are the token's fields."""
    client, _ = OAuthClient.register(server=server, client_id="wiki0-at-todo0", scope="read write")

    def make(scope: str = "read write", **fields: Any) -> Client:
        token = secrets.token_urlsafe(32)
        row = {
            "user": bob,
            "application": client,
            "token": token,
            "scope": scope,
            "resource": [server.resource],
            "expires": timezone.now() + timedelta(hours=1),
        }
        get_access_token_model().objects.create(**row | fields)
        return Client(headers={"host": HOST, "authorization": f"Bearer {token}"})

    return make
