"""The authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2) and the codes it gives."""

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model

from authserver.models import Client, SigningKey
from tenants.models import User
from tests.support.embedded_idp import (
    CALLBACK,
    CHALLENGE,
    REFRESH_TOKEN_TYPE,
    VERIFIER,
    EmbeddedIdP,
    make_person,
    query_of,
)
from tests.support.in_process import InProcessNetwork

ISSUER = "http://customer1.idp.localhost:8000"


@pytest.mark.clause("RFC 9207", "2", "OP-18 OP-20")
def test_a_signed_in_user_is_redirected_with_code_state_and_issuer(signed_in: EmbeddedIdP) -> None:
    response = signed_in.authorize(state='a "state" with ü')
    assert response["Location"].startswith(CALLBACK + "?")
    answer = query_of(response)
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ('a "state" with ü', ISSUER)


def test_an_anonymous_user_is_asked_for_the_password(idp: EmbeddedIdP, bob: User) -> None:
    response = idp.authorize(login_hint="bob@tables.fake")
    assert response["Location"].startswith("/sign-in?next=/oauth2/v1/authorize%3F")
    page = idp.browser.get(response["Location"])
    assert 'value="bob@tables.fake"' in page.content.decode()
    assert "form-action 'self';" in page["Content-Security-Policy"] + ";"


@pytest.mark.clause("OIDC Core", "2", "OP-19 OP-42 OP-43")
def test_the_code_gives_an_id_token_with_the_nonce(signed_in: EmbeddedIdP, bob: User) -> None:
    tokens = signed_in.tokens()
    key = signed_in.server.signing_keys.get()
    claims = jwt.decode(
        tokens["id_token"], jwt.PyJWK(key.public_jwk).key, algorithms=["RS256"], audience="wiki0", issuer=ISSUER
    )
    assert jwt.get_unverified_header(tokens["id_token"]) == {"typ": "JWT", "alg": "RS256", "kid": key.kid}
    assert claims["sub"] == bob.sub
    assert claims["nonce"] == "the-nonce"
    assert claims["exp"] - claims["iat"] <= 601
    assert claims["amr"] == ["pwd"]
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("bob@tables.fake", True, "Bob Tables")
    assert claims["at_hash"]


@pytest.mark.clause("OIDC Core", "11", "OP-41")
def test_a_refresh_token_is_given_only_for_offline_access(signed_in: EmbeddedIdP) -> None:
    assert "refresh_token" in signed_in.tokens()
    assert "refresh_token" not in signed_in.tokens(scope="openid email")


@pytest.mark.clause("OIDC Core", "12.2", "CL-02")
def test_a_refresh_rotates_and_brings_a_new_id_token(signed_in: EmbeddedIdP) -> None:
    old = signed_in.tokens()
    new = signed_in.token({"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}).json()
    assert new["refresh_token"] != old["refresh_token"]
    before, after = (jwt.decode(t["id_token"], options={"verify_signature": False}) for t in (old, new))
    assert after["sub"] == before["sub"]
    assert after["auth_time"] == before["auth_time"]


@pytest.mark.clause("RFC 6749", "6", "OP-39 OP-40")
def test_a_refresh_is_refused_for_more_scope_or_a_person_switched_off(signed_in: EmbeddedIdP, bob: User) -> None:
    token = signed_in.tokens(scope="openid offline_access")["refresh_token"]
    request = {"grant_type": "refresh_token", "refresh_token": token}
    more = signed_in.token(request | {"scope": "openid email offline_access"})
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    off = signed_in.token(request)
    assert (off.status_code, off.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": None}, id="OP-01 no client"),
        pytest.param({"client_id": "unknown"}, id="OP-01 unknown client"),
        *(
            pytest.param({"redirect_uri": uri}, id=f"OP-02 {uri}")
            for uri in (
                CALLBACK + "/",
                CALLBACK + "?x=1",
                CALLBACK + "#a",
                CALLBACK.upper(),
                CALLBACK.replace("localhost", "LOCALHOST"),
                CALLBACK.replace("http:", "HTTP:"),
                CALLBACK.replace("8000", "8001"),
                CALLBACK.replace("http:", "https:"),
                CALLBACK.replace("wiki.", "wiki@evil."),
                CALLBACK.replace("/sign-in", "/x/../sign-in"),
                CALLBACK.replace("callback", "callb%61ck"),
                CALLBACK.removesuffix("k"),
                "http://evil.localhost:8000/sign-in/callback",
                "javascript:alert(1)",
                "//evil.example",
            )
        ),
    ],
)
@pytest.mark.clause("RFC 6749", "4.1.2.1", "OP-01 OP-02")
def test_a_client_or_redirect_uri_not_registered_gets_a_page_and_no_redirect(
    signed_in: EmbeddedIdP, changes: dict[str, Any]
) -> None:
    response = signed_in.authorize(**changes)
    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-03: redirect_uri is required")
def test_a_sign_in_without_a_redirect_uri_gets_a_page_and_no_code(signed_in: EmbeddedIdP) -> None:
    response = signed_in.authorize(redirect_uri=None)
    assert response.status_code == 400
    assert "Location" not in response
    assert not get_grant_model().objects.exists()


@pytest.mark.clause("RFC 6749", "3.1.2.3", "OP-03: without openid, the only one that is registered")
def test_a_request_that_is_no_sign_in_may_leave_the_only_redirect_uri_out(signed_in: EmbeddedIdP) -> None:
    assert signed_in.authorize(redirect_uri=None, scope="email")["Location"].startswith(f"{CALLBACK}?code=")
    Client.objects.filter(client_id="wiki0").update(redirect_uris=f"{CALLBACK} {CALLBACK}2")
    assert signed_in.authorize(redirect_uri=None, scope="email").status_code == 400


@pytest.mark.clause("RFC 6749", "4.1.2.1", "OP-01 OP-24")
def test_a_client_of_another_tenants_idp_is_unknown(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    other_idp.register("theirs")
    assert signed_in.authorize(client_id="theirs").status_code == 400


def test_a_session_of_one_idp_is_none_at_another(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    other_idp.browser.cookies = signed_in.browser.cookies
    assert other_idp.authorize()["Location"].startswith("/sign-in")


@pytest.mark.clause("RFC 6749", "3.1", "OP-21")
def test_a_parameter_that_is_there_twice_gets_a_page(signed_in: EmbeddedIdP) -> None:
    response = signed_in.browser.get("/oauth2/v1/authorize?client_id=wiki0&client_id=wiki0")
    assert response.status_code == 400
    assert "is repeated" in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="OP-05 implicit"),
        pytest.param({"response_type": "id_token"}, "unsupported_response_type", id="OP-05 id_token"),
        pytest.param({"response_type": "code token"}, "unsupported_response_type", id="OP-05 hybrid"),
        pytest.param({"response_type": "none"}, "unsupported_response_type", id="OP-05 none"),
        pytest.param({"scope": "read"}, "invalid_scope", id="scope of another server"),
        pytest.param({"scope": "admin"}, "invalid_scope", id="unknown scope"),
        pytest.param({"code_challenge": None, "code_challenge_method": None}, "invalid_request", id="OP-15 no PKCE"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="OP-16 plain"),
        pytest.param({"code_challenge_method": "S512"}, "invalid_request", id="OP-16 unknown"),
        pytest.param({"code_challenge": "c" * 42}, "invalid_request", id="OP-16 short"),
        pytest.param({"code_challenge": "c" * 129}, "invalid_request", id="OP-16 long"),
        pytest.param({"code_challenge": "c" * 42 + "é"}, "invalid_request", id="OP-16 not ASCII"),
        pytest.param({"nonce": "n" * 256}, "invalid_request", id="more than a column holds"),
        pytest.param({"request": "e30.e30."}, "request_not_supported", id="OP-14 request"),
        pytest.param({"request_uri": "https://evil.example"}, "request_uri_not_supported", id="OP-14 request_uri"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="OP-10"),
        pytest.param({"max_age": "-1"}, "invalid_request", id="OP-11 negative"),
        pytest.param({"max_age": "soon"}, "invalid_request", id="OP-11 text"),
        pytest.param({"prompt": "none", "login_hint": "eve@tables.fake"}, "login_required", id="OP-12 none"),
        pytest.param({"resource": "http://elsewhere.example/api"}, "invalid_target", id="RFC 8707"),
    ],
)
@pytest.mark.clause("RFC 6749", "4.1.2.1", "OP-05 OP-10 OP-11 OP-14 OP-15 OP-16 OP-20")
def test_a_request_that_cannot_be_served_is_answered_at_the_redirect_uri(
    signed_in: EmbeddedIdP, changes: dict[str, Any], error: str
) -> None:
    answer = query_of(signed_in.authorize(**changes))
    assert answer["error"] == error
    assert answer["error_description"].endswith(".")
    assert answer["state"] == "the-state"
    assert answer["iss"] == ISSUER
    assert "code" not in answer


REQUEST = {
    "response_type": "code",
    "client_id": "wiki0",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "the-state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FORM = "application/x-www-form-urlencoded"


def post_request(idp: EmbeddedIdP, body: str, query: str = "", content_type: str = FORM) -> Any:
    """Send a form to the authorization endpoint as a page of another site does: no cookie, no CSRF token."""
    elsewhere = Browser(headers={"host": idp.host, "origin": "http://wiki.localhost:8000"}, enforce_csrf_checks=True)
    return elsewhere.post(f"/oauth2/v1/authorize{query}", body, content_type=content_type)


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-22: the authorization endpoint takes GET and POST")
@pytest.mark.clause("RFC 9700", "4.12", "the redirect is a 303, never a 307")
def test_a_request_sent_as_a_form_is_served_like_one_in_the_url(signed_in: EmbeddedIdP) -> None:
    form = REQUEST | {"state": "ü & =", "resource": signed_in.server.resource}
    response = post_request(signed_in, urlencode(form))
    assert response.status_code == 303
    assert not response.cookies
    assert not get_grant_model().objects.exists()
    answer = query_of(signed_in.browser.get(response["Location"]))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("ü & =", ISSUER)


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-22: a form is no way around the password")
def test_an_anonymous_user_is_asked_for_the_password_after_a_form_too(idp: EmbeddedIdP, bob: User) -> None:
    response = idp.browser.get(post_request(idp, urlencode(REQUEST))["Location"])
    assert response["Location"].startswith("/sign-in?next=/oauth2/v1/authorize%3F")
    sign_in = {"email": "bob@tables.fake", "password": "avocado", "next": "/"}
    assert idp.browser.post("/sign-in", sign_in).status_code == 403  # that form needs its CSRF token
    assert "code" in query_of(idp.browser.get(enter_password(idp, response["Location"])["Location"]))


@pytest.mark.parametrize(
    ("form", "query"),
    [
        pytest.param("state=a&state=a", "", id="in the form"),
        pytest.param("state=a", "?state=a", id="in form and URL"),
        pytest.param("state=a", "?client_id=wiki0&client_id=wiki0", id="in the URL"),
    ],
)
@pytest.mark.clause("RFC 6749", "3.1", "OP-21")
def test_a_form_with_a_parameter_that_is_there_twice_gets_a_page(signed_in: EmbeddedIdP, form: str, query: str) -> None:
    response = post_request(signed_in, form, query)
    assert response.status_code == 400
    assert "is repeated" in response.content.decode()
    assert "Location" not in response


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
@pytest.mark.clause("OIDC Core", "3.1.2.1", "the parameters of a POST are form-encoded")
def test_a_body_that_is_no_form_gets_a_page(signed_in: EmbeddedIdP, content_type: str) -> None:
    response = post_request(signed_in, urlencode(REQUEST), content_type=content_type)
    assert response.status_code == 400
    assert FORM in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"response_type": "token"}, "unsupported_response_type"), ({"max_age": "soon"}, "invalid_request")],
    ids=["OP-05", "OP-11"],
)
@pytest.mark.clause("RFC 6749", "4.1.2.1", "OP-05 OP-11")
def test_a_form_that_cannot_be_served_is_answered_at_the_redirect_uri(
    signed_in: EmbeddedIdP, changes: dict[str, str], error: str
) -> None:
    response = signed_in.browser.get(post_request(signed_in, urlencode(REQUEST | changes))["Location"])
    assert query_of(response)["error"] == error


@pytest.mark.clause("RFC 6749", "4.1.2.1", "OP-02")
def test_a_form_with_a_redirect_uri_not_registered_leads_to_a_page(signed_in: EmbeddedIdP) -> None:
    form = urlencode(REQUEST | {"redirect_uri": "http://evil.localhost:8000/"})
    response = signed_in.browser.get(post_request(signed_in, form)["Location"])
    assert response.status_code == 400


@pytest.mark.parametrize("path", ["register", "clients", "registration"])
@pytest.mark.clause("RFC 7591", "3", "OP-33")
def test_clients_cannot_be_registered_over_the_network(signed_in: EmbeddedIdP, path: str) -> None:
    """There is no consent page because an administrator registers every client; so no other person may."""
    metadata = signed_in.browser.get("/.well-known/openid-configuration").json()
    assert "registration_endpoint" not in metadata
    assert "client_id_metadata_document_supported" not in metadata
    before = Client.objects.count()
    form = {"redirect_uris": ["http://evil.localhost:8000/"], "client_name": "Evil"}
    response = Browser(headers={"host": signed_in.host}).post(f"/oauth2/v1/{path}", form, "application/json")
    assert response.status_code == 404
    assert Client.objects.count() == before


@pytest.mark.parametrize("client_id", ["https://evil.example/client.json", "http://evil.localhost:8000/client"])
@pytest.mark.clause("RFC 6749", "2.2", "OP-33")
def test_a_client_that_only_describes_itself_gets_no_code(
    signed_in: EmbeddedIdP, in_process_network: InProcessNetwork, client_id: str
) -> None:
    response = signed_in.authorize(client_id=client_id, redirect_uri="http://evil.localhost:8000/")
    assert response.status_code == 400
    assert "Location" not in response
    assert not in_process_network.exchanges


@pytest.mark.clause("OIDC Core", "3.1.2.6", "OP-08")
def test_prompt_none_shows_no_page(idp: EmbeddedIdP, bob: User) -> None:
    assert query_of(idp.authorize(prompt="none"))["error"] == "login_required"
    idp.browser.force_login(bob, backend="tenants.passwords.RealmBackend")
    assert "code" in query_of(idp.authorize(prompt="none"))


@pytest.mark.parametrize(
    "changes",
    [{"prompt": "login"}, {"prompt": "login consent"}, {"max_age": "0"}, {"login_hint": "eve@tables.fake"}],
    ids=["OP-09", "OP-09 among others", "OP-11", "OP-12"],
)
@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-09 OP-11 OP-12")
def test_a_session_that_does_not_answer_the_request_leads_to_the_password(
    signed_in: EmbeddedIdP, bob: User, changes: dict[str, str]
) -> None:
    signed_in.backdate_session(minutes=5)
    assert signed_in.authorize(**changes)["Location"].startswith("/sign-in?next=")


def enter_password(idp: EmbeddedIdP, location: str) -> Any:
    """Enter Bob's password on the page at `location`; return the redirect that follows."""
    page = idp.browser.get(location).content.decode()
    fields = dict(re.findall(r'name="(csrfmiddlewaretoken|next)" value="([^"]*)"', page))
    fields["next"] = html.unescape(fields["next"])
    return idp.browser.post("/sign-in", fields | {"email": "bob@tables.fake", "password": "avocado"})


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}], ids=["OP-09", "OP-11"])
@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-09 OP-11")
def test_the_password_answers_the_request_it_was_asked_for_and_that_one_once(
    signed_in: EmbeddedIdP, changes: dict[str, str]
) -> None:
    signed_in.backdate_session(minutes=5)
    asked = signed_in.authorize(state="ü &|'", **changes)
    back = enter_password(signed_in, asked["Location"])["Location"]
    assert "code" in query_of(signed_in.browser.get(back))
    signed_in.backdate_session(minutes=5)
    assert signed_in.browser.get(back)["Location"] == asked["Location"]


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-09: the page for the password cannot be passed by")
def test_who_skips_the_password_is_asked_again(signed_in: EmbeddedIdP) -> None:
    asked = signed_in.authorize(prompt="login")
    behind_the_page = parse_qs(urlsplit(asked["Location"]).query)["next"][0]
    assert signed_in.browser.get(behind_the_page)["Location"] == asked["Location"]


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-09: a password entered for something else answers nothing")
def test_a_password_entered_for_another_request_does_not_answer_this_one(signed_in: EmbeddedIdP) -> None:
    assert enter_password(signed_in, "/sign-in?next=/")["Location"] == "/"
    assert signed_in.authorize(prompt="login")["Location"].startswith("/sign-in?next=")


def _code_request(idp: EmbeddedIdP, **changes: str | None) -> dict[str, str]:
    request = {
        "grant_type": "authorization_code",
        "code": idp.code(),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    } | changes
    return {name: value for name, value in request.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": VERIFIER[::-1]}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "x"}, "invalid_request"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
    ],
)
@pytest.mark.clause("RFC 6749", "4.1.3", "OP-17 OP-36")
def test_a_code_without_its_context_is_refused(signed_in: EmbeddedIdP, changes: dict[str, Any], error: str) -> None:
    response = signed_in.token(_code_request(signed_in, **changes))
    assert response.status_code in (400, 401)
    assert response.json()["error"] in (error, "invalid_grant")
    assert "access_token" not in response.json()


@pytest.mark.clause("RFC 6749", "4.1.2", "OP-34")
def test_a_code_works_once(signed_in: EmbeddedIdP) -> None:
    request = _code_request(signed_in)
    assert signed_in.token(request).status_code == 200
    again = signed_in.token(request)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("RFC 6749", "4.1.3", "OP-36")
def test_a_code_expires_and_belongs_to_its_client(signed_in: EmbeddedIdP) -> None:
    request = _code_request(signed_in)
    stolen = signed_in.token(request, "todo0")
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    get_grant_model().objects.update(expires=timezone.now() - timedelta(seconds=1))
    late = signed_in.token(request)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("RFC 6749", "4.1.3", "OP-36")
def test_a_code_of_one_tenant_is_none_at_another(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    response = other_idp.token(_code_request(signed_in))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("OIDC Core", "5.3", "OP-45 OP-46 OP-47 OP-48")
def test_userinfo_releases_what_the_scopes_allow(signed_in: EmbeddedIdP, bob: User, other_idp: EmbeddedIdP) -> None:
    tokens = signed_in.tokens(scope="openid email")

    def userinfo(token: str, idp: EmbeddedIdP = signed_in) -> Any:
        return Browser(headers={"host": idp.host}).get(
            "/oauth2/v1/userinfo", headers={"authorization": f"Bearer {token}"}
        )

    assert userinfo(tokens["access_token"]).json() == {
        "sub": bob.sub,
        "email": "bob@tables.fake",
        "email_verified": True,
    }
    for response in (userinfo(tokens["id_token"]), userinfo("x"), userinfo(tokens["access_token"], other_idp)):
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in response["WWW-Authenticate"]
    without_openid = userinfo(signed_in.tokens(scope="email")["access_token"])
    assert (without_openid.status_code, without_openid.json()["error"]) == (403, "insufficient_scope")
    get_access_token_model().objects.update(expires=timezone.now())
    assert userinfo(tokens["access_token"]).status_code == 401


def test_a_client_switched_off_is_unknown_at_once(signed_in: EmbeddedIdP) -> None:
    request = _code_request(signed_in)
    Client.objects.filter(client_id="wiki0").update(is_active=False)
    assert signed_in.authorize().status_code == 400
    assert signed_in.token(request).status_code == 401


def test_two_people_get_their_own_subject(signed_in: EmbeddedIdP, bob: User) -> None:
    trinity = make_person(signed_in, "trinity")
    subs = []
    for person in (bob, trinity):
        signed_in.browser.force_login(person, backend="tenants.passwords.RealmBackend")
        subs.append(jwt.decode(signed_in.tokens()["id_token"], options={"verify_signature": False})["sub"])
    assert subs == [bob.sub, trinity.sub]


@pytest.mark.clause("OIDC Core", "12.2", "OP-11")
def test_auth_time_is_that_of_the_session_that_was_asked_and_stays_with_its_tokens(
    signed_in: EmbeddedIdP, bob: User
) -> None:
    first = signed_in.backdate_session(minutes=5)
    tokens = signed_in.tokens()
    Browser(headers={"host": signed_in.host}).force_login(
        bob, backend="tenants.passwords.RealmBackend"
    )  # elsewhere, now
    refreshed = signed_in.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).json()
    again = signed_in.token({"grant_type": "refresh_token", "refresh_token": refreshed["refresh_token"]}).json()
    id_jag = signed_in.exchange(again["refresh_token"], subject_token_type=REFRESH_TOKEN_TYPE).json()["access_token"]
    for token in (tokens["id_token"], refreshed["id_token"], again["id_token"], id_jag):
        assert jwt.decode(token, options={"verify_signature": False})["auth_time"] == first
    assert signed_in.authorize(max_age="60")["Location"].startswith("/sign-in?next=")


@pytest.mark.clause("CSP", "", "OP-32 XS-27")
def test_a_link_cannot_widen_where_the_password_form_may_lead(idp: EmbeddedIdP) -> None:
    next_path = "/oauth2/v1/authorize?client_id=wiki0&redirect_uri=https://evil.example/x"
    page = idp.browser.get("/sign-in", {"next": next_path})
    assert "evil.example" not in page["Content-Security-Policy"]


@pytest.mark.clause("RFC 6749", "5.2", "OP-65")
def test_without_a_key_to_sign_with_the_token_endpoint_says_try_again(signed_in: EmbeddedIdP) -> None:
    request = _code_request(signed_in)
    for keys in (0, 2):
        signed_in.server.signing_keys.all().delete()
        for _ in range(keys):
            SigningKey.generate(signed_in.server, SigningKey.Status.ACTIVE)
        response = signed_in.token(request | {"code": signed_in.code()})
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
