"""Signing in to an app at a tenant's IdP, and every way in which it must fail."""

import base64
import hashlib
import logging
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import pytest
import requests
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import IdPConnection, SubjectTokens, User
from tenants.signals import signed_in
from tests.support.encryption import encrypt_with
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeIdp, Reply, id_token_claims, json_reply, sign
from tests.support.pages import NAVIGATE, assert_goes_on

HOST = "wiki.localhost:8000"
CALLBACK = f"http://{HOST}/sign-in/callback"

pytestmark = pytest.mark.usefixtures("connection")


@dataclass
class Browser:
    """A browser at Wiki0; `query` is what the last redirect asked of the IdP."""

    idp: FakeIdp
    client: Client = field(default_factory=lambda: Client(headers={"host": HOST}, enforce_csrf_checks=False))
    query: dict[str, str] = field(default_factory=dict)

    def start(self, email: str = "bob@tables.example", **fields: str) -> HttpResponse:
        """Give the email; the IdP will answer with an ID token for the nonce it got."""
        response = self.client.post("/sign-in", {"email": email, **fields})
        if response.status_code == 302:
            self.query = {name: value for name, (value,) in parse_qs(urlsplit(response["Location"]).query).items()}
            self.idp.claims["nonce"] = self.query["nonce"]
        return response

    def come_back(self, **changes: Any) -> HttpResponse:
        """Return from the IdP; a change to None leaves a parameter out."""
        parameters = {"code": "the-code", "state": self.query["state"], "iss": ISSUER} | changes
        return self.client.get("/sign-in/callback", {k: v for k, v in parameters.items() if v is not None})

    def sign_in(self, **fields: str) -> HttpResponse:
        self.start(**fields)
        return self.come_back()

    @property
    def user(self) -> User | None:
        return User.objects.filter(pk=self.client.session.get("_auth_user_id")).first()


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    return Browser(idp)


def challenge_for(verifier: str) -> str:
    """Return the PKCE challenge for `verifier` (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def refused(browser: Browser, response: HttpResponse, status: int, reason: str = "") -> None:
    """Assert that `response` is the page with the reason, and that no person is signed in."""
    assert response.status_code == status
    assert "sign_in/failed.html" in [template.name for template in response.templates]
    assert reason in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert browser.user is None
    assert not SubjectTokens.objects.exists()


# The email step


def test_the_page_asks_for_the_work_email(browser: Browser) -> None:
    response = browser.client.get("/sign-in?next=/pages/7")
    page = response.content.decode()
    assert response.status_code == 200
    assert "Work email" in page
    assert 'name="next" value="/pages/7"' in page


@pytest.mark.parametrize("headers", [NAVIGATE, {"upgrade-insecure-requests": "1"}], ids=["https", "plain http"])
def test_a_browser_gets_a_page_that_goes_on_to_the_idp(browser: Browser, headers: dict[str, str]) -> None:
    page = browser.client.get("/sign-in")
    assert "form-action 'self';" in page["Content-Security-Policy"] + ";"
    answer = browser.client.post("/sign-in", {"email": "bob@tables.example"}, headers=headers)
    assert_goes_on(answer, f"{ISSUER}/authorize?", whole=False)


@pytest.mark.parametrize(
    "headers", [{"accept": "text/html"}, {"sec-fetch-mode": "cors", "upgrade-insecure-requests": "1"}]
)
def test_a_program_and_a_script_get_a_redirect_to_the_idp(browser: Browser, headers: dict[str, str]) -> None:
    answer = browser.client.post("/sign-in", {"email": "bob@tables.example"}, headers=headers)
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{ISSUER}/authorize?")


@pytest.mark.clause("RFC 9700", "2.1.1", "RP-30: PKCE is always used")
def test_the_email_leads_to_the_idp_of_its_tenant(browser: Browser) -> None:
    response = browser.start()
    assert response["Location"].startswith(f"{ISSUER}/authorize?")
    assert browser.query | {"state": "", "nonce": "", "code_challenge": ""} == {
        "response_type": "code",
        "scope": "openid profile email offline_access",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "login_hint": "bob@tables.example",
        "code_challenge_method": "S256",
        "state": "",
        "nonce": "",
        "code_challenge": "",
    }
    assert min(len(browser.query[name]) for name in ("state", "nonce", "code_challenge")) >= 32


@pytest.mark.clause("RFC 9700", "2.1.1", "RP-30: a challenge serves one sign-in")
def test_state_nonce_and_challenge_are_new_each_time(browser: Browser) -> None:
    browser.start()
    first = browser.query
    browser.start()
    assert all(first[name] != browser.query[name] for name in ("state", "nonce", "code_challenge"))


def test_unknown_people_of_a_tenant_are_sent_on_like_known_ones(browser: Browser) -> None:
    assert browser.start("nobody@tables.example")["Location"].startswith(f"{ISSUER}/authorize?")


def test_an_address_of_no_tenant_gets_a_message_that_names_none(browser: Browser) -> None:
    response = browser.start("bob@elsewhere.example")
    assert response.status_code == 200
    assert "We cannot sign you in with this address." in response.content.decode()
    assert "tables" not in response.content.decode().lower().split("demo accounts")[0]


@pytest.mark.parametrize(
    "email", ["", "bob", "bob@@tables.example", "x" * 500 + "@tables.example", "b\x00b@tables.example"]
)
def test_a_malformed_address_is_asked_for_again(browser: Browser, email: str) -> None:
    response = browser.start(email)
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()


@pytest.mark.parametrize(
    "body", ["1", "[]", "null", "{}", "{", '{"email": 7}', '{"email": ["bob@tables.example"]}', '{"email": null}', ""]
)
@pytest.mark.clause("RFC 9110", "15.5.1", "RP-37")
def test_a_body_that_is_no_form_is_refused(browser: Browser, body: str) -> None:
    assert browser.client.post("/sign-in", body, content_type="application/json").status_code == 400
    assert browser.start().status_code == 302


def test_the_page_repeats_what_was_typed_escaped(browser: Browser) -> None:
    page = browser.start('"><script>@x.example').content.decode()
    assert "<script>@" not in page


@pytest.mark.parametrize("status", [500, 404])
def test_an_idp_without_metadata_ends_on_the_failure_page(browser: Browser, status: int) -> None:
    browser.idp.replies["/.well-known/openid-configuration"] = Reply(b"<h1>oops</h1>", status, "text/html")
    refused(browser, browser.start(), 502, "Your organisation&#x27;s identity provider")


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://idp.example/authorize"},
        {"token_endpoint": 7},
    ],
    ids=str,
)
def test_metadata_that_cannot_be_right_end_on_the_failure_page(browser: Browser, changes: dict[str, Any]) -> None:
    browser.idp.metadata |= changes
    refused(browser, browser.start(), 502, "sent an invalid answer")


def test_a_secret_that_no_key_opens_ends_on_the_failure_page(browser: Browser, settings: Settings) -> None:
    from cryptography.fernet import Fernet

    encrypt_with(settings, [Fernet.generate_key().decode()])
    refused(browser, browser.start(), 502, "This app isn&#x27;t set up correctly")


# The way back


@pytest.mark.clause("OpenID Connect Core", "3.1.3.1", "the code is redeemed with the client's credentials")
def test_the_code_is_redeemed_and_the_person_signed_in(browser: Browser) -> None:
    response = browser.sign_in(next="/pages/7?x=y")
    assert (response.status_code, response["Location"]) == (302, "/pages/7?x=y")
    assert browser.user == User.objects.get(realm="wiki", sub="u-bob")
    form = browser.idp.form("/token")
    verifier = form.pop("code_verifier")
    assert challenge_for(verifier) == browser.query["code_challenge"]
    assert form == {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": CALLBACK}
    basic = browser.idp.to("/token")[0].headers["Authorization"].removeprefix("Basic ")
    assert [unquote_plus(part) for part in base64.b64decode(basic).decode().split(":")] == [CLIENT_ID, CLIENT_SECRET]


def test_the_client_authenticates_as_the_connection_says(browser: Browser) -> None:
    IdPConnection.objects.update(auth_method="client_secret_post")
    browser.sign_in()
    assert browser.idp.form("/token")["client_secret"] == CLIENT_SECRET
    assert "Authorization" not in browser.idp.to("/token")[0].headers


@pytest.mark.clause("RFC 9700", "4", "RP-34: no token is kept in the browser")
def test_the_tokens_are_kept_encrypted_and_never_in_the_session(browser: Browser) -> None:
    browser.sign_in()
    kept = SubjectTokens.objects.get()
    assert (kept.user, kept.refresh_token) == (browser.user, "refresh-1")
    assert kept.id_token_expires_at.timestamp() == browser.idp.claims["exp"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id_token, refresh_token FROM tenants_subjecttokens")
        raw_id_token, raw_refresh_token = cursor.fetchone()
    assert kept.id_token not in raw_id_token
    assert "refresh-1" not in raw_refresh_token
    stored = str(dict(browser.client.session.items())) + "".join(Session.objects.values_list("session_data", flat=True))
    assert not re.search(r"refresh-1|eyJhbGciOi|an-access-token", stored)
    cookies = {name: morsel.value for name, morsel in browser.client.cookies.items()}
    assert cookies["idjag_session"] == browser.client.session.session_key  # a name for the session, and none of it
    assert set(cookies) <= {"idjag_session", "idjag_csrf", "idjag_attempts"}


def test_without_a_refresh_token_there_is_none(browser: Browser) -> None:
    browser.idp.token_response.pop("refresh_token")
    browser.sign_in()
    assert SubjectTokens.objects.get().refresh_token == ""


def test_nothing_is_exchanged_at_sign_in(browser: Browser) -> None:
    browser.sign_in()
    assert len(browser.idp.to("/token")) == 1
    assert not StoredAccessToken.objects.exists()


def test_the_others_are_told(browser: Browser) -> None:
    told: list[dict[str, Any]] = []

    def listen(**arguments: Any) -> None:
        told.append(arguments)
        raise RuntimeError("a listener's own trouble")

    signed_in.connect(listen)
    try:
        assert browser.sign_in().status_code == 302
    finally:
        signed_in.disconnect(listen)
    assert told[0]["user"] == browser.user
    assert told[0]["id_token_claims"]["sub"] == "u-bob"


ELSEWHERE = [
    *("//evil", "///evil", "/\\evil", "\\/evil", "http:evil", "https:///evil", "%2f%2fevil", "/%09/evil", "/\t/evil"),
    *("/..//evil", "/%2f/evil", "/%5cevil", "／／evil", "/／evil", "user@host", "//user@host", "javascript:alert(1)"),
    *("data:text/html,x", "http://todo.localhost:8000/", "http://wiki.localhost:8000/x", "/x\r\nSet-Cookie: a=b"),
    *("/\x00", ""),
]


@pytest.mark.parametrize("next_path", ELSEWHERE, ids=ascii)
def test_one_arrives_on_a_path_of_this_very_site(browser: Browser, next_path: str) -> None:
    assert browser.sign_in(next=next_path)["Location"] == "/"


def test_the_session_gets_a_new_key(browser: Browser) -> None:
    browser.start()
    before = browser.client.session.session_key
    browser.come_back()
    after = browser.client.session.session_key
    browser.sign_in()
    assert len({before, after, browser.client.session.session_key}) == 3
    assert not Session.objects.filter(session_key__in=[before, after]).exists()


@pytest.mark.clause("session fixation", "", "RP-32")
def test_another_person_gets_another_session(browser: Browser) -> None:
    browser.sign_in()
    session = browser.client.session
    session["left"] = "behind"
    session.save()
    browser.idp.claims |= {"sub": "u-eve", "email": "eve@tables.example"}
    browser.sign_in()
    assert browser.user is not None
    assert browser.user.sub == "u-eve"
    assert "left" not in browser.client.session


@pytest.mark.clause("RFC 6749", "10.12", "RP-31: each attempt has a state of its own")
def test_two_sign_ins_in_one_browser_both_work_and_the_last_one_counts(browser: Browser) -> None:
    browser.start(next="/first")
    first = browser.query
    browser.start(next="/second")
    assert browser.come_back()["Location"] == "/second"
    browser.idp.claims |= {"nonce": first["nonce"], "sub": "u-eve", "email": "eve@tables.example"}
    assert browser.come_back(state=first["state"])["Location"] == "/first"
    assert browser.user is not None
    assert browser.user.sub == "u-eve"
    verifiers = [parse_qs(str(sent.body))["code_verifier"][0] for sent in browser.idp.to("/token")]
    assert [challenge_for(verifier) for verifier in verifiers] == [
        browser.query["code_challenge"],
        first["code_challenge"],
    ]


# Answers that are none


@pytest.mark.clause("RFC 9700", "4.7", "RP-01: state is bound to the browser")
@pytest.mark.parametrize("state", [None, "", "unknown"])
def test_an_answer_without_a_known_state_is_refused(browser: Browser, state: str | None) -> None:
    browser.start()
    refused(browser, browser.come_back(state=state), 400, "was started in another browser or has expired")
    assert not browser.idp.to("/token")


@pytest.mark.clause("RFC 9700", "4.7", "RP-01 RP-33: a sign-in that an attacker began signs no user in")
def test_the_state_of_another_browser_is_refused(browser: Browser) -> None:
    browser.start()
    victim = Browser(browser.idp, query=browser.query)
    refused(victim, victim.come_back(), 400, "was started in another browser or has expired")
    assert not browser.idp.to("/token")


@pytest.mark.clause("RFC 9700", "4.7", "RP-02")
def test_a_state_is_good_once(browser: Browser) -> None:
    browser.sign_in()
    session = browser.client.session.session_key
    browser.idp.claims |= {"sub": "u-eve", "email": "eve@tables.example"}
    response = browser.come_back()
    assert (response.status_code, response["Location"]) == (302, "/")  # the page it was for: Bob is signed in
    assert len(browser.idp.to("/token")) == 1
    assert browser.client.session.session_key == session
    assert [user.sub for user in User.objects.all()] == ["u-bob"]


@pytest.mark.clause("RFC 9207", "2.4", "RP-04 RP-05: iss is that of the IdP asked")
@pytest.mark.parametrize("iss", ["https://evil.example", f"{ISSUER}/", "", None])
def test_an_answer_of_another_issuer_is_refused_and_its_code_not_redeemed(browser: Browser, iss: str | None) -> None:
    browser.start()
    refused(browser, browser.come_back(iss=iss), 400, "sent an invalid answer")
    refused(browser, browser.come_back(), 400, "was started in another browser or has expired")
    assert not browser.idp.to("/token")


def test_iss_may_be_missing_where_the_metadata_promise_none(browser: Browser) -> None:
    browser.idp.metadata["authorization_response_iss_parameter_supported"] = False
    browser.start()
    assert browser.come_back(iss=None).status_code == 302
    browser.start()
    assert browser.come_back(iss="https://evil.example").status_code == 400


@pytest.mark.clause("RFC 6749", "3.1", "RP-06 RP-08: no parameter occurs twice")
@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_a_repeated_parameter_is_refused(browser: Browser, name: str) -> None:
    browser.start()
    parameters = [("code", "the-code"), ("state", browser.query["state"]), ("iss", ISSUER)]
    value = dict(parameters).get(name, "access_denied")
    repeated = [pair for pair in parameters if pair[0] != name] + [(name, value), (name, value)]
    refused(browser, browser.client.get(f"/sign-in/callback?{urlencode(repeated)}"), 400)
    assert not browser.idp.to("/token")


@pytest.mark.parametrize("code", [None, "", "a\nb", "x" * 5000, "a\x00b"], ids=lambda code: ascii(code)[:20])
@pytest.mark.clause("RFC 6749", "4.1.2", "RP-08")
def test_a_code_that_cannot_be_one_is_not_redeemed(browser: Browser, code: str | None) -> None:
    browser.start()
    refused(browser, browser.come_back(code=code), 400)
    assert not browser.idp.to("/token")


@pytest.mark.clause("RFC 6749", "4.1.2.1", "RP-07")
def test_a_refusal_of_the_idp_is_shown_escaped_and_uses_up_the_state(browser: Browser) -> None:
    browser.start()
    response = browser.come_back(code=None, error="access_denied", error_description="<script>alert(1)</script>")
    refused(browser, response, 400, "refused the sign-in: &lt;script&gt;alert(1)&lt;/script&gt;")
    assert "<script>alert" not in response.content.decode()
    refused(browser, browser.come_back(), 400, "was started in another browser or has expired")


@pytest.mark.clause("RFC 6749", "4.1.2.1", "RP-07")
def test_a_refusal_for_an_unknown_state_ends_no_session(browser: Browser) -> None:
    browser.sign_in()
    assert browser.client.get("/sign-in/callback?error=access_denied&state=x").status_code == 400
    assert browser.user is not None


@pytest.mark.parametrize("change", ["disabled", "inactive", "deleted"])
def test_a_connection_that_has_gone_meanwhile_is_refused(browser: Browser, change: str) -> None:
    browser.start()
    connection = IdPConnection.objects.get()
    if change == "disabled":
        IdPConnection.objects.update(enabled=False)
    elif change == "inactive":
        connection.tenant.is_active = False
        connection.tenant.save()
    else:
        connection.delete()
    refused(browser, browser.come_back(), 400)
    assert not browser.idp.to("/token")


def raises(error: Exception) -> Any:
    def reply() -> Reply:
        raise error

    return reply


TOKEN_ENDPOINT_TROUBLE: dict[str, tuple[Any, int, str]] = {
    "500": (Reply(b"<h1>Internal Server Error</h1>", 500, "text/html"), 502, "does not answer"),
    "html": (Reply(b"<h1>Hello</h1>", 200, "text/html"), 502, "sent an invalid answer"),
    "no json": (Reply(b"{"), 502, "sent an invalid answer"),
    "a list": (json_reply([]), 502, "sent an invalid answer"),
    "redirect": (Reply(b"", 302), 502, "sent an invalid answer"),
    "nothing": (Reply(b""), 502, "sent an invalid answer"),
    "timeout": (raises(requests.ReadTimeout("slow")), 502, "does not answer"),
    "down": (raises(requests.ConnectionError("down")), 502, "does not answer"),
    "too big": (Reply(b"[" + b" " * 300_000 + b"]"), 502, "sent an invalid answer"),
    "code refused": (json_reply({"error": "invalid_grant"}, 400), 400, "sent an invalid answer"),
    "client refused": (json_reply({"error": "invalid_client"}, 401), 502, "sent an invalid answer"),
    "no ID token": (json_reply({"access_token": "x", "token_type": "Bearer"}), 502, "sent an invalid answer"),
    "no string": (json_reply({"id_token": {"sub": "u-bob"}}), 502, "sent an invalid answer"),
}


@pytest.mark.parametrize("trouble", TOKEN_ENDPOINT_TROUBLE)
@pytest.mark.clause("OpenID Connect Core", "3.1.3.3", "RP-09 RP-10")
def test_trouble_at_the_token_endpoint_ends_on_the_failure_page(
    browser: Browser, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser.idp.replies["/token"], status, reason = TOKEN_ENDPOINT_TROUBLE[trouble]
    browser.start()
    refused(browser, browser.come_back(), status, reason)
    lines = [record for record in caplog.records if record.name.startswith(("tenants", "audit"))]
    assert len(lines) == 1
    assert lines[0].levelno == logging.WARNING
    assert lines[0].exc_info is None


ID_TOKEN_TROUBLE: dict[str, dict[str, Any]] = {
    "RP-12 another issuer": {"iss": "https://evil.example"},
    "RP-12 with a slash": {"iss": f"{ISSUER}/"},
    "RP-13 another audience": {"aud": "another"},
    "RP-13 a list without us": {"aud": ["another", "more"], "azp": CLIENT_ID},
    "RP-13 issued to another": {"aud": CLIENT_ID, "azp": "another"},
    "RP-13 for another audience too": {"aud": ["ext", CLIENT_ID]},
    "RP-13 for another audience too, which it was issued to": {"aud": ["ext", CLIENT_ID], "azp": "ext"},
    "RP-14 expired": {"exp": 1},
    "RP-14 no exp": {"exp": None},
    "RP-14 old": {"iat": 1},
    "RP-14 from the future": {"iat": 9_999_999_999},
    "RP-14 not yet": {"nbf": 9_999_999_999},
    "RP-15 another nonce": {"nonce": "another"},
    "RP-15 no nonce": {"nonce": None},
    "RP-18 at_hash": {"at_hash": "wrong"},
    "sub": {"sub": None},
}


@pytest.mark.clause("OpenID Connect Core", "3.1.3.7", "RP-12 RP-13 RP-14 RP-15 RP-18")
@pytest.mark.parametrize("trouble", ID_TOKEN_TROUBLE)
def test_an_id_token_for_another_client_is_refused_at_sign_in(browser: Browser, trouble: str) -> None:
    browser.start()
    browser.idp.claims = id_token_claims(**{"nonce": browser.query["nonce"], **ID_TOKEN_TROUBLE[trouble]})
    refused(browser, browser.come_back(), 502, "sent an invalid answer")
    assert not User.objects.exists()


@pytest.mark.parametrize("header", [{"typ": "oauth-id-jag+jwt"}, {"typ": "at+jwt"}], ids=str)
@pytest.mark.clause("RFC 8725", "3.11", "RP-19")
def test_a_token_of_another_kind_is_refused_at_sign_in(browser: Browser, header: dict[str, Any]) -> None:
    browser.idp.signing = header
    browser.start()
    refused(browser, browser.come_back(), 502)


def test_keys_that_cannot_be_had_end_on_the_failure_page(browser: Browser) -> None:
    browser.idp.replies["/keys"] = Reply(b"", 500)
    browser.start()
    refused(browser, browser.come_back(), 502, "does not answer")


@pytest.mark.parametrize("change", ["inactive", "unverified", "not provisioned"])
def test_a_person_who_gets_no_account_is_not_told_why(browser: Browser, connection: IdPConnection, change: str) -> None:
    if change == "inactive":
        User.objects.create(
            username="b", realm="wiki", tenant=connection.tenant, issuer=connection.issuer, sub="u-bob", is_active=False
        )
    elif change == "unverified":
        User.objects.create(username="b", realm="wiki", tenant=connection.tenant, email="bob@tables.example")
        browser.idp.claims["email_verified"] = "false"
    else:
        IdPConnection.objects.update(provisions_users=False)
    browser.start()
    refused(browser, browser.come_back(), 400, "gives you no access to this app")


def test_claims_that_are_no_strings_are_left_out(browser: Browser) -> None:
    browser.idp.claims |= {"email": ["bob@tables.example"], "name": {"x": "y"}}
    assert browser.sign_in().status_code == 302
    assert browser.user is not None
    assert (browser.user.email, browser.user.first_name) == ("", "")


# Signing out


def test_signing_out_forgets_everything_here_and_revokes_the_refresh_token(browser: Browser) -> None:
    browser.sign_in()
    user = browser.user
    resource_app = ResourceApp.objects.create(key="todo0", name="Todo0", audience="https://t.example", resource="r")
    StoredAccessToken.objects.create(
        user=user, resource_app=resource_app, access_token="x", scope="", expires_at="2099-01-01T00:00Z"
    )
    response = browser.client.post("/sign-out")
    assert (response.status_code, response["Location"]) == (302, "/signed-out")
    assert browser.user is None
    assert not SubjectTokens.objects.exists()
    assert not StoredAccessToken.objects.exists()
    assert browser.idp.form("/revoke") == {"token": "refresh-1", "token_type_hint": "refresh_token"}
    assert "Authorization" in browser.idp.to("/revoke")[0].headers


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.clause("CSRF", "", "RP-39")
def test_signing_out_takes_a_post(browser: Browser, method: str) -> None:
    browser.sign_in()
    assert getattr(browser.client, method)("/sign-out").status_code == 405
    assert browser.user is not None


def test_signing_out_takes_a_token_against_forgery(browser: Browser) -> None:
    browser.sign_in()
    browser.client.handler.enforce_csrf_checks = True
    assert browser.client.post("/sign-out").status_code == 403
    assert browser.user is not None


@pytest.mark.parametrize(
    "reply", [Reply(b"", 500), raises(requests.ConnectionError("down")), Reply(b"", 400)], ids=["500", "down", "400"]
)
def test_signing_out_works_while_the_idp_does_not(browser: Browser, reply: Any) -> None:
    browser.sign_in()
    browser.idp.replies["/revoke"] = reply
    assert browser.client.post("/sign-out").status_code == 302
    assert browser.user is None


def test_signing_out_twice_or_without_a_session_is_fine(browser: Browser) -> None:
    assert browser.client.post("/sign-out")["Location"] == "/signed-out"
    assert browser.client.get("/signed-out").status_code == 200


@pytest.mark.clause("OpenID Connect RP-Initiated Logout", "2", "the request to end the IdP's session")
def test_the_idps_session_may_be_ended_too(browser: Browser) -> None:
    browser.sign_in()
    browser.client.post("/sign-out")
    url = browser.client.get("/signed-out").context["idp_sign_out_url"]
    query = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{ISSUER}/logout?")
    assert set(query) == {"client_id", "post_logout_redirect_uri", "state"}
    assert query["client_id"] == CLIENT_ID
    assert query["post_logout_redirect_uri"] == f"http://{HOST}/signed-out"
    back = browser.client.get("/signed-out", {"state": query["state"]})
    assert back.context["idp_sign_out_url"] == ""
    assert browser.client.get("/signed-out").context["idp_sign_out_url"] == ""


def test_an_idp_that_ends_no_sessions_is_not_offered(browser: Browser) -> None:
    del browser.idp.metadata["end_session_endpoint"]
    browser.sign_in()
    browser.client.post("/sign-out")
    assert browser.client.get("/signed-out").context["idp_sign_out_url"] == ""


def test_the_token_is_for_one_app_only(browser: Browser) -> None:
    """The callback of Todo0 knows no attempt that was started at Wiki0."""
    browser.start()
    todo = Browser(browser.idp, Client(headers={"host": "todo.localhost:8000"}), browser.query)
    refused(todo, todo.come_back(), 400, "was started in another browser or has expired")
    assert sign(browser.idp.claims)
