"""A flood of refused requests leaves a trace and does not fill the disk."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from audit.models import AuditEvent
from authserver.models import AuthorizationServer
from tenants.models import Realm, User
from tests.support.audit_lines import Lines
from tests.support.demo import Demo
from tests.support.embedded_idp import EmbeddedIdP
from tests.support.limits import SetLimit

REFRESH = {"grant_type": "refresh_token", "refresh_token": "unknown"}


def acts(lines: Lines) -> list[str]:
    """Return what was refused, oldest first, by the rows and by the lines."""
    found = list(AuditEvent.objects.filter(outcome="refused").order_by("pk").values_list("act", flat=True))
    assert [line["act"] for line in map(json.loads, lines.texts) if line["outcome"] == "refused"] == found
    return found


def the_row() -> AuditEvent:
    return AuditEvent.objects.get(act="throttled")


@pytest.mark.clause("SEC", "", "SEC-11")
def test_a_client_that_asks_too_often_is_recorded_once_in_a_window(
    idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines, clock: Callable[[float], None]
) -> None:
    set_limit("CLIENT", "2/minute")
    statuses = [idp.token(REFRESH).status_code for _ in range(6)]
    assert statuses == [400] * 2 + [429] * 4
    assert acts(lines) == ["refresh_token"] * 2 + ["throttled"]
    row = the_row()
    assert (row.outcome, row.failed_check, row.client_id) == ("refused", "client", "wiki0")
    assert (row.server, row.tenant, row.address) == ("http://customer1.idp.localhost:8000", "customer1", "127.0.0.1")
    assert row.detail == "LIMIT_CLIENT=2/minute is exceeded."
    clock(61)
    assert [idp.token(REFRESH).status_code for _ in range(5)] == [400] * 2 + [429] * 3
    assert acts(lines)[3:] == ["refresh_token"] * 2 + ["throttled"]
    assert idp.token(REFRESH, "todo0").status_code == 400


@pytest.mark.clause("RFC 6749", "10.10", "SEC-10 SEC-11")
def test_whose_secret_is_guessed_is_recorded_as_claimed(idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines) -> None:
    set_limit("CLIENT_FAILURES", "2/minute")
    for _ in range(5):
        idp.token(REFRESH, headers={"authorization": idp.basic("wiki0", "canary")})
    assert acts(lines) == ["refresh_token"] * 2 + ["throttled"]
    row = the_row()
    assert (row.failed_check, row.client_id, row.unverified) == ("client_failures", "", {"client_id": "wiki0"})
    assert "canary" not in "".join(lines.texts)


@pytest.mark.clause("OWASP ASVS", "6.3.1", "SEC-11 OP-27")
def test_whose_password_is_guessed_is_recorded_as_claimed(
    idp: EmbeddedIdP, bob: User, set_limit: SetLimit, lines: Lines
) -> None:
    set_limit("SIGN_IN_ACCOUNT", "2/5minutes")
    for _ in range(5):
        Browser(headers={"host": idp.host}).post("/sign-in", {"email": "Bob@tables.fake", "password": "canary"})
    assert acts(lines) == ["sign_in"] * 2 + ["throttled"]
    row = the_row()
    assert (row.failed_check, row.user, row.unverified) == ("sign_in_account", "", {"account": "bob@tables.fake"})


@pytest.mark.clause("RFC 6585", "4", "SEC-11")
def test_a_person_who_asks_an_api_too_often_is_named(idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines) -> None:
    set_limit("API", "1/minute")
    AuthorizationServer.objects.create(realm=Realm.WIKI, issuer="http://wiki.localhost:8000")
    user = User.objects.create(username="wiki:bob", realm=Realm.WIKI, tenant=idp.server.tenant)
    browser = Browser(headers={"host": "wiki.localhost:8000"})
    browser.force_login(user, backend="tenants.passwords.RealmBackend")
    before = len(acts(lines))
    assert [browser.get("/api/users/me").status_code for _ in range(4)] == [200, 429, 429, 429]
    assert acts(lines)[before:] == ["throttled"]
    assert (the_row().user, the_row().failed_check) == ("wiki:bob", "api")


def test_a_caller_by_token_is_named_with_its_client(
    signed_in: EmbeddedIdP, bob: User, set_limit: SetLimit, lines: Lines
) -> None:
    token = signed_in.tokens()["access_token"]
    set_limit("API", "1/minute")
    anybody = Browser(headers={"host": signed_in.host, "authorization": f"Bearer {token}"})
    assert [anybody.get("/oauth2/v1/userinfo").status_code for _ in range(3)] == [200, 429, 429]
    assert (the_row().user, the_row().client_id, the_row().failed_check) == (bob.username, "wiki0", "api")


def nonsense(idp: EmbeddedIdP, address: str = "192.0.2.1", **extra: Any) -> int:
    return idp.token({}, REMOTE_ADDR=address, **extra).status_code


@pytest.mark.clause("SEC", "", "SEC-11")
def test_of_a_flood_of_nonsense_so_many_are_recorded_and_then_that_there_was_more(
    idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines, clock: Callable[[float], None]
) -> None:
    set_limit("RECORDED_REFUSALS", "3/minute")
    assert {nonsense(idp) for _ in range(9)} == {400}, "the answer stays the same"
    assert acts(lines) == ["token_request"] * 3 + ["throttled"]
    assert (the_row().failed_check, the_row().address) == ("recorded_refusals", "192.0.2.1")
    assert the_row().detail == "LIMIT_RECORDED_REFUSALS=3/minute is exceeded; further refusals are not recorded."
    nonsense(idp, "192.0.2.2")
    assert acts(lines)[4:] == ["token_request"], "another address has rows of its own"
    clock(61)
    nonsense(idp)
    assert acts(lines)[5:] == ["token_request"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/oauth2/v1/revoke", {}),
        ("/oauth2/v1/introspect", {}),
        ("/oauth2/v1/token", REFRESH),
        ("/oauth2/v1/token", {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}),
    ],
)
@pytest.mark.clause("SEC", "", "SEC-11")
def test_wherever_anybody_may_knock_the_bound_holds(
    idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines, path: str, body: dict[str, str]
) -> None:
    set_limit("RECORDED_REFUSALS", "2/minute")
    for _ in range(5):
        assert idp.post(path, body, None).status_code in (400, 401)
    assert len(acts(lines)) == 3


def test_the_bound_holds_for_browsers_too(signed_in: EmbeddedIdP, set_limit: SetLimit, lines: Lines) -> None:
    set_limit("RECORDED_REFUSALS", "2/minute")
    for _ in range(4):
        signed_in.authorize(scope="admin")
        Browser(headers={"host": "wiki.localhost:8000"}).get("/sign-in/callback?state=x&code=y")
    assert acts(lines) == ["authorization", "sign_in", "throttled"]


def test_the_bound_holds_for_answers_of_an_idp_too(demo: Demo, set_limit: SetLimit, lines: Lines) -> None:
    """The row of such a refusal names the app's client at the IdP, but it did not authenticate."""
    set_limit("RECORDED_REFUSALS", "2/minute")
    browser = Browser(headers={"host": "wiki.localhost:8000"})
    for _ in range(4):
        to_idp = urlsplit(browser.post("/sign-in", {"email": "bob@tables.fake"})["Location"])
        answer = {"state": parse_qs(to_idp.query)["state"], "iss": f"http://{to_idp.netloc}", "error": "access_denied"}
        assert browser.get("/sign-in/callback", answer).status_code == 400
    assert acts(lines) == ["sign_in", "sign_in", "throttled"]
    assert AuditEvent.objects.filter(act="sign_in", client_id="wiki0").count() == 2


@pytest.mark.clause("SEC", "", "SEC-11")
def test_what_an_authenticated_client_is_refused_is_recorded_always(
    idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines
) -> None:
    set_limit("RECORDED_REFUSALS", "1/minute")
    for _ in range(4):
        idp.token(REFRESH)
    assert acts(lines) == ["refresh_token"] * 4


def test_without_a_cache_everything_is_recorded(
    idp: EmbeddedIdP, set_limit: SetLimit, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limit("RECORDED_REFUSALS", "1/minute")

    def down(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("the cache is down")

    for name in ("add", "incr", "get", "set"):
        monkeypatch.setattr(cache, name, down)
    assert {nonsense(idp) for _ in range(3)} == {400}
    assert acts(lines) == ["token_request"] * 3
