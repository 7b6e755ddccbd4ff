"""The scopes of a sign-in: unknown ones are ignored, the answer names the granted ones, and it never has none."""

from typing import Any

import pytest

from authserver.models import Client
from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP, query_of

CHOICE = "The scope must be one or more of: openid profile email offline_access."
MALFORMED = "The scope is malformed."


def redeem(idp: EmbeddedIdP, code: str, **more: str) -> Any:
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return idp.token(grant | more).json()


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid email", "openid email"),
        ("openid admin", "openid"),
        ("groups openid read email write", "openid email"),
        ("openid OpenID EMAIL", "openid"),
        ("openid https://graph.example/.default", "openid"),
        ("openid email openid", "openid email"),
        (" openid email ", "openid email"),
        ("email admin", "email"),
    ],
)
@pytest.mark.clause("OIDC Core", "3.1.2.1", "unknown scopes are ignored")
@pytest.mark.clause("RFC 6749", "5.1", "the answer names the granted scopes")
def test_unknown_scopes_are_ignored_and_the_answer_names_the_granted_ones(
    signed_in: EmbeddedIdP, asked: str, granted: str
) -> None:
    tokens = redeem(signed_in, signed_in.code(scope=asked))
    assert tokens["scope"] == granted
    assert ("id_token" in tokens) == ("openid" in granted.split())


@pytest.mark.parametrize(
    ("asked", "description"),
    [
        ("admin", CHOICE),
        ("read write", CHOICE),
        ("OPENID", CHOICE),
        (None, CHOICE),
        ("", CHOICE),
        (" ", CHOICE),
        ("openid  email", MALFORMED),
        ("openid\temail", MALFORMED),
        ('openid "', MALFORMED),
        ("openid é", MALFORMED),
    ],
)
@pytest.mark.clause("RFC 6749", "3.3", "there is no default scope: a request without a known one fails")
def test_a_request_without_a_known_scope_or_with_a_malformed_one_is_refused(
    signed_in: EmbeddedIdP, asked: str | None, description: str
) -> None:
    answer = query_of(signed_in.authorize(scope=asked))
    assert (answer["error"], answer["error_description"]) == ("invalid_scope", description)
    assert answer["state"] == "the-state"
    assert "code" not in answer


@pytest.mark.clause("RFC 6749", "4.1.2.1", "a known scope that the client is not registered for is refused")
def test_a_scope_that_the_client_may_not_have_is_refused_by_name(signed_in: EmbeddedIdP) -> None:
    Client.objects.filter(client_id="wiki0").update(scope="openid email")
    answer = query_of(signed_in.authorize(scope="openid email profile offline_access admin"))
    description = "This client may not have the scope offline_access profile."
    assert (answer["error"], answer["error_description"]) == ("invalid_scope", description)
    assert redeem(signed_in, signed_in.code(scope="openid email admin"))["scope"] == "openid email"


@pytest.mark.parametrize("scope", ["openid email", "openid admin", "admin", ""])
@pytest.mark.clause("RFC 6749", "4.1.3", "a token request for a code has no scope: the code has it")
def test_the_scope_of_a_code_is_that_of_its_authorization_request(signed_in: EmbeddedIdP, scope: str) -> None:
    assert redeem(signed_in, signed_in.code(scope="openid email admin"), scope=scope)["scope"] == "openid email"


def refresh(idp: EmbeddedIdP, scope: str) -> Any:
    token = redeem(idp, idp.code(scope="openid email offline_access admin"))["refresh_token"]
    return idp.token({"grant_type": "refresh_token", "refresh_token": token, "scope": scope})


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid email offline_access admin", "openid email offline_access"),
        ("openid admin", "openid"),
        ("openid", "openid"),
        ("", "openid email offline_access"),
    ],
)
@pytest.mark.clause("RFC 6749", "6", "unknown scopes of a refresh are ignored")
def test_a_client_may_send_the_scope_of_its_sign_in_when_it_refreshes(
    signed_in: EmbeddedIdP, asked: str, granted: str
) -> None:
    assert refresh(signed_in, asked).json()["scope"] == granted


@pytest.mark.parametrize(
    ("asked", "description"),
    [
        ("openid profile", "The scope is malformed, or more than this client may have."),
        ("openid profile admin", "The scope is malformed, or more than this client may have."),
        ("admin", CHOICE),
        (" ", CHOICE),
        ("openid  email", MALFORMED),
    ],
)
@pytest.mark.clause("RFC 6749", "6", "OP-39")
def test_a_refresh_for_more_than_was_granted_or_for_no_known_scope_is_refused(
    signed_in: EmbeddedIdP, asked: str, description: str
) -> None:
    response = refresh(signed_in, asked)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    assert response.json()["error_description"] == description
