"""Limits are off in the tests; a test here says which one it wants."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from tests.support.clock import Clock, clock_of
from tests.support.embedded_idp import bob, id_token, idp, other_idp, signed_in  # noqa: F401 (fixtures)

SetLimit = Callable[[str, str], None]


@pytest.fixture
def set_limit(settings: Settings) -> SetLimit:
    """Return what sets the limit of a name to a rate."""

    def set_limit(name: str, rate: str) -> None:
        settings.LIMITS = {**settings.LIMITS, name: rate}

    return set_limit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return what lets so many seconds pass."""
    return clock_of(monkeypatch)
