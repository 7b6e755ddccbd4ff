"""One topology for all tests of this folder, whole at the beginning of each."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker, Settings

from tests.topology.topology import Since, Topology


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    topology = Topology(tmp_path_factory.mktemp("topology"))
    try:
        topology.start()
        yield topology
    finally:
        topology.stop()


@pytest.fixture
def topology(running: Topology, settings: Settings, django_db_blocker: DjangoDbBlocker) -> Iterator[Topology]:
    """The topology; in this test the settings and the models are those of its database and addresses."""
    settings.ORIGINS = running.origins
    settings.BASE_DOMAIN = running.origins["staff"].removeprefix("http://")
    running.mend()
    with django_db_blocker.unblock(), running.as_default_database():
        yield running


@pytest.fixture
def since(topology: Topology, request: pytest.FixtureRequest) -> Iterator[Since]:
    """What happens during the test; printed if it fails."""
    since = Since(topology)
    yield since
    for name, said in since.said().items():
        print(f"--- {name}\n{said[-20000:]}")  # noqa: T201 (pytest shows it with a failure)
