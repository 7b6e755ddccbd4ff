"""The pages for the account and for consent, and the hints about the person (OpenID Connect Core section 3.1.2.1)."""

import re
from typing import Any

import jwt
import pytest

from authserver.access_tokens import sign
from tenants.models import User
from tests.support.embedded_idp import EmbeddedIdP, make_person, query_of

PATH = r"/oauth2/v1/authorize\?[^\"]*"


def press(idp: EmbeddedIdP, page: Any, button: str) -> Any:
    """Press a button of the page; return the answer of the authorization endpoint, which follows."""
    form = page.content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    path = page.wsgi_request.get_full_path()
    assert token
    assert f'value="{button}"' in form
    answer = idp.browser.post("/sign-in/step", {"csrfmiddlewaretoken": token[1], "next": path, "button": button})
    assert answer["Location"] == path
    return idp.browser.get(path)


def enter_password(idp: EmbeddedIdP, asked: Any, email: str = "bob@tables.fake") -> Any:
    """Enter the password of `email` on the page that `asked` leads to; return the answer that follows."""
    page = idp.browser.get(asked["Location"])
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    path = page.context["next"]
    form = {"csrfmiddlewaretoken": token[1], "next": path, "email": email, "password": "avocado"}
    assert idp.browser.post("/sign-in", form)["Location"] == path
    return idp.browser.get(path)


def titled(page: Any, title: str) -> bool:
    return page.status_code == 200 and f"<h1>{title}</h1>" in page.content.decode()


def test_select_account_shows_the_account_and_continues_with_it(signed_in: EmbeddedIdP) -> None:
    page = signed_in.authorize(prompt="select_account")
    assert titled(page, "Choose an account")
    assert "Continue as Bob Tables" in page.content.decode()
    assert "code" in query_of(press(signed_in, page, "continue"))


def test_another_account_is_chosen_with_its_password(signed_in: EmbeddedIdP) -> None:
    make_person(signed_in, "eve")
    page = signed_in.authorize(prompt="select_account")
    link = re.search(r'href="(/sign-in\?next=[^"]*)"', page.content.decode())
    assert link
    assert "code" in query_of(enter_password(signed_in, {"Location": link[1]}, "eve@tables.fake"))


def test_a_person_without_a_session_chooses_the_account_by_entering_its_password(idp: EmbeddedIdP, bob: User) -> None:
    assert "code" in query_of(enter_password(idp, idp.authorize(prompt="select_account")))


def test_consent_shows_what_is_asked_for_and_grants_it(signed_in: EmbeddedIdP) -> None:
    page = signed_in.authorize(prompt="consent", scope="openid email")
    assert titled(page, "Allow Wiki0 to sign you in?")
    assert "your email address" in page.content.decode()
    assert "your name" not in page.content.decode()
    assert "code" in query_of(press(signed_in, page, "allow"))


def test_a_person_who_refuses_consent_sends_the_client_away(signed_in: EmbeddedIdP) -> None:
    answer = query_of(press(signed_in, signed_in.authorize(prompt="consent"), "refuse"))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "The person refused.")
    assert titled(signed_in.authorize(prompt="consent"), "Allow Wiki0 to sign you in?")


def test_consent_is_asked_for_each_request(signed_in: EmbeddedIdP) -> None:
    press(signed_in, signed_in.authorize(prompt="consent"), "allow")
    assert titled(signed_in.authorize(prompt="consent"), "Allow Wiki0 to sign you in?")


def test_password_account_and_consent_are_asked_one_after_the_other(signed_in: EmbeddedIdP) -> None:
    asked = signed_in.authorize(prompt="consent login")
    page = enter_password(signed_in, asked)
    assert titled(page, "Allow Wiki0 to sign you in?")
    assert "code" in query_of(press(signed_in, page, "allow"))
    page = press(signed_in, signed_in.authorize(prompt="select_account consent"), "continue")
    assert titled(page, "Allow Wiki0 to sign you in?")


def test_consent_does_not_replace_the_password(signed_in: EmbeddedIdP) -> None:
    page = signed_in.authorize(prompt="consent")
    path = page.wsgi_request.get_full_path().replace("prompt=consent", "prompt=login")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    form = {"csrfmiddlewaretoken": token[1], "next": path, "button": "allow"}
    assert signed_in.browser.post("/sign-in/step", form)["Location"] == path
    assert signed_in.browser.get(path)["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("next_path", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_form_of_a_step_leads_to_this_site_only(signed_in: EmbeddedIdP, next_path: str) -> None:
    page = signed_in.authorize(prompt="consent").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "next": next_path, "button": "allow"}
    assert signed_in.browser.post("/sign-in/step", form)["Location"] == "/"
    del form["csrfmiddlewaretoken"]
    assert signed_in.browser.post("/sign-in/step", form).status_code == 403


# Hints


@pytest.mark.parametrize("hint", ["bib@tables.fake", "b.tables@tables.fake", "bob+wiki@tables.fake"])
def test_one_password_is_enough_after_a_mistyped_login_hint(idp: EmbeddedIdP, bob: User, hint: str) -> None:
    assert "code" in query_of(enter_password(idp, idp.authorize(login_hint=hint)))


def test_one_password_is_enough_for_another_person_than_the_hinted_one(signed_in: EmbeddedIdP) -> None:
    make_person(signed_in, "eve")
    asked = signed_in.authorize(login_hint="eve@tables.fake")
    assert "code" in query_of(enter_password(signed_in, asked, "bob@tables.fake"))


@pytest.fixture
def hint(id_token: str, signed_in: EmbeddedIdP) -> str:
    """An ID token of Bob; the browser is signed in as Eve."""
    eve = make_person(signed_in, "eve")
    signed_in.browser.force_login(eve, backend="tenants.passwords.RealmBackend")
    return id_token


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-13: id_token_hint of the person who is signed in")
def test_an_id_token_hint_of_the_same_person_changes_nothing(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert "code" in query_of(signed_in.authorize(id_token_hint=id_token, prompt="none"))


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-13: id_token_hint of another person is login_required")
def test_an_id_token_hint_of_another_person_is_login_required(signed_in: EmbeddedIdP, hint: str) -> None:
    answer = query_of(signed_in.authorize(id_token_hint=hint, prompt="none"))
    assert answer["error"] == "login_required"
    assert answer["error_description"] == "The person must sign in, and prompt is none."


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-13")
def test_an_id_token_hint_asks_for_the_password_of_its_person(signed_in: EmbeddedIdP, hint: str) -> None:
    assert "code" in query_of(enter_password(signed_in, signed_in.authorize(id_token_hint=hint), "bob@tables.fake"))


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-13")
def test_the_password_of_another_person_does_not_answer_an_id_token_hint(signed_in: EmbeddedIdP, hint: str) -> None:
    answer = query_of(enter_password(signed_in, signed_in.authorize(id_token_hint=hint), "eve@tables.fake"))
    assert answer["error"] == "login_required"
    assert answer["error_description"] == "The person who signed in is not the one of id_token_hint."


@pytest.mark.parametrize("change", ["another tenant's", "unsigned", "access token", "text"])
@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-13: a hint that cannot be verified switches no session")
def test_an_id_token_hint_that_is_none_is_ignored_unless_no_page_may_be_shown(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, id_token: str, change: str
) -> None:
    claims = jwt.decode(id_token, options={"verify_signature": False})
    hints = {
        "another tenant's": sign(other_idp.server, claims | {"iss": other_idp.server.issuer}, typ="JWT"),
        "unsigned": jwt.encode(claims, None, algorithm="none"),
        "access token": str(signed_in.tokens()["access_token"]),
        "text": "bob",
    }
    assert "code" in query_of(signed_in.authorize(id_token_hint=hints[change]))
    answer = query_of(signed_in.authorize(id_token_hint=hints[change], prompt="none"))
    assert answer["error"] == "login_required"
    assert answer["error_description"] == "id_token_hint is not an ID token of this server."


@pytest.mark.parametrize("claims", ['{"id_token":{"email":{"essential":true}}}', "{", "[]", "{}", "5"])
@pytest.mark.clause("OIDC Core", "5.5", "OP-14: the parameter claims is ignored")
def test_the_parameter_claims_is_ignored(signed_in: EmbeddedIdP, claims: str) -> None:
    assert "code" in query_of(signed_in.authorize(claims=claims))


@pytest.mark.parametrize("name", ["user", "client", "scopes", "auth_time", "facts"])
def test_a_parameter_with_the_name_of_an_attribute_is_ignored(signed_in: EmbeddedIdP, name: str) -> None:
    assert "code" in query_of(signed_in.authorize(**{name: "eve"}))
