"""What the embedded IdP leaves out is refused where ignoring it would change the meaning, and ignored elsewhere."""

import base64
import json

import jwt
import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from authserver.models import Client
from tenants.models import User
from tests.idp.test_token_exchange import assert_refused, claims_of
from tests.support.embedded_idp import (
    CALLBACK,
    ID_TOKEN_TYPE,
    REFRESH_TOKEN_TYPE,
    VERIFIER,
    EmbeddedIdP,
    make_person,
    query_of,
)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# --- token exchange ------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 8693", "2.1", "TE-52 TE-53")
@pytest.mark.parametrize("whose", ["bob", "alice"])
def test_a_valid_actor_token_is_refused_and_never_ignored(signed_in: EmbeddedIdP, id_token: str, whose: str) -> None:
    actor_token = id_token
    if whose == "alice":
        alice = make_person(signed_in, "alice")
        signed_in.browser.force_login(alice, backend="tenants.passwords.RealmBackend")
        actor_token = signed_in.tokens()["id_token"]
    response = signed_in.exchange(id_token, actor_token=actor_token, actor_token_type=ID_TOKEN_TYPE)
    assert_refused(response, 400, "invalid_request", "actor_token is not supported")


@pytest.mark.clause("RFC 9396", "5", "TE-72")
@pytest.mark.parametrize("details", ["", "{", "{}", "[]", '[{"type": "todo"}]', "null"])
def test_rich_authorization_requests_are_refused(signed_in: EmbeddedIdP, id_token: str, details: str) -> None:
    response = signed_in.exchange(id_token, authorization_details=details)
    assert_refused(response, 400, "invalid_authorization_details", "No type of authorization_details")


@pytest.mark.clause("RFC 9449", "5", "TE-73 TE-74 TE-75")
@pytest.mark.parametrize("proof", ["", "x", "a.b.c", "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.AA"])
def test_a_request_to_bind_the_id_jag_to_a_key_is_no_silent_downgrade(
    signed_in: EmbeddedIdP, id_token: str, proof: str
) -> None:
    headers = {"authorization": signed_in.basic("wiki0"), "dpop": proof}
    response = signed_in.token(signed_in.exchange_request(id_token), headers=headers)
    assert_refused(response, 400, "invalid_dpop_proof", "send no DPoP header")


@pytest.mark.clause("ID-JAG", "9.1", "TE-08")
def test_a_stolen_id_token_is_worth_nothing_without_the_clients_secret(signed_in: EmbeddedIdP, id_token: str) -> None:
    response = signed_in.exchange(id_token, client_id=None)
    assert_refused(response, 401, "invalid_client", "Client authentication failed")
    named = signed_in.token(signed_in.exchange_request(id_token) | {"client_id": "wiki0"}, None)
    assert_refused(named, 401, "invalid_client", "Client authentication failed")


@pytest.mark.clause("ID-JAG", "6", "TE-44")
def test_a_refresh_token_of_another_tenants_idp_is_refused(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    eve = make_person(other_idp, "eve")
    other_idp.browser.force_login(eve, backend="tenants.passwords.RealmBackend")
    response = signed_in.exchange(other_idp.tokens()["refresh_token"], subject_token_type=REFRESH_TOKEN_TYPE)
    assert_refused(response, 400, "invalid_grant", "not valid")


@pytest.mark.clause("RFC 8725", "3.1", "TE-42")
def test_a_header_with_a_member_twice_is_refused(signed_in: EmbeddedIdP, id_token: str) -> None:
    header = json.dumps(jwt.get_unverified_header(id_token))
    doubled = base64.urlsafe_b64encode(('{"alg": "none", ' + header[1:]).encode()).decode().rstrip("=")
    response = signed_in.exchange(f"{doubled}.{id_token.split('.', 1)[1]}")
    assert_refused(response, 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "9.3", "TE-83")
def test_an_id_jag_is_no_client_assertion(signed_in: EmbeddedIdP, id_token: str) -> None:
    id_jag = signed_in.exchange(id_token).json()["access_token"]
    request = signed_in.exchange_request(id_token)
    request |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": id_jag}
    assert_refused(signed_in.token(request, None), 401, "invalid_client", "")
    assert_refused(signed_in.token(request | {"client_id": "wiki0"}, None), 401, "invalid_client", "")


@pytest.mark.clause("ID-JAG", "9.3", "TE-83")
def test_there_is_nothing_to_revoke_in_an_id_jag(signed_in: EmbeddedIdP, id_token: str) -> None:
    id_jag = signed_in.exchange(id_token).json()["access_token"]
    assert signed_in.post("/oauth2/v1/revoke", {"token": id_jag}).status_code == 200
    assert signed_in.exchange(id_token).status_code == 200


# --- the authorization endpoint ------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 6749", "3.1.2.3", "OP-03")
def test_with_several_redirect_uris_one_must_be_named(signed_in: EmbeddedIdP) -> None:
    Client.objects.filter(client_id="wiki0").update(redirect_uris=f"{CALLBACK} {CALLBACK}/2")
    assert query_of(signed_in.authorize())["code"]
    page = signed_in.authorize(redirect_uri=None)
    assert page.status_code == 400
    assert "Location" not in page


@pytest.mark.clause("RFC 9700", "4.1", "OP-04")
@pytest.mark.parametrize("uri", ["javascript:alert(1)", "data:text/html,x", "myapp://callback", "/callback"])
def test_a_redirect_uri_that_is_no_web_address_is_refused_on_entry_or_at_the_latest_on_use(
    signed_in: EmbeddedIdP, uri: str
) -> None:
    client = Client.objects.get(client_id="wiki0")
    client.redirect_uris = uri
    try:
        client.full_clean()
    except ValidationError:
        return
    client.save()
    assert "Location" not in signed_in.authorize(redirect_uri=uri)


@pytest.mark.clause("OAuth 2.0 Multiple Response Types", "2.1", "OP-06")
@pytest.mark.parametrize("mode", ["fragment", "form_post", "nonsense"])
def test_a_code_never_travels_in_a_fragment(signed_in: EmbeddedIdP, mode: str) -> None:
    assert query_of(signed_in.authorize(response_mode="query"))["code"]
    response = signed_in.authorize(response_mode=mode)
    assert query_of(response)["error"] == "invalid_request"
    assert "#" not in response["Location"]
    assert "code=" not in response["Location"]


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-07")
def test_without_the_scope_openid_there_is_no_id_token(signed_in: EmbeddedIdP) -> None:
    assert "id_token" not in signed_in.tokens(scope="profile offline_access")


@pytest.mark.clause("OIDC Core", "3.1.2.1", "OP-13")
def test_a_hint_never_switches_the_session(signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, bob: User) -> None:
    eve = make_person(other_idp, "eve")
    other_idp.browser.force_login(eve, backend="tenants.passwords.RealmBackend")
    for hint in (other_idp.tokens()["id_token"], "garbage"):
        response = signed_in.authorize(id_token_hint=hint, prompt="none")
        code = query_of(response).get("code")
        if code:
            request = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            }
            assert claims_of(signed_in.token(request).json()["id_token"])["sub"] == bob.sub
        else:
            assert query_of(response)["error"] == "login_required"


@pytest.mark.clause("RFC 9700", "4.16", "OP-23")
@pytest.mark.parametrize("path", ["/", "/sign-in", "/oauth2/v1/authorize?client_id=x", "/oauth2/v1/logout"])
def test_no_page_of_the_idp_opens_in_a_frame(signed_in: EmbeddedIdP, path: str) -> None:
    response = signed_in.browser.get(path)
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


# --- the rest ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 9700", "4.14.2", "OP-37")
def test_a_refresh_token_used_twice_ends_its_family(signed_in: EmbeddedIdP) -> None:
    old = signed_in.tokens()["refresh_token"]
    new = signed_in.token({"grant_type": "refresh_token", "refresh_token": old}).json()["refresh_token"]
    for token in (old, new):
        response = signed_in.token({"grant_type": "refresh_token", "refresh_token": token})
        assert_refused(response, 400, "invalid_grant", "")


@pytest.mark.clause("RFC 7591", "3", "OP-59")
def test_clients_do_not_register_themselves(idp: EmbeddedIdP) -> None:
    for path in ("/oauth2/v1/register", "/oauth2/v1/clients", "/register"):
        assert idp.browser.post(path, "{}", content_type="application/json").status_code in (403, 404)
        assert idp.browser.get(path).status_code == 404
    assert "registration_endpoint" not in idp.browser.get("/.well-known/openid-configuration").json()


@pytest.mark.clause("CSRF", "", "OP-60")
def test_a_session_is_nothing_to_the_token_endpoint(signed_in: EmbeddedIdP, id_token: str) -> None:
    response = signed_in.browser.post("/oauth2/v1/token", signed_in.exchange_request(id_token))
    assert response.status_code in (400, 401)
    assert "access_token" not in response.content.decode()


@pytest.mark.clause("RFC 9700", "2.6", "OP-61")
@pytest.mark.parametrize("path", ["/oauth2/v1/token", "/oauth2/v1/authorize", "/oauth2/v1/revoke"])
def test_no_page_of_another_origin_reads_an_answer(idp: EmbeddedIdP, path: str) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    response = idp.browser.options(path, headers=headers)
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.clause("routing", "", "OP-63")
@pytest.mark.parametrize(
    "host",
    [
        "CUSTOMER1.idp.localhost:8000",
        "customer1.idp.localhost",
        "customer1.idp.localhost:8000.",
        "customer1..idp.localhost:8000",
        "a.customer1.idp.localhost:8000",
        "customer1%2f.idp.localhost:8000",
        "cüstomer1.idp.localhost:8000",
        "customer9.idp.localhost:8000",
        ".idp.localhost:8000",
    ],
)
def test_a_host_that_is_nearly_the_idps_is_unknown(idp: EmbeddedIdP, host: str) -> None:
    for path in ("/.well-known/openid-configuration", "/oauth2/v1/keys", "/tenants/../customer1/oauth2/v1/keys"):
        assert Browser(headers={"host": host}).get(path).status_code in (400, 404)
