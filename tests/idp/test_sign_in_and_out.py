"""The pages of the embedded IdP: signing in to the directory, and RP-initiated logout."""

import re
from typing import Any

import pytest
from django.test import Client as Browser

from tenants.models import User
from tests.support.embedded_idp import EmbeddedIdP, make_person
from tests.support.pages import NAVIGATE, assert_goes_on

SIGNED_OUT = "http://wiki.localhost:8000/signed-out"


def submit(
    idp: EmbeddedIdP, email: str = "bob@tables.fake", password: str = "avocado", next: str = "/", **headers: str
) -> Any:
    page = idp.browser.get("/sign-in", {"next": next})
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    data = {"csrfmiddlewaretoken": token[1], "email": email, "password": password, "next": next}
    return idp.browser.post("/sign-in", data, headers=headers)


def test_a_browser_gets_a_page_that_goes_on_to_the_client(idp: EmbeddedIdP, bob: User) -> None:
    path = "/oauth2/v1/authorize?client_id=wiki0&state='&x=%22"
    assert_goes_on(submit(idp, next=path, **NAVIGATE), path)


def test_a_browser_that_signs_out_gets_a_page_that_goes_on_to_the_client(signed_in: EmbeddedIdP) -> None:
    parameters = {"client_id": "wiki0", "post_logout_redirect_uri": SIGNED_OUT, "state": "a&b<c"}
    page = signed_in.browser.get("/oauth2/v1/logout", parameters)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    form = parameters | {"csrfmiddlewaretoken": token[1]}
    assert_goes_on(signed_in.browser.post("/oauth2/v1/logout", form, headers=NAVIGATE), f"{SIGNED_OUT}?state=a%26b%3Cc")


def test_email_and_password_sign_in(idp: EmbeddedIdP, bob: User) -> None:
    response = submit(idp, next="/oauth2/v1/authorize?x=1")
    assert (response.status_code, response["Location"]) == (302, "/oauth2/v1/authorize?x=1")
    assert idp.browser.session["_auth_user_id"] == str(bob.pk)


@pytest.mark.clause("OWASP ASVS", "6.3", "OP-25 OP-26")
def test_every_way_to_fail_looks_the_same(idp: EmbeddedIdP, bob: User, other_idp: EmbeddedIdP) -> None:
    make_person(other_idp, "eve")
    mallory = make_person(idp, "mallory")
    User.objects.filter(pk=mallory.pk).update(is_active=False)
    answers = [
        submit(idp, "bob@tables.fake", "wrong"),
        submit(idp, "nobody@tables.fake"),
        submit(idp, "eve@tables.fake"),
        submit(idp, "mallory@tables.fake"),
    ]
    messages = {re.search(r"Wrong email or password[^<]*", answer.content.decode())[0] for answer in answers}  # type: ignore[index]
    assert {answer.status_code for answer in answers} == {400}
    assert messages == {"Wrong email or password."}
    assert "_auth_user_id" not in idp.browser.session


def test_the_password_is_never_written_back(idp: EmbeddedIdP, bob: User) -> None:
    page = submit(idp, password="a-wrong-password").content.decode()
    assert "a-wrong-password" not in page
    assert 'value="bob@tables.fake"' in page


@pytest.mark.parametrize(
    "next_path",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "http:evil.example",
        "https:///evil.example",
        "https://evil.example/",
        "/\t/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://customer2.idp.localhost:8000/",
        "",
    ],
)
@pytest.mark.clause("RFC 9700", "4.11", "OP-32 WEB-21")
def test_next_is_a_path_of_this_site_or_the_home_page(idp: EmbeddedIdP, bob: User, next_path: str) -> None:
    assert submit(idp, next=next_path)["Location"] == "/"


@pytest.mark.clause("CSRF", "", "OP-30")
def test_signing_in_needs_the_csrf_token(idp: EmbeddedIdP, bob: User) -> None:
    response = idp.browser.post("/sign-in", {"email": "bob@tables.fake", "password": "avocado"})
    assert response.status_code == 403


@pytest.mark.clause("session fixation", "", "OP-31 WEB-08")
def test_the_session_key_changes_with_the_sign_in(idp: EmbeddedIdP, bob: User) -> None:
    session = idp.browser.session
    session["planted"] = True
    session.save()
    before = session.session_key
    submit(idp)
    assert idp.browser.session.session_key != before


@pytest.mark.clause("OIDC RP-Initiated Logout", "2", "OP-56")
def test_a_link_to_the_sign_out_page_only_asks(signed_in: EmbeddedIdP) -> None:
    page = signed_in.browser.get("/oauth2/v1/logout", {"client_id": "wiki0", "post_logout_redirect_uri": SIGNED_OUT})
    assert page.status_code == 200
    assert "_auth_user_id" in signed_in.browser.session
    assert "form-action 'self';" in page["Content-Security-Policy"] + ";"


@pytest.mark.clause("OIDC RP-Initiated Logout", "3", "OP-58")
def test_the_confirmed_sign_out_ends_the_session_and_goes_back_with_the_state(signed_in: EmbeddedIdP) -> None:
    parameters = {"client_id": "wiki0", "post_logout_redirect_uri": SIGNED_OUT, "state": "a&b<c"}
    page = signed_in.browser.get("/oauth2/v1/logout", parameters)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    response = signed_in.browser.post("/oauth2/v1/logout", parameters | {"csrfmiddlewaretoken": token[1]})
    assert (response.status_code, response["Location"]) == (302, SIGNED_OUT + "?state=a%26b%3Cc")
    assert "_auth_user_id" not in signed_in.browser.session


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": "wiki0", "post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": "wiki0", "post_logout_redirect_uri": SIGNED_OUT + "/"},
        {"client_id": "unknown", "post_logout_redirect_uri": SIGNED_OUT},
        {"post_logout_redirect_uri": SIGNED_OUT},
        {"id_token_hint": "e30.e30.e30", "post_logout_redirect_uri": SIGNED_OUT},
    ],
)
@pytest.mark.clause("OIDC RP-Initiated Logout", "3", "OP-57")
def test_a_way_back_that_is_not_registered_is_no_way(signed_in: EmbeddedIdP, parameters: dict[str, str]) -> None:
    response = signed_in.browser.get("/oauth2/v1/logout", parameters)
    assert response.status_code == 400
    assert "Location" not in response
    assert "_auth_user_id" in signed_in.browser.session


@pytest.mark.clause("OIDC RP-Initiated Logout", "2", "OP-57")
def test_a_hint_names_the_client_and_stays_out_of_the_page(signed_in: EmbeddedIdP, id_token: str) -> None:
    page = signed_in.browser.get(
        "/oauth2/v1/logout", {"id_token_hint": id_token, "post_logout_redirect_uri": SIGNED_OUT}
    )
    assert page.status_code == 200
    assert id_token not in page.content.decode()
    mismatch = {"id_token_hint": id_token, "client_id": "todo0", "post_logout_redirect_uri": SIGNED_OUT}
    assert signed_in.browser.get("/oauth2/v1/logout", mismatch).status_code == 400


def test_signing_out_without_a_session_says_so(idp: EmbeddedIdP) -> None:
    assert idp.browser.get("/oauth2/v1/logout")["Location"] == "/signed-out"
    assert idp.browser.get("/signed-out").status_code == 200


def test_the_home_page_says_to_the_tenants_people_what_it_allows(signed_in: EmbeddedIdP) -> None:
    page = signed_in.browser.get("/").content.decode()
    assert "audience <code>http://todo.localhost:8000</code>" in page
    assert "wiki0-at-todo0" in page


def test_the_home_page_shows_the_policies_only_to_users_of_the_tenant(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP
) -> None:
    other_idp.browser.cookies = signed_in.browser.cookies  # a session of another IdP is none here
    for browser in (Browser(headers={"host": signed_in.host}), other_idp.browser):
        page = browser.get("/").content.decode()
        assert "You are not signed in." in page
        assert not re.search("wiki0-at-todo0|policies|ID-JAG", page)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    ("host", "path"),
    [("localhost:8000", "/"), ("customer1.idp.localhost:8000", "/"), ("customer1.idp.localhost:8000", "/signed-out")],
)
@pytest.mark.clause("RFC 9110", "15.5.6", "a page that is only read takes GET and HEAD")
def test_a_page_that_is_only_read_takes_no_other_method(idp: EmbeddedIdP, host: str, path: str, method: str) -> None:
    browser = Browser(headers={"host": host})
    assert browser.get(path).status_code == browser.head(path).status_code == 200
    response = getattr(browser, method)(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
