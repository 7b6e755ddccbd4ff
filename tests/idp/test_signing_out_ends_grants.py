"""A sign-out at the IdP ends what the session had handed out."""

import re

import pytest
from oauth2_provider.models import get_access_token_model, get_grant_model, get_id_token_model

from tenants.models import User
from tests.idp.test_token_exchange import assert_refused
from tests.support.embedded_idp import CALLBACK, REFRESH_TOKEN_TYPE, VERIFIER, EmbeddedIdP, make_person


def sign_out(idp: EmbeddedIdP, *, confirmed: bool = True) -> None:
    page = idp.browser.get("/oauth2/v1/logout")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    if confirmed:
        response = idp.browser.post("/oauth2/v1/logout", {"csrfmiddlewaretoken": token[1]})
        assert response["Location"] == "/signed-out"


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-35")
def test_neither_token_of_a_session_that_was_ended_is_exchanged(signed_in: EmbeddedIdP) -> None:
    tokens = signed_in.tokens()
    assert signed_in.exchange(tokens["id_token"]).status_code == 200
    sign_out(signed_in)
    assert_refused(signed_in.exchange(tokens["id_token"]), 400, "invalid_grant", "not valid")
    response = signed_in.exchange(tokens["refresh_token"], subject_token_type=REFRESH_TOKEN_TYPE)
    assert_refused(response, 400, "invalid_grant", "not valid")


@pytest.mark.clause("OIDC RP-Initiated Logout", "2", "OP-40 TE-35")
def test_nothing_is_refreshed_redeemed_or_read_after_the_sign_out(signed_in: EmbeddedIdP) -> None:
    tokens, code = signed_in.tokens(), signed_in.code()
    sign_out(signed_in)
    refreshed = signed_in.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert_refused(refreshed, 400, "invalid_grant", "")
    redeemed = signed_in.token(
        {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    )
    assert_refused(redeemed, 400, "invalid_grant", "")
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert signed_in.browser.get("/oauth2/v1/userinfo", headers=headers).status_code == 401
    for model in (get_grant_model(), get_access_token_model(), get_id_token_model()):
        assert not model.objects.exists()


@pytest.mark.clause("OIDC RP-Initiated Logout", "2", "OP-56 TE-35")
def test_only_the_confirmed_sign_out_ends_anything(signed_in: EmbeddedIdP, id_token: str) -> None:
    sign_out(signed_in, confirmed=False)
    assert signed_in.exchange(id_token).status_code == 200
    signed_in.browser.post("/oauth2/v1/logout", {"client_id": "wiki0"})  # no CSRF token
    assert signed_in.exchange(id_token).status_code == 200


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-35")
def test_other_people_keep_what_they_have(signed_in: EmbeddedIdP, bob: User, id_token: str) -> None:
    alice = make_person(signed_in, "alice")
    signed_in.browser.force_login(alice, backend="tenants.passwords.RealmBackend")
    signed_in.tokens()
    sign_out(signed_in)
    assert signed_in.exchange(id_token).status_code == 200


def test_a_sign_in_after_a_sign_out_can_be_exchanged(signed_in: EmbeddedIdP, bob: User) -> None:
    signed_in.tokens()
    sign_out(signed_in)
    signed_in.browser.force_login(bob, backend="tenants.passwords.RealmBackend")
    assert signed_in.exchange(signed_in.tokens()["id_token"]).status_code == 200
