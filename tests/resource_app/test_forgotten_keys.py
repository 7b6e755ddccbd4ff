"""A key has leaked: what was fetched before its IdP withdrew it is not used any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import pytest
from django.core.cache import cache

from crossapp.core.jwk import KeysUnavailable, UnknownKey, VerificationKey
from crossapp.core.keys import _Source, fetch_jwks
from crossapp.resource_app.issuer_keys import default_keys
from tests.resource_app.broken_keys import KEYS
from tests.resource_app.fakes import ISSUER, World, jwks

A_MINUTE = timedelta(minutes=1)


def key_for(issuer: str, kid: str, alg: str) -> VerificationKey:
    return default_keys().key_for(issuer, kid, alg)


def forget_keys(issuer: str, *, fetched_before: datetime | None) -> None:
    default_keys().forget(issuer, fetched_before=fetched_before)


def fetched(world: World) -> int:
    return world.session.requested.count(KEYS)


@contextmanager
def another_process() -> Iterator[None]:
    """Be one that shares the cache and has read nothing of it yet; whatever it reads, ours keeps what it has read."""
    recent = default_keys()._recent
    ours = dict(recent)
    recent.clear()
    yield
    recent.clear()
    recent.update(ours)


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_older_keys_are_fetched_again_once(world: World) -> None:
    key_for(ISSUER, "rsa", "RS256")
    world.session.publish([jwk for jwk in jwks() if jwk["kid"] != "rsa"])
    withdrawn_at = datetime.now(UTC)
    for _ in range(3):
        forget_keys(ISSUER, fetched_before=withdrawn_at)
        with pytest.raises(UnknownKey):
            key_for(ISSUER, "rsa", "RS256")
        assert key_for(ISSUER, "ec", "ES256")
    assert fetched(world) == 2


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_keys_of_a_running_fetch_are_fetched_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    withdrawn_at: list[datetime] = []

    @wraps(fetch_jwks)
    def slow(*args: Any, **kwargs: Any) -> list[Any]:
        keys = fetch_jwks(*args, **kwargs)
        withdrawn_at.append(datetime.now(UTC))
        return keys

    monkeypatch.setattr("crossapp.core.keys.fetch_jwks", slow)
    key_for(ISSUER, "rsa", "RS256")
    forget_keys(ISSUER, fetched_before=withdrawn_at[0])
    key_for(ISSUER, "rsa", "RS256")
    assert fetched(world) == 2


@pytest.mark.parametrize("fetched_before", [None, datetime(2001, 1, 1, tzinfo=UTC)])
def test_keys_from_after_are_kept(world: World, fetched_before: datetime | None) -> None:
    key_for(ISSUER, "rsa", "RS256")
    forget_keys(ISSUER, fetched_before=fetched_before)
    key_for(ISSUER, "rsa", "RS256")
    assert fetched(world) == 1


def test_the_keys_of_another_issuer_are_kept(world: World) -> None:
    key_for(ISSUER, "rsa", "RS256")
    forget_keys("https://other.example", fetched_before=datetime.now(UTC) + A_MINUTE)
    key_for(ISSUER, "rsa", "RS256")
    assert fetched(world) == 1


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_forgotten_keys_do_not_serve_while_the_idp_is_down(world: World) -> None:
    key_for(ISSUER, "rsa", "RS256")
    world.session.answers.clear()
    forget_keys(ISSUER, fetched_before=datetime.now(UTC) + A_MINUTE)
    with pytest.raises(KeysUnavailable):
        key_for(ISSUER, "rsa", "RS256")


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_keys_that_this_process_has_read_are_forgotten_though_the_cache_has_newer_ones(world: World) -> None:
    key_for(ISSUER, "rsa", "RS256")
    withdrawn_at = datetime.now(UTC)
    world.session.publish([jwk for jwk in jwks() if jwk["kid"] != "rsa"])
    with another_process():
        forget_keys(ISSUER, fetched_before=withdrawn_at)
        assert key_for(ISSUER, "ec", "ES256")
    assert key_for(ISSUER, "rsa", "RS256"), "this process has read it lately"
    forget_keys(ISSUER, fetched_before=withdrawn_at)
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "rsa", "RS256")
    assert fetched(world) == 2


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_a_key_that_another_process_has_fetched_is_found_at_once(world: World) -> None:
    world.session.publish([jwk for jwk in jwks() if jwk["kid"] != "ec"])
    key_for(ISSUER, "rsa", "RS256")
    world.session.publish(jwks())
    with another_process():
        _end_cool_down()
        assert key_for(ISSUER, "ec", "ES256")
    _end_cool_down()
    assert key_for(ISSUER, "ec", "ES256")
    assert fetched(world) == 2


def _end_cool_down() -> None:
    """Let a process that misses a key ask the IdP."""
    cache.delete(_Source(ISSUER, is_issuer=True).name("attempt"))
