"""The debug console: what is recorded, for whom, how long, and that nothing in it can be used."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from crossapp.core.masking import MASKED
from crossapp.requesting_app.signals import Step, StepKind, step_taken
from tenants.models import User
from tenants.signals import signed_in
from tests.wiki.people import HOST, browser_of
from wiki import debug_console
from wiki.debug_console import KEPT_PER_USER, SURPLUS, masked, recording_together
from wiki.models import Article, RecordedStep

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


@pytest.mark.clause("requirements.md", "DC-03", "the two client identifiers are those that were recorded")
def test_wiki0s_two_registrations_are_named_as_recorded(browser: Client, bob: User) -> None:
    def names() -> str:
        page = browser.get("/debug-console").content.decode()
        return " ".join(page.partition("Wiki0 is registered twice")[2].partition("</p>")[0].split())

    assert (
        names()
        == ": at your organisation’s IdP, and at Todo0. The IdP’s cross-app policy maps the first to the second."
    )
    signed_in.send(None, user=bob, id_token_claims={"aud": ["0oa1", "other"], "azp": "0oa1"})
    assert "IdP as <code>0oa1</code>, and at Todo0. The" in names()
    take_step(bob, "token_exchange", claims={"subject_token": decoded(aud="0oa2"), "id_jag": decoded(client_id="<w>")})
    assert "IdP as <code>0oa2</code>, and at Todo0 as <code>&lt;w&gt;</code>." in names()
    take_step(bob, "token_exchange", claims={"subject_token": {"claims": 1}, "id_jag": decoded(client_id=7)})
    assert "as <code>" not in names()


@pytest.mark.clause("requirements.md", "DC-06", "what cannot be decoded is said so")
@pytest.mark.parametrize("claims", [{}, {"access_token": None}, {"access_token": {}}], ids=["none", "null", "empty"])
def test_a_token_that_is_no_jwt_is_said_to_be_none(browser: Client, bob: User, claims: dict[str, Any]) -> None:
    text = "Cannot be decoded: it is not a JWT."
    take_step(bob, "jwt_bearer", status=400, claims=claims)
    take_step(bob, "token_exchange", status=None, claims=claims)
    assert text not in browser.get("/debug-console").content.decode()
    take_step(bob, "jwt_bearer", claims=claims)
    take_step(bob, "token_exchange", claims=claims)
    assert browser.get("/debug-console").content.decode().count(text) == 2


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


@pytest.mark.clause("requirements.md", "DC-03 DC-04 DC-08 UF-37", "neither recorded nor shown, and not to be copied")
@pytest.mark.parametrize(
    "fields",
    [
        {"request": {"form": {"subject_token": CANARY}}},
        {"request": {"form": {"assertion": CANARY, "client_secret": CANARY, "client_assertion": CANARY}}},
        {"request": {"headers": {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "DPoP": CANARY}}},
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
    assert masked({"access_token": "x"}) == {"access_token": MASKED}


@pytest.mark.clause("requirements.md", "DC-05", "claims are text of limited size")
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


@pytest.mark.clause("requirements.md", "DC-02", "a user sees only their own steps, whatever the address says")
@pytest.mark.parametrize("query", ["", "?user={0.pk}", "?id={1.pk}", "?tenant={0.tenant_id}&user={0.username}"])
def test_a_user_sees_only_their_own_steps(bob: User, colleague: User, stranger: User, query: str) -> None:
    take_step(
        bob, "token_exchange", request={"form": {"audience": "only-for-bob"}}, claims={"id_jag": decoded(sub="x")}
    )
    query = query.format(bob, RecordedStep.objects.get())
    for other in (colleague, stranger):
        assert b"only-for-bob" not in browser_of(other).get(f"/debug-console{query}").content
        assert browser_of(other).get(f"/api/tokens{query}").json()["id_jag"] is None
    assert b"only-for-bob" in browser_of(bob).get("/debug-console").content
    assert browser_of(colleague).get(f"/debug-console/{RecordedStep.objects.get().pk}").status_code == 404


@pytest.mark.clause("requirements.md", "DC-07", "no link leads away, with or without a token")
def test_no_link_and_no_form_leads_away_from_it(browser: Client, bob: User) -> None:
    take_step(bob, "token_exchange", claims={"id_jag": decoded(iss="https://idp.example/?x")})
    page = browser.get("/debug-console").content.decode()
    assert "https://idp.example/?x" in page
    assert not any(text in page for text in ("<a ", "href", "<form", "<script", "<img", "src=", "jwt.io"))


@pytest.mark.clause("requirements.md", "DC-11", "a bearer token, of whomever, opens nothing")
@pytest.mark.parametrize("scope", ["read", "read write", ""])
def test_a_bearer_token_opens_nothing(bob: User, bearer: Callable[..., Client], scope: str) -> None:
    take_step(bob, "token_exchange", claims={"id_jag": decoded(sub="only-for-bob")})
    client = bearer(scope)
    page = client.get("/debug-console")
    assert (page.status_code, page["Location"]) == (302, "/sign-in?next=/debug-console")
    answer = client.get("/api/tokens")
    assert answer.status_code in (401, 403)
    assert b"only-for-bob" not in page.content + answer.content
    forged = Client(headers={"host": HOST, "authorization": f"Bearer {secrets.token_urlsafe(32)}"})
    assert forged.get("/api/tokens").status_code == 401


@pytest.mark.clause("requirements.md", "DC-09", "not stored, not referred from, not indexed, not framed")
def test_it_is_answered_so_that_nothing_of_it_stays_or_leaks(browser: Client) -> None:
    response = browser.get("/debug-console")
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex"


@pytest.mark.clause("requirements.md", "DC-10 UF-37", "a day and sixty steps at most: fifty after each look")
def test_old_and_surplus_steps_are_dropped(bob: User, colleague: User) -> None:
    take_step(colleague, started_at=timezone.now() - timedelta(hours=25))
    assert b"None yet. Open a page" in browser_of(colleague).get("/debug-console").content
    for number in range(1 + KEPT_PER_USER + SURPLUS):
        take_step(bob, "token_exchange" if number <= SURPLUS else "api")
        assert RecordedStep.objects.filter(user=bob).count() < KEPT_PER_USER + SURPLUS
    assert RecordedStep.objects.filter(user=bob).count() == KEPT_PER_USER
    assert not RecordedStep.objects.filter(user=bob, kind="token_exchange").exists()
    assert not RecordedStep.objects.filter(user=colleague).exists()


@pytest.mark.clause("requirements.md", "DC-10", "whatever a process that has ended has left")
def test_a_new_process_looks_for_surplus_steps_at_once(bob: User) -> None:
    for _ in range(KEPT_PER_USER + SURPLUS):
        take_step(bob)
    debug_console._until_a_look.clear()
    take_step(bob)
    assert RecordedStep.objects.filter(user=bob).count() == KEPT_PER_USER


@pytest.mark.clause("requirements.md", "DC-12", "sign-out leaves nothing")
def test_steps_are_dropped_at_sign_out(bob: User, colleague: User) -> None:
    take_step(bob)
    take_step(colleague)
    user_logged_out.send(User, request=None, user=bob)
    user_logged_out.send(User, request=None, user=None)
    assert [step.user for step in RecordedStep.objects.all()] == [colleague]


@pytest.mark.clause("requirements.md", "DC-12", "a deactivated account leaves nothing and sees nothing")
def test_a_deactivated_account_has_no_steps_and_no_console(browser: Client, bob: User) -> None:
    take_step(bob)
    assert browser.get("/debug-console").status_code == 200
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert browser.get("/debug-console").status_code == 302
    bob.is_active = False
    bob.save()
    assert not RecordedStep.objects.exists()


@pytest.mark.clause("requirements.md", "DC-01", "outside the demo there is no console, and no trace of one in a page")
def test_outside_the_demo_nothing_is_recorded_or_shown(
    browser: Client, bob: User, article: Article, settings: Settings
) -> None:
    take_step(bob)
    settings.DEMO = False
    take_step(bob)
    assert RecordedStep.objects.count() == 1
    assert browser.get("/debug-console").status_code == 404
    assert browser.get("/api/tokens").status_code == 404
    for path in ("/", "/pages/", f"/pages/{article.pk}", f"/pages/{article.pk}/edit"):
        assert b"debug-console" not in browser.get(path).content


def test_steps_that_are_recorded_together_are_there_at_the_end_also_after_an_error(bob: User) -> None:
    with pytest.raises(ValueError, match="boom"), recording_together():
        take_step(bob, "token_exchange")
        take_step(bob, "jwt_bearer")
        assert not RecordedStep.objects.exists()
        raise ValueError("boom")
    assert [step.kind for step in RecordedStep.objects.order_by("pk")] == ["token_exchange", "jwt_bearer"]


@pytest.mark.django_db(transaction=True)
def test_steps_that_cannot_be_recorded_break_nothing(bob: User, caplog: pytest.LogCaptureFixture) -> None:
    with recording_together():
        take_step(bob)
        User.objects.filter(pk=bob.pk).delete()
    assert "cannot record steps" in caplog.text
    assert not RecordedStep.objects.exists()


def test_people_of_other_realms_are_not_recorded(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(realm="todo")
    signed_in.send(None, user=User.objects.get(), id_token_claims={"iss": "x"})
    assert not RecordedStep.objects.exists()
