"""Cards are for the person on the page: not for other sites, not without a sign-in, not for a link in an email."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tenants.models import User
from tests.wiki.conftest import FakeTodo0
from tests.wiki.people import ORIGIN, browser_of

URL = "/api/articles/unfurl"
pytestmark = pytest.mark.clause("requirements.md", "UF-32", "only the session, with its CSRF token, from its own pages")


@pytest.fixture
def careful(bob: User) -> Client:
    """Bob's browser at a server that looks at CSRF tokens, with a token."""
    client = browser_of(bob, enforce_csrf_checks=True)
    client.get("/pages/")
    return client


def ask(client: Client, todo0: FakeTodo0, url: str, **headers: str) -> Any:
    todo0.calls.clear()
    return client.post(URL, {"urls": [url]}, "application/json", headers=headers)


def token_of(client: Client) -> str:
    return client.cookies[settings.CSRF_COOKIE_NAME].value


def test_the_page_gets_its_card(careful: Client, bob: User, todo0: FakeTodo0) -> None:
    response = ask(careful, todo0, todo0.add(bob, 1), **{"X-CSRFToken": token_of(careful), "Origin": ORIGIN})
    assert response.status_code == 200
    assert response.json()["cards"][0]["card"]["title"] == "Buy avocados"


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
def test_another_method_is_refused(browser: Client, todo0: FakeTodo0, method: str) -> None:
    assert getattr(browser, method)(URL).status_code == 405
    assert todo0.calls == []


def test_without_the_csrf_token_it_is_refused(careful: Client, bob: User, todo0: FakeTodo0) -> None:
    url = todo0.add(bob, 1)
    for headers in ({}, {"X-CSRFToken": "x" * 32}, {"X-CSRFToken": ""}):
        response = ask(careful, todo0, url, **headers)
        assert (response.status_code, response.json()["error"]) == (403, "csrf_failed")
        assert todo0.calls == []


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://todo.localhost:8000",
        "http://localhost:8000",
        "http://wiki.localhost",
        "https://wiki.localhost:8000",
        "http://wiki.localhost:8000.evil.example",
    ],
)
def test_from_another_site_it_is_refused(careful: Client, bob: User, todo0: FakeTodo0, origin: str) -> None:
    response = ask(careful, todo0, todo0.add(bob, 1), **{"X-CSRFToken": token_of(careful), "Origin": origin})
    assert (response.status_code, response.json()["error"]) == (403, "csrf_failed")
    assert todo0.calls == []
    assert "Access-Control-Allow-Origin" not in response


def test_without_a_session_it_is_refused(bob: User, todo0: FakeTodo0) -> None:
    anonymous = browser_of(None)
    response = ask(anonymous, todo0, todo0.add(bob, 1))
    assert response.status_code == 401
    assert todo0.calls == []


def test_a_deactivated_person_is_refused(browser: Client, bob: User, todo0: FakeTodo0) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert ask(browser, todo0, todo0.add(bob, 1)).status_code == 401
    assert todo0.calls == []


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_a_form_of_another_site_is_no_json(browser: Client, bob: User, todo0: FakeTodo0, content_type: str) -> None:
    body = f'{{"urls": ["{todo0.add(bob, 1)}"]}}'
    assert browser.post(URL, body, content_type).status_code in (400, 415)
    assert todo0.calls == []
