"""What stays of one tenant's request when another tenant's comes: in threads, caches, logs and words of refusal."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client as Browser
from django.urls import get_urlconf
from pytest_django import Settings

from audit.current_request import current_request
from audit.models import AuditEvent
from authserver.models import Client
from tenants.models import IdPConnection, Realm, Tenant, User
from tests.isolation.test_mix_ups import forged
from tests.support.audit_lines import Lines
from tests.support.commands import run
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.legs import access_token_of, call, id_jag_of, idp_of, is_refused, redeem

BOB, JOHN = "bob@tables.fake", "john@tables.fake2"


@pytest.fixture
def same_names(demo: Demo) -> Demo:
    """Bob and John have the same subject and name at IdPs where their apps have the same client identifiers."""
    sub = User.objects.get(realm=Realm.IDP, email=BOB).sub
    User.objects.filter(email=JOHN).update(first_name="Bobby", last_name="Tables")
    User.objects.filter(realm=Realm.IDP, email=JOHN).update(sub=sub)
    return demo


@pytest.mark.clause("cache mix-up", "", "MT-10")
def test_nothing_in_the_cache_of_one_tenant_is_taken_for_anothers(same_names: Demo) -> None:
    demo, links = same_names, {person: same_names.link_to(person) for person in (BOB, JOHN)}
    fetched = []
    for _ in range(2):  # the second time everything is in the cache
        for person, other in ((BOB, JOHN), (JOHN, BOB)):
            demo.browser.clients.clear()
            sign_in(demo.browser, "wiki", person)
            mine, theirs = demo.unfurl([links[person], links[other]])
            assert mine["card"] and theirs["reason"]["code"] == "not_found"
        fetched.append(
            [sent.url for path in ("/oauth2/v1/keys", "/.well-known/openid") for sent in demo.network.to(path)]
        )
    assert fetched[0] == fetched[1]
    assert {idp_of(slug) in str(fetched[0]) for slug in ("customer1", "customer2")} == {True}


@pytest.mark.clause("cache mix-up", "", "MT-10")
def test_a_failure_of_one_tenant_is_not_remembered_for_another(same_names: Demo) -> None:
    demo, link = same_names, same_names.link_to(JOHN)
    sign_in(demo.browser, "wiki", BOB)
    demo.network.unreachable.add(idp_of("customer1"))
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "no_answer"
    demo.browser.clients.clear()
    sign_in(demo.browser, "wiki", JOHN)
    assert demo.unfurl([link])[0]["card"]


@pytest.mark.clause("context leak", "", "MT-11")
def test_a_thread_keeps_nothing_of_the_request_before(demo: Demo) -> None:
    browser = Browser(raise_request_exception=False)
    for host, path in (
        (idp_of("customer1"), "/"),
        (idp_of("customer1"), "/oauth2/v1/token"),
        (idp_of("customer1"), "/nothing"),
        ("wiki.localhost:8000", "/pages/"),
    ):
        browser.get(path, headers={"host": host})
        assert current_request() is None
        for unknown in ("nobody.idp.localhost:8000", "evil.example"):
            answer = browser.get("/", headers={"host": unknown})
            assert (answer.status_code, b"Fake Org" in answer.content) == (404, False)
            assert get_urlconf() in (None, project.ROOT_URLCONF)
        page = browser.get("/", headers={"host": idp_of("customer2")}).content.decode()
        assert "Fake Org 2" in page and "customer1" not in page


@pytest.mark.clause("context leak", "", "MT-11")
def test_neither_does_it_after_a_failure(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("in the middle of it")

    with monkeypatch.context() as patched:
        patched.setattr("idp.views.home.render", fail)
        answer = Browser(raise_request_exception=False).get("/", headers={"host": idp_of("customer1")})
    assert (answer.status_code, b"Fake Org" in answer.content) == (500, False)
    assert current_request() is None


@pytest.mark.clause("context leak", "", "MT-11")
def test_a_command_says_whose_tenant_it_acts_for(demo: Demo) -> None:
    Browser().get("/", headers={"host": idp_of("customer1")})
    new = ("--issuer", "https://new.example", "--client-id", "c", "--client-secret", "s" * 40, "--no-fetch")
    run("connectidp", "--tenant", "newcomer", "--app", "todo", *new)
    run("rotatekeys", "--at", "customer2", "--now")
    recorded = AuditEvent.objects.filter(act__in=("tenant_change", "connection_change", "key_change"))
    assert set(recorded.values_list("tenant", "server")) == {("newcomer", ""), ("customer2", "")}


@pytest.fixture
def all_lines() -> Iterator[list[str]]:
    """What any logger says in the deployment's levels, as a console would show it."""
    texts: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(self.format(record))

    handler = Handler()
    logging.getLogger().addHandler(handler)
    yield texts
    logging.getLogger().removeHandler(handler)


def names(email: str) -> list[str]:
    """Return what a log line about a person could name."""
    people = User.objects.filter(email=email)
    found = {name for person in people for name in (person.sub, person.email, person.username) if name}
    return sorted(found)


@pytest.mark.clause("privacy", "", "MT-31")
def test_a_line_about_one_tenant_names_no_user_of_another(demo: Demo, lines: Lines, all_lines: list[str]) -> None:
    people = {"customer1": BOB, "customer2": JOHN}
    for person, other in ((BOB, JOHN), (JOHN, BOB)):
        demo.browser.clients.clear()
        sign_in(demo.browser, "wiki", person)
        assert demo.unfurl([demo.link_to(person), demo.link_to(other)])[1]["reason"]["code"] == "not_found"
        redeem("nonsense")
    parsed = [json.loads(text) for text in lines.texts]
    for tenant, person in people.items():
        about = [line for line in parsed if line.get("tenant") == tenant]
        assert len(about) >= 5
        others = names(people["customer2" if tenant == "customer1" else "customer1"])
        assert not [(line, name) for line in about for name in others if name in json.dumps(line)]
        assert any(name in json.dumps(about) for name in names(person)), "control: it names its own"
    elsewhere = [text for text in all_lines if '"act"' not in text]
    assert not [
        (text, name) for text in elsewhere for person in people.values() for name in names(person) if name in text
    ]


@pytest.mark.clause("enumeration", "", "MT-32")
def test_no_refused_id_jag_says_whether_there_is_such_a_tenant(demo: Demo) -> None:
    """An unknown issuer, a disabled connection, a deactivated tenant, another app's connection, a client for others."""
    sign_in(demo.browser, "wiki", BOB)
    id_jag = id_jag_of(BOB)
    assert redeem(forged(id_jag, by="customer1", jti="control")).status_code == 200
    said = [redeem(forged(id_jag, by="customer1", jti="a", iss="http://nobody.idp.localhost:8000"))]
    connection = IdPConnection.objects.filter(app="todo", tenant__slug="customer1")
    connection.update(enabled=False)
    said.append(redeem(id_jag))
    connection.update(enabled=True)
    Client.objects.filter(client_id="wiki0-at-todo0").update(tenant=Tenant.objects.get(slug="customer2"))
    said.append(redeem(id_jag))
    Client.objects.filter(client_id="wiki0-at-todo0").update(tenant=None)
    Tenant.objects.filter(slug="customer1").update(is_active=False)
    said.append(redeem(id_jag))
    Tenant.objects.filter(slug="customer1").update(is_active=True)
    connection.delete()
    said.append(redeem(id_jag))
    assert {is_refused(answer, "invalid_grant") for answer in said} == {True}
    assert len({answer.content for answer in said}) == 1


@pytest.mark.clause("enumeration", "", "MT-32")
def test_the_email_step_says_the_same_of_no_tenant_and_of_one_without_access(demo: Demo, settings: Settings) -> None:
    def step(email: str) -> tuple[int, str]:
        answer = Browser(headers={"host": "todo.localhost:8000"}).post("/sign-in", {"email": email})
        text = answer.content.decode().replace(email, "")
        for changing in ("csrfmiddlewaretoken", "nonce"):
            text = "\n".join(line for line in text.splitlines() if changing not in line)
        return answer.status_code, text

    assert step(BOB)[0] == 302
    settings.DEMO = False  # whose page names the demo's accounts
    said = {step("somebody@nowhere.fake")}
    IdPConnection.objects.filter(tenant__slug="customer2").update(enabled=False)
    said.add(step(JOHN))
    Tenant.objects.filter(slug="customer3").update(is_active=False)
    said.add(step("foo@tables.fake3"))
    assert len(said) == 1 and "Fake Org" not in str(said)


@pytest.mark.clause("enumeration", "", "MT-32")
def test_another_tenants_objects_look_like_missing_ones(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    token, theirs = access_token_of(BOB), demo.link_to(JOHN).rpartition("/")[2]
    for method in ("GET", "DELETE"):
        answers = [call(token, f"/api/todos/{number}", method=method) for number in (theirs, "999999999")]
        if method == "DELETE":
            assert {answer.status_code for answer in answers} == {403}
        else:
            assert {answer.status_code for answer in answers} == {404}
        assert answers[0].content == answers[1].content
