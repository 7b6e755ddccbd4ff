"""What goes on beside a redemption does not undo it, and what a host says of a client reaches the client."""

from typing import Any

import pytest
from oauthlib.oauth2.rfc6749.errors import InvalidClientError

from crossapp.resource_app import replay
from crossapp.resource_app.models import ConsumedJti
from tests.resource_app.fakes import FakeValidator, World, id_jag, redeem


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("requirements.md", "LIM-14", "a sweep that fails does not fail the redemption")
def test_a_sweep_that_fails_does_not_fail_the_redemption(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the sweep has failed")

    monkeypatch.setattr(replay, "sweep_now_and_then", fail)
    assert redeem(id_jag()).status == 200
    assert ConsumedJti.objects.count() == len(world.saved) == 1


@pytest.mark.django_db
@pytest.mark.clause("RFC 6749", "5.2", "the host's own words about a client are kept")
def test_what_the_host_says_of_a_client_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        raise InvalidClientError(description="The assertion has expired.")

    monkeypatch.setattr(FakeValidator, "authenticate_client", refuse)
    answer = redeem(id_jag())
    assert (answer.status, answer.body["error_description"]) == (401, "The assertion has expired.")
