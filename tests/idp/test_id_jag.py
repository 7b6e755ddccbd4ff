"""What an ID-JAG of the embedded IdP says of a person, whatever the directory holds."""

import time

import jwt
import pytest

from authserver.models import SigningKey
from idp.models import CrossAppPolicy
from tenants.models import User
from tests.idp.test_token_exchange import assert_refused, claims_of
from tests.support.embedded_idp import AUDIENCE, EmbeddedIdP, make_person

CLAIMS = {
    "iss", "sub", "aud", "client_id", "jti", "iat", "exp", "resource", "scope", "email", "email_verified", "auth_time",
    "amr",
}  # fmt: skip


def id_jag_of(idp: EmbeddedIdP, id_token: str) -> str:
    return str(idp.exchange(id_token).json()["access_token"])


@pytest.mark.clause("ID-JAG", "3.1", "TE-77")
def test_the_subject_is_the_one_that_the_other_app_sees_at_its_own_sign_in(signed_in: EmbeddedIdP) -> None:
    at_wiki, at_todo = signed_in.tokens("wiki0")["id_token"], signed_in.tokens("todo0")["id_token"]
    assert claims_of(id_jag_of(signed_in, at_wiki))["sub"] == claims_of(at_todo)["sub"]


@pytest.mark.clause("ID-JAG", "3.1", "TE-79")
def test_nothing_is_said_of_an_email_that_is_not_there(signed_in: EmbeddedIdP, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(email="")
    id_token = signed_in.tokens()["id_token"]
    for token in (id_token, id_jag_of(signed_in, id_token)):
        assert {"email", "email_verified", "preferred_username"}.isdisjoint(claims_of(token))


@pytest.mark.clause("ID-JAG", "9.6", "sub_id only where it is needed: never here")
def test_no_sub_id_is_minted(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert "sub_id" not in claims_of(id_jag_of(signed_in, id_token))


@pytest.mark.clause("MCP EMA", "7.4.3", "no personal data that is not needed")
@pytest.mark.clause("ID-JAG", "3.1", "email is optional")
def test_the_email_is_told_only_where_the_policy_has_it_so(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert claims_of(id_jag_of(signed_in, id_token))["email"] == "bob@tables.fake"
    policy = CrossAppPolicy.objects.get()
    policy.includes_email = False
    policy.save()
    claims = claims_of(id_jag_of(signed_in, id_token))
    assert set(claims) == CLAIMS - {"email", "email_verified"}
    assert "bob@" not in str(claims)


@pytest.mark.clause("ID-JAG", "3.1", "TE-80")
@pytest.mark.parametrize("text", ["iss", '","iss":"https://evil.example', "aud", "act", "cnf", "tenant"])
def test_what_the_directory_holds_never_becomes_another_claim(signed_in: EmbeddedIdP, bob: User, text: str) -> None:
    before = claims_of(id_jag_of(signed_in, signed_in.tokens()["id_token"]))
    User.objects.filter(pk=bob.pk).update(first_name=text, last_name=text, email=f'"{text}"@tables.fake')
    claims = claims_of(id_jag_of(signed_in, signed_in.tokens()["id_token"]))
    assert set(claims) == CLAIMS
    changed = {"jti", "iat", "exp", "email", "auth_time"}
    assert {name: claims[name] for name in CLAIMS - changed} == {name: before[name] for name in CLAIMS - changed}


@pytest.mark.clause("ID-JAG", "3.1", "TE-81")
@pytest.mark.parametrize("text", ['"' * 150, "\\" * 150, "\x01\r\n\t" * 37, "😀" * 150, "</script>" * 16])
def test_strange_names_are_escaped_and_the_id_jag_stays_small(signed_in: EmbeddedIdP, bob: User, text: str) -> None:
    User.objects.filter(pk=bob.pk).update(first_name=text, last_name=text, email=text)
    assert signed_in.server.tenant
    signed_in.server.tenant.name = text
    signed_in.server.tenant.save()
    id_token = signed_in.tokens()["id_token"]
    assert claims_of(id_token)["given_name"] == text
    id_jag = id_jag_of(signed_in, id_token)
    assert claims_of(id_jag)["email"] == text
    assert len(id_jag) < 4096


@pytest.mark.clause("ID-JAG", "6.1", "TE-82")
def test_it_is_signed_by_a_key_of_this_idp_and_of_no_other(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, id_token: str
) -> None:
    kid = jwt.get_unverified_header(id_jag_of(signed_in, id_token))["kid"]
    published = [
        {key["kid"] for key in idp.browser.get("/oauth2/v1/keys").json()["keys"]} for idp in (signed_in, other_idp)
    ]
    assert kid in published[0]
    assert kid not in published[1]


@pytest.mark.clause("ID-JAG", "3.1", "OP-66")
def test_its_lifetime_does_not_hang_on_an_even_clock(
    signed_in: EmbeddedIdP, id_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    seen = []
    for moved in (0, -120, 120):
        monkeypatch.setattr("idp.id_jag.time.time", lambda moved=moved: now + moved)
        seen.append(claims_of(id_jag_of(signed_in, id_token)))
    monkeypatch.undo()
    assert [claims["exp"] - claims["iat"] for claims in seen] == [300] * 3
    assert len({claims["jti"] for claims in seen}) == 3


@pytest.mark.clause("ID-JAG", "4.3.4", "OP-65")
def test_an_idp_that_cannot_sign_says_so_and_others_are_not_affected(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, id_token: str
) -> None:
    signed_in.server.signing_keys.update(status=SigningKey.Status.RETIRED)
    assert_refused(signed_in.exchange(id_token), 503, "temporarily_unavailable", "no usable signing key")
    eve = make_person(other_idp, "eve")
    other_idp.browser.force_login(eve, backend="tenants.passwords.RealmBackend")
    response = other_idp.exchange(other_idp.tokens()["id_token"], audience=AUDIENCE)
    assert response.json()["error"] == "invalid_target"
