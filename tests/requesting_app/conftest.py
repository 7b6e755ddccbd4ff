"""The requesting app as its tests configure it, whatever the settings around it: peers in the process, nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from crossapp.requesting_app.models import ResourceApp
from tests.requesting_app import peers


@pytest.fixture(autouse=True)
def world(settings: Any) -> Iterator[peers.World]:
    """The peers, with a clean memory."""
    settings.CROSSAPP_REQUESTING_APP = {
        "ENCRYPTION_KEYS": ["bWluaW1hbC1zZXR0aW5ncy1vZi10aGUtdGVzdHMtMzI="],
        "HTTP_SESSION": "tests.requesting_app.peers.session",
        "SUBJECT_TOKEN_STORE": "tests.requesting_app.peers.MemoryStore",
    }
    peers.world.__init__()  # type: ignore[misc]
    peers.MemoryStore.kept.clear()
    cache.clear()
    yield peers.world
    cache.clear()


@pytest.fixture
def bob(db: None) -> Any:
    """A user who has signed in a moment ago."""
    user = get_user_model().objects.create_user("bob")
    peers.sign_in(user)
    return user


@pytest.fixture
def todo0(db: None) -> ResourceApp:
    return make_todo0()


def make_todo0(**changes: Any) -> ResourceApp:
    """Create the resource app the peers answer for."""
    values = {
        "key": "todo0",
        "name": "Todo0",
        "audience": peers.TODO,
        "resource": peers.API,
        "client_id": "wiki0-at-todo0",
        "client_secret": peers.TODO_SECRET,
        "scope": "read write",
    }
    return ResourceApp.objects.create(**values | changes)


@pytest.fixture
def operator(client: Client, db: None, settings: Any) -> Client:
    """A browser of the operator, on the host that serves the admin."""
    client.force_login(get_user_model().objects.create_superuser("operator"), settings.AUTHENTICATION_BACKENDS[0])
    client.defaults["HTTP_HOST"] = "localhost:8000"
    return client
