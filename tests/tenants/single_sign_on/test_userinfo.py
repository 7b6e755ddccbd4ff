"""UserInfo is asked for what the ID token lacks, and is no reason to refuse a sign-in."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from base import outgoing
from crossapp.core import http
from tenants.models import IdPConnection, User
from tests.support.fake_idp import ISSUER, FakeIdp, Reply, json_reply
from tests.support.local_server import serving
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

USERINFO = {"sub": "u-bob", "name": "Bobby Tables", "email": "bob@tables.example", "email_verified": True}


@pytest.fixture
def thin(connection: IdPConnection, idp: FakeIdp) -> Browser:
    """A browser whose IdP says only the subject in its ID tokens, and the rest at its UserInfo endpoint."""
    idp.metadata["userinfo_endpoint"] = f"{ISSUER}/userinfo"
    idp.replies["/userinfo"] = json_reply(USERINFO)
    for name in ("name", "email", "email_verified"):
        del idp.claims[name]
    return Browser(idp)


def signed_in(browser: Browser) -> User:
    browser.sign_in()
    assert browser.user is not None
    return browser.user


@pytest.mark.clause("OpenID Connect Core", "5.3", "a thin ID token is completed with UserInfo")
def test_a_person_of_an_idp_with_thin_id_tokens_is_greeted_by_name(thin: Browser) -> None:
    user = signed_in(thin)
    assert (user.sub, user.email, user.display_name) == ("u-bob", "bob@tables.example", "Bobby Tables")
    (request,) = thin.idp.to("/userinfo")
    assert (request.method, request.body) == ("GET", None)
    assert request.headers["Authorization"] == "Bearer an-access-token"
    assert request.headers["Accept"] == "application/json"
    assert "Bobby Tables" in thin.client.get("/").content.decode()


@pytest.mark.clause("OpenID Connect Core", "5.3", "a verified email of UserInfo links a pre-provisioned account")
def test_the_email_of_userinfo_links_an_account_if_it_is_verified(thin: Browser, connection: IdPConnection) -> None:
    waiting = User.objects.create(username="b", realm="wiki", tenant=connection.tenant, email="bob@tables.example")
    thin.idp.replies["/userinfo"] = json_reply(USERINFO | {"email_verified": False})
    thin.start()
    refused(thin, thin.come_back(), 400, "gives you no access to this app")
    thin.idp.replies["/userinfo"] = json_reply(USERINFO)
    assert signed_in(thin) == waiting


@pytest.mark.parametrize("verified", ["true", True])
def test_email_verified_of_userinfo_may_be_a_string(thin: Browser, verified: Any) -> None:
    thin.idp.replies["/userinfo"] = json_reply(USERINFO | {"email_verified": verified})
    assert signed_in(thin).email == "bob@tables.example"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"name": "Robert", "email": "", "email_verified": True}, ("bob@tables.example", "Robert")),
        ({"name": None}, ("bob@tables.example", "Bobby Tables")),
        ({"email": "robert@tables.example", "email_verified": True}, ("robert@tables.example", "Bobby Tables")),
        ({"email": "robert@tables.example"}, ("", "Bobby Tables")),
        ({"email": ["robert@tables.example"], "name": 7}, ("bob@tables.example", "Bobby Tables")),
    ],
    ids=["no email", "null", "no name", "an email that is not verified", "no text"],
)
@pytest.mark.clause("OpenID Connect Core", "5.3", "the ID token's own name and email win")
def test_what_the_id_token_says_is_kept(thin: Browser, said: dict[str, Any], shown: tuple[str, str]) -> None:
    thin.idp.claims |= said
    user = signed_in(thin)
    assert (user.email, user.first_name) == shown
    assert len(thin.idp.to("/userinfo")) == 1


def test_an_id_token_with_name_and_email_is_enough(thin: Browser) -> None:
    thin.idp.claims |= {"name": "Bobby Tables", "email": "bob@tables.example"}
    thin.idp.replies["/userinfo"] = json_reply(USERINFO | {"name": "Eve"})
    assert signed_in(thin).display_name == "Bobby Tables"
    assert not thin.idp.to("/userinfo")


@pytest.mark.parametrize(
    ("said", "answered", "shown"),
    [
        ({}, {"given_name": "Bobby", "family_name": "Tables"}, "Bobby Tables"),
        ({"given_name": "Bobby", "family_name": "Tables"}, {}, "Bobby Tables"),
        ({"given_name": "Bobby"}, {"given_name": "Eve", "family_name": "Tables"}, "Bobby Tables"),
        ({}, {"given_name": 7, "family_name": "Tables"}, "Tables"),
        ({"given_name": "Eve"}, {"name": "Bobby Tables"}, "Bobby Tables"),
    ],
    ids=["userinfo", "ID token", "both", "no text", "a whole name"],
)
@pytest.mark.clause("OpenID Connect Core", "5.1", "the parts of a name, for an IdP that sends no name")
def test_a_person_is_greeted_by_the_parts_of_the_name(
    thin: Browser, said: dict[str, Any], answered: dict[str, Any], shown: str
) -> None:
    thin.idp.claims |= said
    thin.idp.replies["/userinfo"] = json_reply({"sub": "u-bob"} | answered)
    assert signed_in(thin).display_name == shown


def test_an_idp_without_userinfo_is_not_asked(thin: Browser) -> None:
    del thin.idp.metadata["userinfo_endpoint"]
    assert signed_in(thin).email == ""
    assert not thin.idp.to("/userinfo")


def unreachable() -> Reply:
    raise requests.ConnectTimeout("down")


FAILURES: dict[str, tuple[Reply | Callable[[], Reply], str]] = {
    "RP-20 another person's": (json_reply(USERINFO | {"sub": "u-eve"}), "sub of the UserInfo is not that of the ID"),
    "RP-20 another spelling": (json_reply(USERINFO | {"sub": "U-BOB"}), "sub of the UserInfo is not that of the ID"),
    "RP-20 no sub": (json_reply({"name": "Eve"}), "sub of the UserInfo is not that of the ID token"),
    "a signed answer": (Reply(b"eyJ", content_type="application/jwt"), "which is not supported: choose JSON"),
    "a page": (Reply(b"<html>", content_type="text/html"), "without the content type application/json"),
    "no JSON": (Reply(b"{"), "the UserInfo is not JSON"),
    "an array": (Reply(b"[]"), "the UserInfo is not JSON"),
    "a member twice": (Reply(b'{"sub": "u-bob", "name": "Eve", "name": "Bob"}'), "the UserInfo is not JSON"),
    "too long": (Reply(b" " * 300_000), "it answered more than 262144 bytes"),
    "refused": (json_reply({"error": "invalid_token"}, 401), "the UserInfo endpoint answered 401"),
    "redirect": (Reply(b"", 302), "the UserInfo endpoint answered 302"),
    "error": (Reply(b"", 500), "the UserInfo endpoint answered 500"),
    "down": (unreachable, "does not answer: ConnectTimeout"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.clause("OpenID Connect Core", "5.3.2", "RP-20 RP-21: UserInfo that cannot be used is not used")
def test_a_failure_of_userinfo_refuses_no_sign_in_and_is_logged(
    thin: Browser, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    thin.idp.replies["/userinfo"], reason = FAILURES[failure]
    with caplog.at_level(logging.WARNING, "tenants.single_sign_on.userinfo"):
        user = signed_in(thin)
    assert (user.sub, user.email, user.first_name) == ("u-bob", "", "")
    (record,) = [record for record in caplog.records if record.name == "tenants.single_sign_on.userinfo"]
    assert record.getMessage().startswith(f"UserInfo not used issuer={ISSUER} reason=")
    assert reason in record.getMessage()
    assert "an-access-token" not in caplog.text
    thin.client.post("/sign-out")
    thin.idp.replies["/userinfo"] = json_reply(USERINFO)
    assert signed_in(thin) == user
    assert thin.user is not None and thin.user.display_name == "Bobby Tables"


@pytest.mark.parametrize("access_token", [None, "", 7, "a\r\nX-Evil: 1", "é", "a b"], ids=ascii)
@pytest.mark.clause("RFC 6750", "2.1", "a value that can be no access token is not sent")
def test_without_a_usable_access_token_userinfo_is_not_asked(
    thin: Browser, access_token: Any, caplog: pytest.LogCaptureFixture
) -> None:
    thin.idp.token_response["access_token"] = access_token
    assert signed_in(thin).email == ""
    assert "the token response has no usable access token" in caplog.text
    assert not thin.idp.to("/userinfo")


@pytest.mark.clause("RFC 9700", "4.11", "RP-09: a slow UserInfo endpoint is left in time")
def test_a_silent_userinfo_endpoint_is_left_in_time(thin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.4)
    asked: list[str] = []
    with serving(asked=asked) as port:
        thin.idp.metadata["userinfo_endpoint"] = f"https://userinfo.example:{port}/silence"
        thin.start()
        monkeypatch.setattr(
            outgoing, "own_address", lambda origin: ("127.0.0.1", port) if "userinfo" in origin else None
        )
        began = time.monotonic()
        thin.come_back()
    assert time.monotonic() - began < 2.5
    assert thin.user is not None
    assert asked == ["GET /silence"]
