"""What the grant tells the product it lives in, and what the product may do with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from crossapp.core.refusals import TemporarilyUnavailable
from crossapp.resource_app.models import ConsumedJti
from crossapp.resource_app.replay import fingerprint
from crossapp.resource_app.signals import keys_fetched, keys_looked_up, redemption_granted, redemption_refused
from tests.resource_app.fakes import CLIENT_ID, ISSUER, World, id_jag, redeem

pytestmark = pytest.mark.django_db


class Heard:
    """What a signal has told; `fails` is raised while it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.fails: Exception | None = None

    def hear(self, **kwargs: Any) -> None:
        self.told.append(kwargs | {"in transaction": transaction.get_connection().in_atomic_block})
        if self.fails:
            raise self.fails


def heard(signal: Signal) -> Iterator[Heard]:
    receiver = Heard()
    signal.connect(receiver.hear)
    yield receiver
    signal.disconnect(receiver.hear)


@pytest.fixture
def granted(world: World) -> Iterator[Heard]:
    yield from heard(redemption_granted)


@pytest.fixture
def refused(world: World) -> Iterator[Heard]:
    yield from heard(redemption_refused)


@pytest.fixture
def looked_up(world: World) -> Iterator[Heard]:
    yield from heard(keys_looked_up)


@pytest.fixture
def fetched(world: World) -> Iterator[Heard]:
    yield from heard(keys_fetched)


@pytest.mark.django_db(transaction=True)
def test_a_token_is_told_once_in_its_transaction(world: World, granted: Heard, refused: Heard) -> None:
    assert redeem(id_jag(jti="one")).status == 200
    [told] = granted.told
    assert told["in transaction"]
    assert (told["request"].user, told["request"].scopes) == (world.users["bob"], ["read", "write"])
    assert (told["id_jag"].subject, told["trusted"].issuer) == ("bob", ISSUER)
    assert (told["facts"]["client_id"], told["facts"]["jti"]) == (CLIENT_ID, fingerprint("one"))
    assert not refused.told


@pytest.mark.django_db(transaction=True)
def test_a_receiver_can_prevent_a_token(granted: Heard, refused: Heard) -> None:
    granted.fails = TemporarilyUnavailable("Not now.", check="audit")
    answer = redeem(id_jag())
    assert (answer.status, answer.body) == (
        503,
        {"error": "temporarily_unavailable", "error_description": "Not now."},
    )
    assert not ConsumedJti.objects.exists()
    assert [told["check"] for told in refused.told] == ["audit"]


@pytest.mark.django_db(transaction=True)
def test_redemption_refused_is_sent_after_the_rollback_and_cannot_change_the_answer(
    granted: Heard, refused: Heard
) -> None:
    refused.fails = RuntimeError("a bug in a receiver")
    answer = redeem(id_jag(sub="eve"))
    assert (answer.status, answer.body["error"]) == (400, "invalid_grant")
    [told] = refused.told
    assert not told["in transaction"]
    assert (told["error"], told["check"], told["detail"]) == ("invalid_grant", "subject", "no user eve")
    assert told["id_jag"].subject == told["unverified"].unverified_payload["sub"] == "eve"
    assert not granted.told


def test_what_is_not_known_yet_is_not_told(refused: Heard) -> None:
    redeem("x", headers={})
    [told] = refused.told
    assert (told["error"], told["check"], told["detail"]) == (
        "invalid_client",
        "client",
        "Client authentication failed.",
    )
    assert (told["id_jag"], told["trusted"], told["unverified"]) == (None, None, None)
    assert "client_id" not in told["facts"]


def test_keys_that_are_kept_are_told_from_those_that_were_fetched(
    world: World, looked_up: Heard, fetched: Heard
) -> None:
    for _ in range(3):
        assert redeem(id_jag()).status == 200
    assert [told["result"] for told in looked_up.told] == ["miss", "hit", "hit"]
    assert [told["outcome"] for told in fetched.told] == ["answered"]


def test_keys_that_cannot_be_had_are_told_and_no_receiver_makes_it_worse(
    world: World, looked_up: Heard, fetched: Heard
) -> None:
    world.session.fail()
    looked_up.fails = fetched.fails = RuntimeError("a bug in a receiver")
    assert redeem(id_jag()).status == 503
    assert [told["result"] for told in looked_up.told] == ["miss"]
    assert [told["outcome"] for told in fetched.told] == ["failed"]
