"""A real Chromium on the live demo, at two widths; a page that complains on its console fails its test."""

import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

from tests.browser.people import Person
from tests.support.chromium import MISSING, driver_problem, find_chromium, launch_flags

WIDTHS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
SECONDS = 10

NewPerson = Callable[..., Person]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _playwright_beside_the_database() -> Iterator[None]:
    """Playwright keeps an event loop running in this thread, where Django by default wants no queries."""
    if problem := driver_problem():
        _give_up(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], playwright: Playwright) -> dict[str, Any]:
    path = find_chromium(playwright)
    if path is None:
        _give_up(MISSING)
    return {**browser_type_launch_args, "executable_path": path, "args": launch_flags()}


def _give_up(reason: str) -> NoReturn:
    """Skip the browser tests, or fail where a browser is required."""
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> str:
    """Which of the two widths the test runs at."""
    return request.param


@pytest.fixture
def problems() -> list[str]:
    """What has gone wrong in a browser so far. A test that makes answers fail clears it."""
    return []


@pytest.fixture
def new_person(
    new_context: Callable[..., BrowserContext], live_demo: dict[str, str], width: str, problems: list[str]
) -> Iterator[NewPerson]:
    """Make people, each with a browser profile of their own; in the end nothing may have gone wrong in any."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Person:
        context = new_context(**WIDTHS[width], **options)
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        watch(page, problems)
        return Person(page, live_demo)

    yield make
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    """A person with a browser, not signed in at any site."""
    return new_person()


def watch(page: Page, problems: list[str]) -> None:
    """Note every error on the console, error in a script, and request of a page without a good answer.

    A refused form is a page with status 4xx, which Chromium notes on the console too: that is no problem.
    """

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            problems.append(f"console: {message.text}")

    def on_response(response: Response) -> None:
        is_page = response.request.is_navigation_request()
        if response.status >= (500 if is_page else 400):
            problems.append(f"{response.request.method} {response.url}: {response.status}")

    def on_failure(request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # else one left the page meanwhile
            problems.append(f"{request.method} {request.url}: {request.failure}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("response", on_response)
    page.on("requestfailed", on_failure)
