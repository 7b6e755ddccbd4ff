"""Every page of a failure shows a short reference, the beginning of the id of its request."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from django.test.client import RequestFactory

from base import trace_context
from idjag_demo import views
from idjag_demo.sites import site_for
from tests.support.demo import Demo
from tests.support.limits import SetLimit

ID = "4f1c2a9b0d3e4f5a8b7c6d5e4f3a2b1c"
REFERENCE = "Reference <code>4f1c2a9b</code>"
HOSTS = ("localhost:8000", "wiki.localhost:8000", "todo.localhost:8000", "customer1.idp.localhost:8000")


def ask(host: str, path: str, method: str = "get", **options: Any) -> Any:
    browser = Client(
        headers={"host": host, "x-request-id": ID}, raise_request_exception=False, enforce_csrf_checks=True
    )
    return getattr(browser, method)(path, **options)


def failing(request: HttpRequest) -> Any:
    raise RuntimeError("a bug")


@pytest.mark.parametrize("host", [*HOSTS, "unknown.localhost:8000"])
def test_a_missing_page_of_every_host(demo: Demo, host: str) -> None:
    answer = ask(host, "/no/such/page")
    assert answer.status_code == 404
    assert REFERENCE in answer.content.decode()


@pytest.mark.parametrize("host", HOSTS)
def test_a_bug_on_every_host(demo: Demo, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.urls.resolvers.URLResolver.resolve", failing)
    answer = ask(host, "/")
    assert answer.status_code == 500
    assert REFERENCE in answer.content.decode()


def test_a_form_without_a_token(demo: Demo) -> None:
    answer = ask("wiki.localhost:8000", "/sign-in", "post", data={"email": "bob@tables.fake"})
    assert answer.status_code == 403
    assert REFERENCE in answer.content.decode()


def test_too_many_attempts(demo: Demo, set_limit: SetLimit) -> None:
    set_limit("EMAIL_STEP", "1/minute")
    browser = Client(headers={"host": "wiki.localhost:8000", "x-request-id": ID})
    answers = [browser.post("/sign-in", {"email": "x@nowhere.example"}) for _ in range(2)]
    assert answers[1].status_code == 429
    assert REFERENCE in answers[1].content.decode()


@pytest.mark.parametrize(("view", "status"), [("bad_request", 400), ("forbidden", 403)])
def test_the_other_pages_of_errors(db: None, view: str, status: int) -> None:
    request: Any = RequestFactory().get("/")
    request.site, request.tenant = site_for("wiki.localhost:8000"), None
    token = trace_context.current.set(trace_context.received(ID, None))
    try:
        answer = getattr(views, view)(request, ValueError())
    finally:
        trace_context.current.reset(token)
    assert answer.status_code == status
    assert REFERENCE in answer.content.decode()


def test_a_sign_in_that_failed(demo: Demo) -> None:
    answer = ask("wiki.localhost:8000", "/sign-in/callback?state=x&code=y")
    assert answer.status_code == 400
    assert REFERENCE in answer.content.decode()


def test_an_authorization_request_that_cannot_go_on(demo: Demo) -> None:
    answer = ask("customer1.idp.localhost:8000", "/oauth2/v1/authorize?client_id=unknown")
    assert answer.status_code == 400
    assert REFERENCE in answer.content.decode()


def test_a_page_that_did_not_fail_has_no_reference(demo: Demo) -> None:
    for host in HOSTS:
        assert "Reference" not in ask(host, "/").content.decode()


def test_a_short_identifier_is_its_own_reference_and_a_command_has_none() -> None:
    assert trace_context.reference() == ""
    token = trace_context.current.set(trace_context.received("abc", None))
    assert trace_context.reference() == "abc"
    trace_context.current.reset(token)
