"""The debug console: what is recorded, for whom, how long, and that nothing in it can be used."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from crossapp.requesting_app.signals import Step, StepKind, step_taken
from tenants.models import User
from tenants.signals import signed_in
from tests.wiki.people import browser_of
from wiki.debug_console import KEPT_PER_USER, MASK, masked
from wiki.models import RecordedStep

CANARY = "canary-Zx81-secret"
TOKEN = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.{CANARY}"


def take_step(user: User, kind: StepKind = "api", **fields: Any) -> None:
    step: dict[str, Any] = {
        "kind": kind,
        "method": "POST",
        "url": "http://todo.localhost:8000/oauth2/v1/token",
        "status": 200,
        "duration_ms": 12,
        "started_at": timezone.now(),
        "request": {},
        "response": None,
        "claims": {},
    }
    step_taken.send(None, user=user, resource_app=None, step=Step(**step | fields))


def decoded(**claims: Any) -> dict[str, Any]:
    return {"header": {"alg": "RS256"}, "claims": claims}


def test_it_shows_each_step_that_was_recorded(browser: Client, bob: User) -> None:
    signed_in.send(None, user=bob, id_token_claims={"iss": "http://idp.example", "nonce": "nonce-of-sign-in"})
    take_step(
        bob,
        "token_exchange",
        request={"form": {"audience": "the-audience"}},
        response={"issued_token_type": "urn:x"},
        claims={"id_jag": decoded(jti="the-jti")},
    )
    take_step(bob, "jwt_bearer", claims={"access_token": decoded(aud="the-api")})
    take_step(bob, "api", method="GET", url="http://todo.localhost:8000/api/todos", status=403, response={"error": "x"})
    page = browser.get("/debug-console").content.decode()
    for text in ("nonce-of-sign-in", "the-audience", "urn:x", "the-jti", "the-api", "GET http://todo", "403", "12 ms"):
        assert text in page


def test_it_is_empty_at_first(browser: Client) -> None:
    page = browser.get("/debug-console").content.decode()
    assert "Recorded when you sign in." in page
    assert "None yet." in page


def test_the_id_token_shown_is_the_newest(browser: Client, bob: User) -> None:
    signed_in.send(None, user=bob, id_token_claims={"nonce": "old-one"})
    take_step(bob, "token_exchange", claims={"subject_token": decoded(nonce="new-one")})
    assert browser.get("/api/tokens").json()["id_token"]["claims"]["nonce"] == "new-one"


def test_only_the_last_ten_api_requests_are_shown(browser: Client, bob: User) -> None:
    for number in range(12):
        take_step(bob, url=f"http://todo.localhost:8000/api/todos?n={number}.")
    page = browser.get("/debug-console").content.decode()
    assert page.count("http://todo.localhost:8000/api/todos?n=") == 10
    assert "n=11." in page and "n=1." not in page


@pytest.mark.parametrize(
    "fields",
    [
        {"request": {"form": {"subject_token": CANARY}}},
        {"request": {"form": {"assertion": CANARY, "client_secret": CANARY, "client_assertion": CANARY}}},
        {"request": {"headers": {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY}}},
        {"request": {"anything": [TOKEN, f"in the middle {TOKEN} of it"]}},
        {"response": {"access_token": CANARY, "refresh_token": CANARY, "id_token": CANARY}},
        {"response": {"error_description": f"echo: {TOKEN}"}},
        {"response": TOKEN},
        {"response": [{"code": CANARY, "code_verifier": CANARY}]},
        {"url": f"http://todo.localhost:8000/?token={TOKEN}"},
        {"claims": {"id_jag": TOKEN}},
    ],
)
def test_no_usable_token_is_recorded_or_shown(browser: Client, bob: User, fields: dict[str, Any]) -> None:
    for kind in ("token_exchange", "jwt_bearer", "api"):
        take_step(bob, kind, **fields)
    assert RecordedStep.objects.count() == 3
    assert CANARY not in str(list(RecordedStep.objects.values()))
    assert CANARY.encode() not in browser.get("/debug-console").content
    assert CANARY.encode() not in browser.get("/api/tokens").content


def test_claims_named_like_tokens_are_kept_if_they_are_decoded() -> None:
    claims = {"access_token": decoded(scope="read"), "iss": "http://customer1.idp.localhost:8000"}
    assert masked(claims) == claims
    assert masked({"access_token": "x"}) == {"access_token": MASK}


def test_claims_are_text_of_limited_size(browser: Client, bob: User) -> None:
    nested: Any = "deep"
    for _ in range(100):
        nested = [nested]
    evil = {
        "</pre><script>x": "</code></pre><script>x",
        "nul": "a\x00b\ud800",
        "big": "x" * 100_000,
        "__proto__": nested,
    }
    signed_in.send(None, user=bob, id_token_claims=evil)
    page = browser.get("/debug-console").content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "deep" not in page
    assert len(page) < 20_000


def test_a_step_without_an_answer_says_so(browser: Client, bob: User) -> None:
    take_step(bob, status=None)
    assert b"no answer" in browser.get("/debug-console").content


def test_nobody_sees_the_steps_of_another(bob: User, colleague: User) -> None:
    take_step(bob, "token_exchange", request={"form": {"audience": "only-for-bob"}})
    assert b"only-for-bob" not in browser_of(colleague).get("/debug-console").content
    assert b"only-for-bob" in browser_of(bob).get("/debug-console").content


def test_it_is_answered_so_that_nothing_of_it_stays_or_leaks(browser: Client) -> None:
    response = browser.get("/debug-console")
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex"


def test_old_and_surplus_steps_are_dropped(bob: User, colleague: User) -> None:
    take_step(colleague, started_at=timezone.now() - timedelta(hours=25))
    for _ in range(KEPT_PER_USER + 5):
        take_step(bob)
    assert RecordedStep.objects.filter(user=bob).count() == KEPT_PER_USER
    assert not RecordedStep.objects.filter(user=colleague).exists()


def test_steps_are_dropped_at_sign_out(bob: User, colleague: User) -> None:
    take_step(bob)
    take_step(colleague)
    user_logged_out.send(User, request=None, user=bob)
    user_logged_out.send(User, request=None, user=None)
    assert [step.user for step in RecordedStep.objects.all()] == [colleague]


def test_outside_the_demo_nothing_is_recorded_or_shown(browser: Client, bob: User, settings: Settings) -> None:
    settings.DEMO = False
    take_step(bob)
    assert not RecordedStep.objects.exists()
    assert browser.get("/debug-console").status_code == 404
    assert b"debug-console" not in browser.get("/").content


def test_people_of_other_realms_are_not_recorded(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(realm="todo")
    signed_in.send(None, user=User.objects.get(), id_token_claims={"iss": "x"})
    assert not RecordedStep.objects.exists()
