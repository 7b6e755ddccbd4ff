"""Limits are off in the tests; a test says which one it wants."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

SetLimit = Callable[[str, str], None]


@pytest.fixture
def set_limit(settings: Settings) -> SetLimit:
    """Return what sets the limit of a name to a rate."""

    def set_limit(name: str, rate: str) -> None:
        settings.LIMITS = {**settings.LIMITS, name: rate}

    return set_limit
