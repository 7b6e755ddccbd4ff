from collections.abc import Iterator

import pytest
from django.core.cache import cache

from crossapp.resource_app.issuer_keys import default_keys
from tests.resource_app import fakes


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(document, section, requirement): what the test proves")


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, settings: object) -> Iterator[fakes.World]:
    """A product with one trusted IdP, one client and one user; nothing remembered from other tests."""
    settings.CROSSAPP_RESOURCE_APP = {
        "HOST": "tests.resource_app.fakes.FakeHost",
        "HTTP_SESSION": "tests.resource_app.fakes.session",
    }
    monkeypatch.setattr(fakes, "world", fakes.World())
    cache.clear()
    default_keys.cache_clear()
    yield fakes.world
    cache.clear()
