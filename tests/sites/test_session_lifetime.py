"""A session ends by itself, on the server."""

from collections.abc import Callable

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from tenants.models import Tenant, User
from tests.support.embedded_idp import EmbeddedIdP


def is_signed_in(idp: EmbeddedIdP) -> bool:
    return bool(idp.browser.get("/").context["user"].is_authenticated)


@pytest.fixture
def todo_browser(db: None) -> Browser:
    """The browser of a person signed in to Todo0."""
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    browser = Browser(headers={"host": "todo.localhost:8000"})
    browser.force_login(User.objects.create(realm="todo", tenant=tenant, sub="u-bob"), "tenants.passwords.RealmBackend")
    return browser


@pytest.mark.clause("OWASP ASVS", "7.3.1", "WEB-12")
def test_a_session_of_an_app_ends_when_it_is_idle(
    todo_browser: Browser, settings: Settings, clock: Callable[[float], None]
) -> None:
    for _ in range(3):
        clock(settings.SESSION_IDLE_SECONDS - 61)
        assert todo_browser.get("/profile").status_code == 200
    cookie = todo_browser.cookies[settings.SESSION_COOKIE_NAME].value
    clock(settings.SESSION_IDLE_SECONDS + 61)
    assert todo_browser.get("/profile").status_code == 302
    todo_browser.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert todo_browser.get("/profile").status_code == 302, "the cookie is good for nothing any more"


@pytest.mark.clause("OWASP ASVS", "7.3.1", "WEB-12")
def test_an_idps_session_has_no_idle_limit(
    signed_in: EmbeddedIdP, settings: Settings, clock: Callable[[float], None]
) -> None:
    clock(settings.SESSION_COOKIE_AGE - 61)
    assert is_signed_in(signed_in)


@pytest.mark.clause("OWASP ASVS", "7.3.2", "WEB-12")
def test_a_session_in_use_ends_too(signed_in: EmbeddedIdP, settings: Settings, clock: Callable[[float], None]) -> None:
    step = settings.SESSION_IDLE_SECONDS / 2
    for _ in range(int(settings.SESSION_COOKIE_AGE / step)):
        assert is_signed_in(signed_in)
        clock(step)
    clock(1)
    assert not is_signed_in(signed_in)


@pytest.mark.clause("OWASP ASVS", "7.3", "WEB-12")
def test_a_session_that_does_not_say_when_it_began_is_over(signed_in: EmbeddedIdP) -> None:
    session = signed_in.browser.session
    del session["started"]
    session.save()
    assert not is_signed_in(signed_in)


def test_using_a_session_writes_it_once_a_minute(signed_in: EmbeddedIdP, clock: Callable[[float], None]) -> None:
    before = signed_in.browser.session["seen"]
    clock(30)
    is_signed_in(signed_in)
    assert signed_in.browser.session["seen"] == before
    clock(31)
    is_signed_in(signed_in)
    assert signed_in.browser.session["seen"] > before
