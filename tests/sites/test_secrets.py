"""Secrets in logs, in reports of failures and in addresses; and how they are compared."""

import ast
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as project
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.signals import got_request_exception
from django.test import Client as Browser
from django.utils.crypto import constant_time_compare
from django.views.debug import ExceptionReporter
from pytest_django import Settings

from authserver.models import JWT_BEARER, TOKEN_EXCHANGE
from operations.logs import JsonFormatter
from tenants.models import Realm, User
from tests.support.demo import Demo
from tests.support.embedded_idp import EmbeddedIdP
from tests.support.in_process import sign_in

ROOT = Path(__file__).resolve().parents[2]
BOB = "bob@tables.fake"


# --- in logs and reports -------------------------------------------------------------------------------------------

GRANTS = {
    "assertion": JWT_BEARER,
    "subject_token": TOKEN_EXCHANGE,
    "refresh_token": "refresh_token",
    "code": "authorization_code",
}
OF_THE_TOKEN_ENDPOINT = (*GRANTS, "client_secret", "client_assertion", "code_verifier")
OF_A_TOKENS_OWNER = ("token", "client_secret", "client_assertion")
TODO, IDP = "todo.localhost:8000", "customer1.idp.localhost:8000"
CLIENTS, PEOPLE = (
    "authserver.validator.Validator.authenticate_client",
    "tenants.passwords.RealmBackend.authenticate",
)


@pytest.mark.parametrize(
    ("host", "path", "breaks", "secrets"),
    [
        (TODO, "/oauth2/v1/token", CLIENTS, OF_THE_TOKEN_ENDPOINT),
        (IDP, "/oauth2/v1/token", CLIENTS, OF_THE_TOKEN_ENDPOINT),
        (IDP, "/oauth2/v1/revoke", CLIENTS, OF_A_TOKENS_OWNER),
        (IDP, "/oauth2/v1/introspect", CLIENTS, OF_A_TOKENS_OWNER),
        (IDP, "/sign-in", PEOPLE, ("password",)),
        ("localhost:8000", "/admin/login/", PEOPLE, ("password",)),
    ],
)
@pytest.mark.clause("OWASP ASVS", "16.2.5", "SEC-13")
def test_the_report_of_a_failure_holds_no_secret_of_the_request(
    demo: Demo,
    host: str,
    path: str,
    breaks: str,
    secrets: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reports: list[str] = []

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("in the middle of it")

    def report(sender: Any, request: Any, **kwargs: Any) -> None:
        reports.append(ExceptionReporter(request, *sys.exc_info(), is_email=True).get_traceback_text())

    monkeypatch.setattr(breaks, fail)
    got_request_exception.connect(report)
    try:
        for grant_type in GRANTS.values():
            form = {name: f"canary-{name}" for name in secrets} | {
                "grant_type": grant_type,
                "email": BOB,
                "username": "x",
            }
            answer = Browser(raise_request_exception=False).post(
                path,
                urlencode(form),
                content_type="application/x-www-form-urlencoded",
                headers={"host": host, "authorization": "Basic canary-authorization", "cookie": "idjag_session=canary"},
            )
            assert b"canary" not in answer.content
    finally:
        got_request_exception.disconnect(report)
    assert reports and all("in the middle of it" in text for text in reports)
    formats = (logging.Formatter(), JsonFormatter())
    logged = "\n".join(formatter.format(record) for formatter in formats for record in caplog.records)
    assert "in the middle of it" in logged
    assert not [text for text in (logged, *reports) if "canary" in text]


@pytest.mark.parametrize(
    "name",
    [
        "urllib3.connectionpool",
        "urllib3.util.retry",
        "requests",
        "oauthlib.oauth2",
        "oauth2_provider",
    ],
)
@pytest.mark.clause("OWASP ASVS", "16.2.5", "SEC-14")
def test_no_library_logs_what_goes_over_the_wire(name: str) -> None:
    import http.client

    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG if name != "requests" else before)
    try:
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(before)
    assert http.client.HTTPConnection.debuglevel == 0


@pytest.mark.clause("RFC 9700", "4.2.4", "SEC-15")
def test_code_and_state_are_in_one_address_that_no_page_stays_on(demo: Demo) -> None:
    for app in ("wiki", "todo"):
        demo.browser.visited.clear()
        page = sign_in(demo.browser, app, BOB)
        with_code = [url for url in demo.browser.visited if "code=" in url]
        [callback] = with_code
        assert callback.startswith(f"{project.ORIGINS[app]}/sign-in/callback?")
        assert "?" not in page.url
        assert demo.browser.visited.index(callback) < len(demo.browser.visited) - 1, "it leads on at once"
        again = demo.browser.client(project.ORIGINS[app]).get(
            callback.removeprefix(project.ORIGINS[app]), headers={"host": project.ORIGINS[app].removeprefix("http://")}
        )
        assert (again.status_code, again["Location"]) == (302, "/"), "code and state are good once"
        origin, _, path = callback.partition("/sign-in")
        stranger = Browser().get(f"/sign-in{path}", headers={"host": origin.removeprefix("http://")})
        assert stranger.status_code == 400, "and in one browser"
        assert again["Referrer-Policy"] == "same-origin" and "no-store" in again["Cache-Control"]
        assert "code=" not in again.content.decode()


# --- comparing and choosing ----------------------------------------------------------------------------------------


@pytest.mark.clause("OWASP ASVS", "11.2.4", "SEC-18")
def test_client_secrets_are_compared_in_constant_time(
    idp: EmbeddedIdP,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return constant_time_compare(one, other)

    monkeypatch.setattr("authserver.hashers.constant_time_compare", compare)
    form = {"grant_type": "refresh_token", "refresh_token": "unknown"}
    ways = [
        idp.basic("wiki0"),
        idp.basic("wiki0", "wrong"),
        idp.basic("wiki0", ""),
        idp.basic("nobody", "wrong"),
    ]
    for authorization in ways:
        idp.token(form, None, headers={"authorization": authorization})
    assert [len(one) == len(other) for one, other in compared] == [True] * len(ways), "digests, one comparison each"


_SECRET_NAMES = ("secret", "password", "signature", "checksum", "at_hash", "verifier", "challenge")


def _comparisons(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            yield ast.unparse(node)


@pytest.mark.clause("OWASP ASVS", "11.2.4", "SEC-18")
def test_no_code_compares_a_secret_with_an_equals_sign() -> None:
    folders = ("audit", "authserver", "base", "crossapp", "idjag_demo", "idp", "operations", "tenants", "todo", "wiki")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    assert len(sources) > 100
    found = [text for path in sources for text in _comparisons(ast.parse(path.read_text()))]
    assert len(found) > 100
    method_names = ("auth_method", "'client_secret'", "CLIENT_SECRET")
    suspicious = [text for text in found if any(name in text.lower() for name in _SECRET_NAMES)]
    assert not [text for text in suspicious if not any(name in text for name in method_names)]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "too short"),
        ("password123", "too common"),
        ("trinity-of-the-rabbit", "too similar"),
        ("nul\x00in-the-middle", "Null characters"),
    ],
)
@pytest.mark.clause("OWASP ASVS", "6.2", "SEC-19")
def test_a_weak_password_is_refused_with_the_reason(db: None, password: str, reason: str) -> None:
    page = new_operator(password)
    assert page.status_code == 200 and reason in page.content.decode()
    assert not User.objects.filter(username="trinity-of-the-rabbit").exists()


@pytest.mark.parametrize("length", [12, 64, 128, 1000])
@pytest.mark.clause("OWASP ASVS", "6.2", "SEC-19")
def test_a_long_password_of_any_characters_is_taken_whole(
    db: None, length: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1)
    password = ("ß 密 🔑 'x" * length)[:length]
    assert new_operator(password).status_code == 302
    user = User.objects.get(username="trinity-of-the-rabbit")
    assert user.password.startswith("pbkdf2_sha256$")
    assert user.check_password(password) and not user.check_password(password[:-1])


def new_operator(password: str) -> Any:
    admin = User.objects.create(username="admin", realm=Realm.STAFF, is_staff=True, is_superuser=True)
    browser = Browser(headers={"host": "localhost:8000"})
    browser.force_login(admin, "tenants.passwords.RealmBackend")
    form = {"username": "trinity-of-the-rabbit", "realm": "staff", "email": "", "usable_password": "true"}
    return browser.post("/admin/tenants/user/add/", form | {"password1": password, "password2": password})


@pytest.mark.clause("OWASP ASVS", "6.2", "SEC-19")
def test_nul_in_a_password_is_a_wrong_password_and_no_failure(idp: EmbeddedIdP, bob: User) -> None:
    browser = Browser(headers={"host": idp.host})
    for password in ("avocado\x00", "\x00", "\x00avocado"):
        assert browser.post("/sign-in", {"email": BOB, "password": password}).status_code == 400
    assert browser.post("/sign-in", {"email": BOB, "password": "avocado"}).status_code == 302
