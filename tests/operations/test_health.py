"""/healthz and /readyz: what an orchestrator may know, and no secrets in it."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser
from pytest_django import Settings

from authserver.models import SigningKey
from idjag_demo.installation import install
from operations import health
from tests.support.embedded_idp import EmbeddedIdP
from tests.support.encryption import encrypt_with

GOOD = {"database": "ok", "cache": "ok", "migrations": "ok", "signing keys": "ok"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    health._migrations.cache_clear()
    yield
    health._migrations.cache_clear()


@pytest.fixture
def installed(db: None) -> None:
    install()


def ask(path: str, host: str = "localhost:8000") -> Any:
    return Browser(headers={"host": host}).get(path)


def assert_not_ready(response: Any, failed: str) -> None:
    body = {"status": "not ready", "checks": GOOD | {failed: "failed"}}
    assert (response.status_code, response.json()) == (503, body)


@pytest.mark.clause("requirements.md", "LIM-20", "health without secrets")
def test_a_process_is_alive_without_asking_anybody() -> None:
    response = ask("/healthz")  # a test without `db` may not touch the database
    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert response["Cache-Control"] == "no-store"


@pytest.mark.clause("requirements.md", "LIM-20", "health without secrets")
def test_it_is_ready_when_everything_is_there(installed: None) -> None:
    response = ask("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "checks": GOOD})
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies


@pytest.mark.parametrize("realm", ["wiki", "todo"])
def test_an_app_without_an_active_key_is_not_ready(installed: None, realm: str) -> None:
    SigningKey.objects.filter(server__realm=realm).update(status=SigningKey.Status.RETIRED)
    assert_not_ready(ask("/readyz"), "signing keys")


def test_undecryptable_keys_are_not_ready(installed: None, settings: Settings) -> None:
    encrypt_with(settings, [Fernet.generate_key().decode()])
    assert_not_ready(ask("/readyz"), "signing keys")


def test_a_database_that_is_migrated_and_no_more_is_not_ready(db: None) -> None:
    assert_not_ready(ask("/readyz"), "signing keys")


@pytest.mark.clause("requirements.md", "LIM-20", "one tenant's IdP takes no process away from all others")
def test_an_idp_without_a_key_does_not_make_the_process_unready(installed: None, idp: EmbeddedIdP) -> None:
    idp.server.signing_keys.update(status=SigningKey.Status.RETIRED)
    assert ask("/readyz").status_code == 200


def test_a_migration_to_come_is_not_ready_and_looked_at_again(installed: None) -> None:
    applied = MigrationRecorder.Migration.objects.filter(app="audit")
    rows = list(applied)
    applied.delete()
    assert_not_ready(ask("/readyz"), "migrations")
    MigrationRecorder.Migration.objects.bulk_create(rows)
    assert ask("/readyz").status_code == 200


def test_a_cache_that_keeps_nothing_is_not_ready(installed: None) -> None:
    with patch.object(cache, "get", return_value=None):
        assert_not_ready(ask("/readyz"), "cache")


def test_why_it_is_not_ready_is_said_without_details(installed: None, caplog: pytest.LogCaptureFixture) -> None:
    with patch.object(cache, "set", side_effect=DatabaseError("mysql://idjag:password@db")):
        response = ask("/readyz")
    assert_not_ready(response, "cache")
    assert "not ready: cache: DatabaseError" in caplog.text
    assert "password" not in caplog.text + response.content.decode()


@pytest.mark.clause("requirements.md", "LIM-20", "health and metrics are on the bare host only, metrics for a token")
@pytest.mark.parametrize("host", ["wiki.localhost:8000", "todo.localhost:8000", "customer1.idp.localhost:8000"])
def test_the_products_say_nothing_of_their_health(idp: EmbeddedIdP, host: str, settings: Settings) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert ask(path, host).status_code == 404
    assert ask("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a-token-of-more-than-16-characters"
    assert (ask("/metrics", host).status_code, ask("/metrics").status_code) == (404, 401)
