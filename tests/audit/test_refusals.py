"""What is refused before anybody has proved who they are: at the authorization endpoint, about tokens, by assertion."""

from typing import Any

import jwt
import pytest
from django.test import Client as Browser

from audit.clients import unverified_client_in
from audit.models import AuditEvent
from tenants.models import User
from tests.support.audit_lines import Lines
from tests.support.embedded_idp import CALLBACK, EmbeddedIdP

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def the_row(act: str, lines: Lines) -> AuditEvent:
    """Return the only row of `act`, which the only line of it says too."""
    row, [line] = AuditEvent.objects.get(act=act), lines.of(act)
    for name in ("outcome", "server", "tenant", "user", "client_id", "error", "failed_check", "detail"):
        assert line.get(name, "") == getattr(row, name), name
    return row


@pytest.mark.parametrize(
    ("changes", "error", "check"),
    [
        ({"client_id": "nobody"}, "invalid_request", "request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request", "request"),
        ({"scope": "admin"}, "invalid_scope", "scope"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type"),
        ({"code_challenge": None}, "invalid_request", "request"),
        ({"request": "x"}, "request_not_supported", "request"),
        ({"resource": "https://evil.example/"}, "invalid_target", "target"),
    ],
)
@pytest.mark.clause("RFC 6749", "4.1.2.1", "SEC-11")
def test_a_refused_authorization_request_is_recorded(
    signed_in: EmbeddedIdP, bob: User, lines: Lines, changes: dict[str, str | None], error: str, check: str
) -> None:
    signed_in.authorize(**changes)
    row = the_row("authorization", lines)
    assert (row.outcome, row.error, row.failed_check) == ("refused", error, check)
    assert (row.server, row.tenant, row.user, row.client_id) == (
        "http://customer1.idp.localhost:8000",
        "customer1",
        bob.username,
        "",
    )
    assert row.unverified["client_id"] == changes.get("client_id", "wiki0")
    assert row.unverified["redirect_uri"] == changes.get("redirect_uri", CALLBACK)
    assert row.scope_asked == changes.get("scope", "openid profile email offline_access")


@pytest.mark.clause("OIDC Core", "3.1.2.6", "SEC-11")
def test_a_silent_request_without_a_session_is_recorded_and_a_good_one_is_not(
    idp: EmbeddedIdP, bob: User, lines: Lines
) -> None:
    idp.authorize(prompt="none")
    row = the_row("authorization", lines)
    assert (row.error, row.failed_check, row.user) == ("login_required", "session", "")
    idp.browser.force_login(bob, backend="tenants.passwords.RealmBackend")
    assert idp.code(prompt="none")
    assert AuditEvent.objects.filter(act="authorization").count() == 1


def test_an_authorization_request_where_there_are_none_is_recorded(lines: Lines, db: None) -> None:
    Browser(headers={"host": "todo.localhost:8000"}).get("/oauth2/v1/authorize", {"client_id": "wiki0"})
    row = the_row("authorization", lines)
    assert (row.server, row.failed_check) == ("http://todo.localhost:8000", "response_type")
    assert row.unverified == {"client_id": "wiki0"}


@pytest.mark.parametrize("body", [{}, {"token": ["canary", "canary"]}])
@pytest.mark.parametrize(("path", "act"), [("revoke", "revocation"), ("introspect", "introspection")])
@pytest.mark.clause("RFC 7009", "2.2.1", "SEC-11")
def test_a_malformed_request_about_a_token_is_recorded(
    idp: EmbeddedIdP, lines: Lines, path: str, act: str, body: dict[str, Any]
) -> None:
    response = idp.post(f"/oauth2/v1/{path}", body)
    row = the_row(act, lines)
    assert (row.outcome, row.error, row.failed_check) == ("refused", "invalid_request", "request")
    assert row.detail == response.json()["error_description"]
    assert (row.client_id, row.unverified) == ("", {"client_id": "wiki0"})
    assert "canary" not in lines.texts[0]


@pytest.mark.parametrize(("path", "act"), [("revoke", "revocation"), ("introspect", "introspection")])
@pytest.mark.clause("RFC 6749", "3.2", "SEC-11")
def test_what_is_no_form_is_recorded_unread(idp: EmbeddedIdP, lines: Lines, path: str, act: str) -> None:
    response = idp.post(f"/oauth2/v1/{path}", "x", content_type="multipart/form-data")
    row = the_row(act, lines)
    assert (response.status_code, row.error, row.failed_check) == (400, "invalid_request", "request")
    assert row.detail == response.json()["error_description"] == "The body must be application/x-www-form-urlencoded."


@pytest.mark.clause("RFC 7662", "2.1", "SEC-11")
def test_who_asks_about_a_token_with_a_wrong_secret_is_recorded(idp: EmbeddedIdP, lines: Lines) -> None:
    idp.post("/oauth2/v1/introspect", {"token": "canary"}, headers={"authorization": idp.basic("wiki0", "wrong")})
    row = the_row("introspection", lines)
    assert (row.error, row.failed_check, row.unverified) == ("invalid_client", "client", {"client_id": "wiki0"})


ACTS = {
    "refresh_token": ("token", {"grant_type": "refresh_token", "refresh_token": "x"}),
    "authorization_code": ("token", {"grant_type": "authorization_code", "code": "x"}),
    "token_exchange": ("token", {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}),
    "revocation": ("revoke", {"token": "x"}),
    "introspection": ("introspect", {"token": "x"}),
}
SECRET = "canary-secret"
REASONS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown", {}, "This server has no such client."),
    ("disabled", {}, "The client is disabled."),
    ("wiki0", {}, "The secret is wrong."),
    ("in_body", {}, "The client is registered for client_secret_post and used client_secret_basic."),
    ("with_key", {}, "The client is registered for private_key_jwt and used client_secret_basic."),
    ("", {"client_id": "in_header", "client_secret": SECRET}, "is registered for client_secret_basic and used"),
    ("", {"client_id": "wiki0", "client_secret": SECRET}, "The secret is wrong."),
    ("", {"client_id": "in_body", "client_secret": SECRET}, "The secret is wrong."),
    ("", {"client_id": "unknown", "client_secret": SECRET}, "This server has no such client."),
    ("", {"client_id": "disabled", "client_secret": SECRET}, "The client is disabled."),
    ("", {"client_id": "wiki0"}, "The credentials are missing."),
    ("", {}, "The credentials are missing."),
    ("Bearer", {"client_refused": "canary"}, "The Authorization header is malformed."),
    ("Bearer", {}, "The Authorization header is malformed."),
    (
        "",
        {"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE},
        "The client assertion fails the check jws",
    ),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.clause(
    "RFC 6749", "5.2", "SEC-11 SEC-12: every reason reads the same outside, and the operator reads which"
)
def test_the_operator_learns_why_a_client_does_not_authenticate(idp: EmbeddedIdP, lines: Lines, act: str) -> None:
    idp.register("disabled", is_active=False)
    idp.register("in_header", auth_method="client_secret_basic")
    idp.register("in_body", auth_method="client_secret_post")
    idp.register("with_key", auth_method="private_key_jwt")
    path, body = ACTS[act]
    answers = set()
    for client_id, more, _ in REASONS:
        header = "Bearer x" if client_id == "Bearer" else idp.basic(client_id, SECRET) if client_id else ""
        headers = {"x-request-id": "the-request"} | ({"authorization": header} if header else {})
        response = idp.post(f"/oauth2/v1/{path}", body | more, headers=headers)
        assert response.status_code == 401
        answers.add((response.content, tuple(sorted(response.items()))))
    assert len(answers) == 1
    rows = AuditEvent.objects.filter(act=act).order_by("pk")
    assert {(row.error, row.failed_check, row.client_id) for row in rows} == {("invalid_client", "client", "")}
    for row, (_, _, detail) in zip(rows, REASONS, strict=True):
        assert detail in row.detail
    assert "canary" not in "".join(lines.texts)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.clause("RFC 7009", "2.1", "IR-16 SEC-11")
def test_who_revokes_a_token_of_another_client_is_recorded_as_refused(
    signed_in: EmbeddedIdP, bob: User, lines: Lines, kind: str
) -> None:
    token = signed_in.tokens()[kind]
    response = signed_in.post("/oauth2/v1/revoke", {"token": token}, "todo0")
    row = the_row("revocation", lines)
    assert (response.status_code, response.json()) == (200, {})
    assert (row.outcome, row.error, row.failed_check, row.client_id) == ("refused", "", "token_owner", "todo0")
    assert (row.user, row.resource) == (bob.username, "http://customer1.idp.localhost:8000/oauth2/v1/userinfo")
    jti = ""
    if kind == "access_token":
        jti = " " + jwt.decode(token, options={"verify_signature": False})["jti"]
    assert row.detail == f"The token{jti} was issued to wiki0 at http://customer1.idp.localhost:8000."
    assert token not in lines.texts[-1]
    assert signed_in.post("/oauth2/v1/revoke", {"token": token}).status_code == 200
    assert AuditEvent.objects.filter(act="revocation").values_list("outcome", "detail")[0] == ("done", "")


@pytest.mark.clause("RFC 7009", "2.2", "IR-17 SEC-11")
def test_a_revocation_that_ended_nothing_is_told_from_one_that_did(
    signed_in: EmbeddedIdP, bob: User, lines: Lines
) -> None:
    tokens = signed_in.tokens()
    for token in ("unknown", tokens["id_token"], tokens["refresh_token"], tokens["refresh_token"]):
        assert signed_in.post("/oauth2/v1/revoke", {"token": token}).json() == {}
    rows = (
        AuditEvent.objects.filter(act="revocation").order_by("pk").values_list("outcome", "client_id", "user", "detail")
    )
    nothing = ("done", "wiki0", "", "Nothing was revoked: no such token is valid here.")
    assert list(rows) == [nothing, nothing, ("done", "wiki0", bob.username, ""), nothing]


@pytest.mark.clause("RFC 7662", "2.2", "SEC-11")
def test_only_introspection_of_another_clients_token_is_recorded(
    signed_in: EmbeddedIdP, bob: User, lines: Lines
) -> None:
    token = signed_in.tokens()["access_token"]
    for asked, client_id in ((token, "wiki0"), ("unknown", "todo0"), (token, "todo0")):
        signed_in.post("/oauth2/v1/introspect", {"token": asked}, client_id)
    row = the_row("introspection", lines)
    assert (row.outcome, row.failed_check, row.client_id) == ("refused", "resource", "todo0")
    assert (row.user, row.resource) == (bob.username, "http://customer1.idp.localhost:8000/oauth2/v1/userinfo")
    assert row.detail == "The token was issued to wiki0."
    assert token not in lines.texts[-1]


def assertion(**claims: Any) -> str:
    return jwt.encode({"sub": "wiki0", "jti": "x" * 32} | claims, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(("path", "act"), [("token", "refresh_token"), ("revoke", "revocation")])
@pytest.mark.clause("RFC 7523", "3", "SEC-10 SEC-11")
def test_whom_a_refused_client_assertion_claims_to_be_is_recorded_as_unverified(
    idp: EmbeddedIdP, lines: Lines, path: str, act: str
) -> None:
    sent = assertion(sub="evil\r\nline")
    body = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_assertion": sent}
    idp.post(f"/oauth2/v1/{path}", body | {"client_assertion_type": ASSERTION_TYPE}, None)
    row = the_row(act, lines)
    assert (row.failed_check, row.client_id) == ("client", "")
    assert row.unverified == {"client_id": "evil\\u000d\\u000aline"}
    assert sent not in lines.texts[0]


@pytest.mark.parametrize(
    ("authorization", "client_id", "sent", "read"),
    [
        ("Basic d2lraTA6eA==", None, None, "wiki0"),
        ("basic d2lraTA6eA==", "other", None, "wiki0"),
        ("Basic JTc3aWtpMDp4", None, None, "wiki0"),  # %77iki0: one client has one counter, however it is spelled
        ("Basic d2lraTA=", None, None, ""),
        ("Basic !", None, None, ""),
        ("Basic /w==", None, None, ""),
        ("Basic", None, None, ""),
        ("Bearer x", "wiki0", None, "wiki0"),
        (None, "wiki0", None, "wiki0"),
        (None, None, None, ""),
        (None, None, assertion(), "wiki0"),
        (None, "other", assertion(), "wiki0"),
        (None, None, assertion(sub=["wiki0"]), ""),
        (None, None, "no JWS", ""),
        (None, None, assertion(more="x" * 13_000), ""),
    ],
)
@pytest.mark.clause("limits", "", "LIM-04")
def test_the_claimed_client_is_read_from_wherever_it_is_and_never_from_too_much(
    authorization: str | None, client_id: str | None, sent: str | None, read: str
) -> None:
    assert unverified_client_in(authorization, client_id=client_id, assertion=sent) == read
