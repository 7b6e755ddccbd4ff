"""What every test may use, and what none may do."""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from pytest_django import DjangoDbBlocker, Settings
from xdist.remote import Producer

from base import issuers, recent_rows
from idjag_demo.environment import VAR_DIR
from tests.support.in_process import Browser, InProcessNetwork, answering
from tests.support.kept_rows import forget_rows
from tests.support.live_demo import origins_on, serving
from tests.support.network import loopback_only
from tests.support.rsa_keys import from_a_pool
from tests.support.scheduling import FoldersTogether
from wiki import debug_console

pytest_plugins = [
    f"tests.support.{module}" for module in ("audit_lines", "clock", "demo", "embedded_idp", "limits", "operator")
]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Make the folder of the tests' database: a new checkout has none."""
    VAR_DIR.mkdir(exist_ok=True)


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[None]:
    with loopback_only():
        yield


@pytest.fixture(autouse=True)
def _signing_keys_from_a_pool() -> Iterator[None]:
    with from_a_pool():
        yield


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in caches.all(initialized_only=True):
        each.clear()
    issuers.keys()._recent.clear()
    monkeypatch.setattr(debug_console, "_until_a_look", {})
    ContentType.objects.clear_cache()  # a test with transactions empties that table too


@pytest.fixture(autouse=True)
def _no_row_outlives_its_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no rows from test to test, and none at all where the test is one transaction, which is rolled back."""
    forget_rows()
    marker = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction"))
    if not commits:
        monkeypatch.setattr(recent_rows.RecentRows, "__call__", lambda self, *args: self.query(*args))


@pytest.fixture
def in_process_network() -> Iterator[InProcessNetwork]:
    """The server-to-server calls of this process, answered by its own sites (see `tests.support.in_process`)."""
    from base.outgoing import session

    with answering(session()) as network:
        yield network


@pytest.fixture
def walker(db: None, in_process_network: InProcessNetwork) -> Browser:
    """A person's browser without JavaScript and without a server, for walks over all sites in one transaction."""
    return Browser()


@pytest.fixture(scope="session")
def _live_port(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    with django_db_blocker.unblock(), serving() as port:
        yield port


@pytest.fixture
def live_demo(_live_port: int, transactional_db: None, settings: Settings) -> dict[str, str]:
    """The demo, newly seeded, on a real port; returns its origins."""
    from idjag_demo.demo.seed import seed

    settings.ORIGINS = origins_on(_live_port)
    settings.BASE_DOMAIN = f"localhost:{_live_port}"
    seed()
    forget_rows()
    return settings.ORIGINS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FoldersTogether:
    return FoldersTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say as the last things which software of others ran, and which tests were left out, and why."""
    if strangers := {version for report in _reports(terminalreporter) for version in _strangers(report)}:
        terminalreporter.write_line(f"Tested with {', '.join(sorted(strangers))}.")
    skipped = terminalreporter.stats.get("skipped", [])
    for folder, kind in (("tests/browser", "browser tests"), ("tests/strangers", "tests that need Node")):
        if left_out := [report for report in skipped if folder in report.nodeid]:
            reason = left_out[0].longrepr[2].removeprefix("Skipped: ")
            terminalreporter.write_line(f"The {len(left_out)} {kind} were skipped: {reason}", yellow=True)


def _reports(terminalreporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    """Return the reports of the tests that ran."""
    return [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]


def _strangers(report: pytest.TestReport) -> list[str]:
    """Return the packages of others that the test ran, with their versions (see tests/strangers/conftest.py)."""
    return [str(value) for name, value in report.user_properties if name == "stranger"]
