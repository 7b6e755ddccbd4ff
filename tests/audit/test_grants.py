"""Every answer of a token endpoint leaves one row and one line, whichever part of the code gave it."""

import base64
from typing import Any

import jwt
import pytest
from django.db import DatabaseError
from oauth2_provider.models import get_access_token_model

from audit.models import AuditEvent
from crossapp.core.id_jag import CHECKS
from crossapp.resource_app.models import ConsumedJti
from idp.models import CrossAppPolicy
from tenants.models import IdPConnection, Realm, User
from tests.support.audit_lines import Lines
from tests.support.demo import Demo
from tests.support.embedded_idp import AUDIENCE, CALLBACK, RESOURCE, VERIFIER, EmbeddedIdP
from tests.support.in_process import sign_in

BOB = "bob@tables.fake"
ISSUER = "http://customer1.idp.localhost:8000"


def the_row(act: str, lines: Lines) -> AuditEvent:
    """Return the only row of `act`, which the only line of it says too."""
    row, [line] = AuditEvent.objects.get(act=act), lines.of(act)
    for name in ("outcome", "server", "tenant", "user", "client_id", "sub", "jti", "error", "failed_check", "detail"):
        assert line.get(name, "") == getattr(row, name), name
    return row


@pytest.mark.clause("ID-JAG", "4.3", "TE-84 SEC-11")
def test_an_issued_id_jag_is_recorded(signed_in: EmbeddedIdP, id_token: str, bob: User, lines: Lines) -> None:
    id_jag = signed_in.exchange(id_token, scope="read admin").json()["access_token"]
    row = the_row("token_exchange", lines)
    assert (row.outcome, row.server, row.tenant, row.client_id) == ("done", ISSUER, "customer1", "wiki0")
    assert (row.user, row.issuer, row.sub) == (bob.username, ISSUER, bob.sub)
    assert (row.audience, row.resource, row.scope_asked, row.scope_granted) == (
        AUDIENCE,
        RESOURCE,
        "read admin",
        "read",
    )
    assert row.jti == jwt.decode(id_jag, options={"verify_signature": False})["jti"]
    assert (row.error, row.failed_check, row.unverified, row.address) == ("", "", {}, "127.0.0.1")
    assert row.ms


@pytest.mark.parametrize(
    ("changes", "error", "check"),
    [
        ({"audience": "http://nobodys.example"}, "invalid_target", "target"),
        ({"resource": "http://nobodys.example"}, "invalid_target", "target"),
        ({"scope": "admin"}, "invalid_scope", "scope"),
        ({"requested_token_type": "x"}, "invalid_request", "request"),
        ({"actor_token": "x"}, "invalid_request", "request"),
    ],
)
@pytest.mark.clause("ID-JAG", "4.3", "TE-84 SEC-11")
def test_a_refused_exchange_is_recorded_with_the_failed_check(
    signed_in: EmbeddedIdP, id_token: str, lines: Lines, changes: dict[str, str], error: str, check: str
) -> None:
    response = signed_in.exchange(id_token, **changes)
    row = the_row("token_exchange", lines)
    assert (row.outcome, row.error, row.failed_check, row.client_id) == ("refused", error, check, "wiki0")
    assert row.detail == response.json()["error_description"]
    assert (row.jti, row.scope_granted, row.unverified) == ("", "", {})


@pytest.mark.clause("ID-JAG", "4.3", "SEC-11 SEC-12")
def test_the_operator_learns_more_than_the_client(
    signed_in: EmbeddedIdP, id_token: str, bob: User, lines: Lines
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    deactivated = signed_in.exchange(id_token).json()
    tampered = signed_in.exchange(id_token[:-8] + "AAAAAAAA").json()
    assert deactivated == tampered
    details = AuditEvent.objects.filter(act="token_exchange").order_by("pk").values_list("detail", flat=True)
    assert ["not active" in detail for detail in details] == [True, False]
    assert "InvalidSignatureError" in details[1]


@pytest.mark.clause("ID-JAG", "4.3.3", "SEC-11")
def test_a_denial_by_policy_is_recorded_with_the_person(
    signed_in: EmbeddedIdP, id_token: str, bob: User, lines: Lines
) -> None:
    CrossAppPolicy.objects.update(enabled=False)
    signed_in.exchange(id_token)
    row = the_row("token_exchange", lines)
    assert (row.error, row.failed_check, row.user, row.sub) == ("access_denied", "policy", bob.username, bob.sub)


@pytest.mark.parametrize("client_id", ["wiki0", "nobody", "evil\r\nline"])
@pytest.mark.clause("RFC 6749", "3.2.1", "SEC-09 SEC-10")
def test_a_client_that_proves_nothing_is_recorded_as_unverified(
    signed_in: EmbeddedIdP, id_token: str, lines: Lines, client_id: str
) -> None:
    pair = base64.b64encode(f"{client_id}:canary-secret".encode()).decode()
    signed_in.token(signed_in.exchange_request(id_token), headers={"authorization": f"Basic {pair}"})
    row = the_row("token_exchange", lines)
    assert (row.error, row.failed_check, row.client_id) == ("invalid_client", "client", "")
    assert row.unverified == {"client_id": client_id.replace("\r", "\\u000d").replace("\n", "\\u000a")}
    assert "canary" not in lines.texts[-1]


@pytest.mark.clause("RFC 6749", "4.1.3", "SEC-11")
def test_a_code_and_a_refresh_are_recorded(signed_in: EmbeddedIdP, bob: User, lines: Lines) -> None:
    tokens = signed_in.tokens()
    row = the_row("authorization_code", lines)
    assert (row.outcome, row.client_id, row.user, row.tenant) == ("done", "wiki0", bob.username, "customer1")
    assert row.scope_granted.split() == ["openid", "profile", "email", "offline_access"]
    signed_in.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert the_row("refresh_token", lines).outcome == "done"


@pytest.mark.clause("RFC 6749", "5.2", "SEC-11")
def test_a_refused_code_is_recorded(signed_in: EmbeddedIdP, lines: Lines) -> None:
    request = {
        "grant_type": "authorization_code",
        "code": "canary",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    assert signed_in.token(request).status_code == 400
    row = the_row("authorization_code", lines)
    assert (row.outcome, row.error, row.client_id) == ("refused", "invalid_grant", "wiki0")
    assert "canary" not in lines.texts[-1]


@pytest.mark.parametrize(
    ("body", "act"),
    [
        ({"grant_type": "password"}, "token_request"),
        ({}, "token_request"),
        ({"grant_type": ["refresh_token", "refresh_token"]}, "refresh_token"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "canary"}, "redemption"),
    ],
)
@pytest.mark.clause("RFC 6749", "5.2", "SEC-11")
def test_what_no_grant_gets_to_see_is_recorded_as_well(
    idp: EmbeddedIdP, lines: Lines, body: dict[str, Any], act: str
) -> None:
    response = idp.token(body)
    row = the_row(act, lines)
    assert (row.outcome, row.error, row.failed_check) == ("refused", response.json()["error"], "request")
    assert row.unverified["client_id"] == "wiki0"
    assert "canary" not in lines.texts[-1]


@pytest.mark.clause("RFC 7009", "2.1", "SEC-11")
def test_a_revocation_is_recorded(signed_in: EmbeddedIdP, lines: Lines) -> None:
    token = signed_in.tokens()["refresh_token"]
    assert signed_in.post("/oauth2/v1/revoke", {"token": token}).status_code == 200
    row = the_row("revocation", lines)
    assert (row.outcome, row.client_id, row.tenant) == ("done", "wiki0", "customer1")
    signed_in.post("/oauth2/v1/revoke", {"token": token}, headers={})
    assert AuditEvent.objects.filter(act="revocation", outcome="refused", failed_check="client").count() == 1


@pytest.mark.clause("ID-JAG", "4.4", "SEC-11")
def test_a_redemption_is_recorded_and_meets_its_issuance_by_the_jti(demo: Demo, lines: Lines) -> None:
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    issued, redeemed = the_row("token_exchange", lines), the_row("redemption", lines)
    assert redeemed.jti == issued.jti != ""
    assert (redeemed.issuer, redeemed.sub) == (issued.issuer, issued.sub)
    assert (redeemed.outcome, redeemed.server, redeemed.tenant) == ("done", AUDIENCE, "customer1")
    assert (issued.client_id, redeemed.client_id) == ("wiki0", "wiki0-at-todo0")
    assert redeemed.user == User.objects.get(realm=Realm.TODO, email=BOB).username
    assert (redeemed.audience, redeemed.resource) == (AUDIENCE, RESOURCE)
    assert (redeemed.scope_asked, redeemed.scope_granted) == ("read", "read")
    assert (redeemed.unverified, redeemed.failed_check) == ({}, "")


def redeem(demo: Demo, **changes: str) -> Any:
    """Send the ID-JAG that went over the wire last once more, or something else."""
    body = next(sent.body for sent in demo.network.to("/oauth2/v1/token") if "jwt-bearer" in sent.body)
    client = demo.browser.client(AUDIENCE)
    return client.post(
        "/oauth2/v1/token",
        body if not changes else "&".join(f"{name}={value}" for name, value in changes.items()),
        content_type="application/x-www-form-urlencoded",
        headers={"host": "todo.localhost:8000", "authorization": _wiki0_at_todo0()},
    )


def _wiki0_at_todo0() -> str:
    from crossapp.requesting_app.models import ResourceApp

    todo0 = ResourceApp.objects.get()
    return "Basic " + base64.b64encode(f"{todo0.client_id}:{todo0.client_secret}".encode()).decode()


OF_AN_EXCHANGE = ["client", "grant_type", "request", "subject_token", "target", "policy", "authentication_age", "scope"]


@pytest.mark.clause("ID-JAG", "4.3", "SEC-11")
def test_the_checks_that_an_exchange_passed_are_recorded(signed_in: EmbeddedIdP, id_token: str, lines: Lines) -> None:
    signed_in.exchange(id_token)
    assert the_row("token_exchange", lines).checks_passed == [*OF_AN_EXCHANGE, "signing_key"]
    assert lines.of("token_exchange")[0]["checks_passed"] == [*OF_AN_EXCHANGE, "signing_key"]


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"client_id": None}, 0),
        ({"actor_token": "x"}, 2),
        ({"subject_token": "x"}, 3),
        ({"resource": "http://nobodys.example"}, 4),
        ({"scope": "admin"}, 7),
    ],
)
@pytest.mark.clause("ID-JAG", "4.3", "SEC-11")
def test_the_checks_that_a_refused_exchange_passed_are_recorded(
    signed_in: EmbeddedIdP, id_token: str, lines: Lines, changes: dict[str, Any], passed: int
) -> None:
    signed_in.exchange(id_token, **changes)
    assert the_row("token_exchange", lines).checks_passed == OF_AN_EXCHANGE[:passed]


@pytest.mark.clause("ID-JAG", "4.4", "SEC-11")
def test_the_checks_that_a_redemption_passed_are_recorded(demo: Demo, lines: Lines) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    redeem(demo)
    first, replay = AuditEvent.objects.filter(act="redemption").order_by("pk")
    assert first.checks_passed[:6] == ["request", "authorization_details", "dpop", "client", "grant_type", "jws"]
    assert first.checks_passed[6:-6] == [check.name for check in CHECKS]
    assert first.checks_passed[-3:] == ["cnf", "authorization_details", "replay"]
    assert replay.checks_passed == first.checks_passed[:-1]


@pytest.mark.clause("ID-JAG", "4.4", "SEC-11")
def test_a_replay_is_recorded_with_everything_that_was_verified(demo: Demo, lines: Lines) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    assert redeem(demo).status_code == 400
    first, replay = AuditEvent.objects.filter(act="redemption").order_by("pk")
    assert (replay.outcome, replay.error, replay.failed_check) == ("refused", "invalid_grant", "replay")
    assert (replay.jti, replay.user, replay.tenant) == (first.jti, first.user, first.tenant)
    assert (replay.scope_granted, replay.unverified) == ("", {})
    assert len(lines.of("redemption")) == 2


@pytest.mark.clause("ID-JAG", "4.4", "SEC-10 SEC-11")
def test_what_an_unverified_id_jag_claims_is_marked(demo: Demo, lines: Lines) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    forged = jwt.encode(
        {"iss": "https://evil.example\n\x1b[0m", "jti": ["x"], "sub": "mallory"},
        "k" * 32,
        algorithm="HS256",
        headers={"typ": "oauth-id-jag+jwt"},
    )
    redeem(demo, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=forged)
    row = AuditEvent.objects.filter(act="redemption").latest("pk")
    assert row.outcome == "refused"
    assert (row.issuer, row.sub, row.jti, row.client_id) == ("", "", "", "wiki0-at-todo0")
    assert row.unverified == {"issuer": "https://evil.example\\u000a\\u001b[0m", "jti": "[list]", "sub": "mallory"}
    assert forged not in lines.texts[-1]


@pytest.mark.clause("ID-JAG", "4.4", "SEC-11")
def test_a_subject_without_access_is_recorded_with_the_reason(demo: Demo, lines: Lines) -> None:
    sign_in(demo.browser, "wiki", BOB)
    User.objects.filter(realm=Realm.TODO, email=BOB).delete()
    IdPConnection.objects.filter(app="todo").update(provisions_users=False)
    demo.unfurl([demo.link_to("john@tables.fake2")])
    row = AuditEvent.objects.filter(act="redemption").latest("pk")
    assert (row.outcome, row.failed_check, row.tenant, row.user) == ("refused", "subject", "customer1", "")
    assert "provisions no users" in row.detail


def _fail(*args: Any, **kwargs: Any) -> None:
    raise DatabaseError("the disk is full")


def test_no_id_jag_is_issued_without_a_record(
    signed_in: EmbeddedIdP, id_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AuditEvent, "save", _fail)
    response = signed_in.exchange(id_token)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "access_token" not in response.json()


def test_no_token_is_handed_out_for_a_code_without_a_record(
    signed_in: EmbeddedIdP, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = signed_in.code()
    monkeypatch.setattr(AuditEvent, "save", _fail)
    request = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    response = signed_in.token(request)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


def test_without_a_record_no_id_jag_is_redeemed_and_none_is_burnt(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    sign_in(demo.browser, "wiki", BOB)
    save = AuditEvent.save
    monkeypatch.setattr(
        AuditEvent, "save", lambda self, **kwargs: (_fail if self.act == "redemption" else save)(self, **kwargs)
    )
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"] is None
    assert not ConsumedJti.objects.exists()
    assert not get_access_token_model().objects.filter(user__realm=Realm.TODO).exists()
    assert [line["failed_check"] for line in lines.of("redemption")] == ["audit"]
    monkeypatch.setattr(AuditEvent, "save", save)
    assert redeem(demo).status_code == 200


def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(
    signed_in: EmbeddedIdP, id_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AuditEvent, "save", _fail)
    assert signed_in.exchange(id_token, audience="http://nobodys.example").json()["error"] == "invalid_target"


def test_a_grant_costs_one_statement_more(
    signed_in: EmbeddedIdP, id_token: str, django_assert_num_queries: Any
) -> None:
    signed_in.exchange(id_token)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        signed_in.exchange(id_token)
    audit = [query["sql"] for query in queries if "audit_auditevent" in query["sql"]]
    assert len(audit) == 1
    assert audit[0].startswith("INSERT")
