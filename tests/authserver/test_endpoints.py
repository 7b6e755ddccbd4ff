"""What the endpoints of every authorization server ask of a request: its shape, and a client of theirs."""

import base64
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.test import Client as Browser
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from authserver.models import Client, SigningKey
from tenants.models import User
from tests.support.embedded_idp import EmbeddedIdP


def refresh_request(idp: EmbeddedIdP) -> dict[str, Any]:
    return {"grant_type": "refresh_token", "refresh_token": idp.tokens()["refresh_token"]}


def test_the_control_a_refresh_with_basic_works(signed_in: EmbeddedIdP) -> None:
    assert signed_in.token(refresh_request(signed_in)).status_code == 200


@pytest.mark.parametrize("secret", ["wrong", "", "\0", "x" * 10_000, "ü"])
@pytest.mark.clause("RFC 6749", "5.2", "TE-07")
def test_a_wrong_secret_is_refused(signed_in: EmbeddedIdP, secret: str) -> None:
    request = refresh_request(signed_in)
    basic = signed_in.token(request, None, headers={"authorization": signed_in.basic("wiki0", secret)})
    assert (basic.status_code, basic.json()["error"]) == (401, "invalid_client")
    assert basic["WWW-Authenticate"].startswith("Basic ")
    Client.objects.filter(client_id="wiki0").update(auth_method="client_secret_post")
    post = signed_in.token(request | {"client_id": "wiki0", "client_secret": secret}, None)
    assert (post.status_code, post.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic x", "Basic !!!", "Bearer x", "basic eDp5", "Basic " + base64.b64encode(b"\xff:\xff").decode()],
)
@pytest.mark.clause("RFC 7617", "2", "TE-07")
def test_a_broken_authorization_header_is_refused(signed_in: EmbeddedIdP, header: str) -> None:
    response = signed_in.token(refresh_request(signed_in), None, headers={"authorization": header})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.clause("RFC 6749", "2.3", "TE-12")
def test_two_ways_to_authenticate_at_once_are_refused(signed_in: EmbeddedIdP) -> None:
    secret = signed_in.secrets["wiki0"]
    response = signed_in.token(refresh_request(signed_in) | {"client_id": "wiki0", "client_secret": secret})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "Use one authentication method" in response.json()["error_description"]


@pytest.mark.clause("RFC 6749", "3.2.1", "TE-12")
def test_a_client_id_that_is_not_the_authenticated_clients_is_refused(signed_in: EmbeddedIdP) -> None:
    response = signed_in.token(refresh_request(signed_in) | {"client_id": "todo0"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert signed_in.token(refresh_request(signed_in) | {"client_id": "wiki0"}).status_code == 200


@pytest.mark.clause("OIDC Core", "9", "TE-07")
def test_a_client_registered_for_one_method_is_refused_with_the_other(signed_in: EmbeddedIdP) -> None:
    request = refresh_request(signed_in)
    secret = {"client_id": "wiki0", "client_secret": signed_in.secrets["wiki0"]}
    Client.objects.filter(client_id="wiki0").update(auth_method="client_secret_basic")
    assert signed_in.token(request | secret, None).status_code == 401
    Client.objects.filter(client_id="wiki0").update(auth_method="client_secret_post")
    assert signed_in.token(request).status_code == 401
    assert signed_in.token(request | secret, None).status_code == 200


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
@pytest.mark.parametrize(
    ("registered", "accepted"),
    [
        ({}, ("header", "body")),
        ({"auth_method": "client_secret"}, ("header", "body")),
        ({"auth_method": "client_secret_basic"}, ("header",)),
        ({"auth_method": "client_secret_post"}, ("body",)),
        ({"auth_method": "private_key_jwt"}, ()),
    ],
    ids=str,
)
@pytest.mark.clause("RFC 6749", "2.3.1", "the secret in the header or in the body, as registered")
def test_a_secret_is_taken_in_the_header_or_in_the_body_unless_the_registration_says_otherwise(
    idp: EmbeddedIdP, path: str, registered: dict[str, str], accepted: tuple[str, ...]
) -> None:
    idp.register("agent", **registered)
    form = {"grant_type": "refresh_token", "refresh_token": "unknown", "token": "unknown"}
    sent: dict[str, dict[str, Any]] = {
        "header": {"data": form, "headers": {"authorization": idp.basic("agent")}},
        "body": {"data": form | {"client_id": "agent", "client_secret": idp.secrets["agent"]}, "client_id": None},
    }
    for place, request in sent.items():
        response = idp.post(f"/oauth2/v1/{path}", **request)
        if place in accepted:
            assert (response.status_code, response.json().get("error")) in ((200, None), (400, "invalid_grant")), place
        else:
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), place


@pytest.mark.parametrize(
    ("secret", "error_unless_encoded"),
    [
        ("letters-digits-and-._~-0123456789", "invalid_grant"),
        ("a-percent-%-and-others-/=:-012345", "invalid_grant"),
        ("a-plus-sign-+-and-more-0123456789", "invalid_client"),
        ("what-looks-encoded-%41-0123456789", "invalid_client"),
    ],
)
@pytest.mark.clause("RFC 6749", "2.3.1", "identifier and secret in the header are form-encoded")
def test_the_secret_in_the_header_is_form_encoded(idp: EmbeddedIdP, secret: str, error_unless_encoded: str) -> None:
    idp.register("agent", secret=secret)
    form = {"grant_type": "refresh_token", "refresh_token": "unknown"}
    in_body = form | {"client_id": "agent", "client_secret": secret}

    def error_with(sent: str) -> str:
        return str(idp.token(form, None, headers={"authorization": idp.basic("agent", sent)}).json()["error"])

    assert error_with(quote_plus(secret)) == "invalid_grant", "the client is authenticated"
    assert error_with(secret) == error_unless_encoded
    assert idp.token(in_body, None).json()["error"] == "invalid_grant", "in the body it is encoded once"


@pytest.mark.clause("RFC 6749", "2.3.1", "a peer that does not encode is no worse off")
def test_a_secret_that_is_made_here_needs_no_encoding() -> None:
    secrets = [generate_client_secret() for _ in range(20)]
    assert [quote_plus(secret) for secret in secrets] == secrets


@pytest.mark.parametrize(
    ("body", "extra", "status", "error"),
    [
        pytest.param({}, {}, 400, "invalid_request", id="TE-14 missing"),
        pytest.param({"grant_type": ""}, {}, 400, "invalid_request", id="TE-14 empty"),
        pytest.param({"grant_type": "password"}, {}, 400, "unsupported_grant_type", id="TE-14 password"),
        pytest.param({"grant_type": "client_credentials"}, {}, 400, "unsupported_grant_type", id="client_credentials"),
        pytest.param({"grant_type": "implicit"}, {}, 400, "unsupported_grant_type", id="TE-14 unknown"),
        pytest.param({"grant_type": ["refresh_token"] * 2}, {}, 400, "invalid_request", id="TE-14 twice"),
        pytest.param(
            '{"grant_type": "refresh_token"}',
            {"content_type": "application/json"},
            400,
            "invalid_request",
            id="TE-16 JSON",
        ),
        pytest.param(
            "grant_type=refresh_token", {"content_type": "text/plain"}, 400, "invalid_request", id="TE-16 text"
        ),
        pytest.param(
            {"grant_type": "refresh_token"}, {"query_params": {"x": "1"}}, 400, "invalid_request", id="in the URL"
        ),
    ],
)
@pytest.mark.clause("RFC 6749", "3.2", "TE-14 TE-16")
def test_a_request_of_the_wrong_shape_is_refused(
    idp: EmbeddedIdP,
    body: Any,
    extra: dict[str, Any],
    status: int,
    error: str,
) -> None:
    response = idp.token(body, **extra)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response.json()["error_description"]


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
@pytest.mark.clause("RFC 6749", "3.2", "TE-15")
def test_the_token_endpoint_takes_post_only(idp: EmbeddedIdP, method: str) -> None:
    response = getattr(Browser(headers={"host": idp.host}), method)("/oauth2/v1/token")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.clause("RFC 6749", "5.2", "OP-62")
def test_a_description_keeps_to_the_characters_allowed(idp: EmbeddedIdP) -> None:
    response = idp.token({'"\n<ü>': ["a", "b"], "grant_type": "refresh_token"})
    description = response.json()["error_description"]
    assert all(c in "\x20\x21" or "\x23" <= c <= "\x5b" or "\x5d" <= c <= "\x7e" for c in description)


@pytest.mark.clause("RFC 7009", "2.1", "IR-15 IR-16 IR-17 IR-18")
def test_a_client_revokes_its_own_tokens_only(signed_in: EmbeddedIdP) -> None:
    refresh_token = signed_in.tokens()["refresh_token"]
    foreign = signed_in.post("/oauth2/v1/revoke", {"token": refresh_token}, "todo0")
    assert foreign.status_code == 200
    assert get_refresh_token_model().objects.filter(revoked=None).count() == 1
    own = signed_in.post("/oauth2/v1/revoke", {"token": refresh_token, "token_type_hint": "nonsense"})
    assert own.status_code == 200
    assert not get_refresh_token_model().objects.filter(revoked=None).exists()
    assert not get_access_token_model().objects.exists()
    assert signed_in.post("/oauth2/v1/revoke", {"token": "unknown"}).status_code == 200


@pytest.mark.clause("RFC 7009", "2.1", "IR-13 IR-20 IR-21")
def test_revocation_wants_a_client_and_one_token(signed_in: EmbeddedIdP) -> None:
    anonymous = signed_in.post("/oauth2/v1/revoke", {"token": "x"}, None)
    assert (anonymous.status_code, anonymous.json()["error"]) == (401, "invalid_client")
    for body in ({}, {"token": ["a", "b"]}):
        response = signed_in.post("/oauth2/v1/revoke", body)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert signed_in.browser.get("/oauth2/v1/revoke").status_code == 405


@pytest.mark.clause("RFC 8414", "3.3", "OP-52 OP-54 MD-01")
def test_the_metadata_says_the_issuer_it_was_fetched_from(idp: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    for each in (idp, other_idp):
        documents = [
            each.browser.get(f"/.well-known/{name}").json()
            for name in ("openid-configuration", "oauth-authorization-server")
        ]
        assert documents[0] == documents[1]
        assert documents[0]["issuer"] == each.server.issuer
        endpoints = [value for name, value in documents[0].items() if name.endswith(("_endpoint", "_uri"))]
        assert all(endpoint.startswith(each.server.issuer + "/oauth2/v1/") for endpoint in endpoints)
        assert len(endpoints) == 7


@pytest.mark.clause("RFC 8414", "2", "OP-54 OP-55 MD-06 MD-07")
def test_the_metadata_promises_nothing_weak(idp: EmbeddedIdP) -> None:
    metadata = idp.browser.get("/.well-known/openid-configuration").json()
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256"]
    assert metadata["response_types_supported"] == ["code"]
    assert "none" not in metadata["token_endpoint_auth_methods_supported"]
    assert metadata["identity_chaining_requested_token_types_supported"] == ["urn:ietf:params:oauth:token-type:id-jag"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


@pytest.mark.clause("RFC 7517", "5", "OP-49 OP-50 TE-82")
def test_the_key_set_holds_the_public_halves_of_this_servers_keys_only(
    idp: EmbeddedIdP, other_idp: EmbeddedIdP
) -> None:
    SigningKey.generate(idp.server)
    response = idp.browser.get("/oauth2/v1/keys")
    keys = response.json()["keys"]
    assert {key["kid"] for key in keys} == set(idp.server.signing_keys.values_list("kid", flat=True))
    assert all(set(key) == {"kty", "n", "e", "kid", "use", "alg"} for key in keys)
    assert response["Cache-Control"] == "public, max-age=300"
    assert not response.cookies


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "customer9.idp.localhost:8000",
        "customer1.idp.localhost",
        "customer1.idp.localhost:8001",
        "a.customer1.idp.localhost:8000",
        "customer1.idp.localhost.:8000",
        "CUSTOMER1.idp.localhost:8000",
        "127.0.0.1:8000",
    ],
)
@pytest.mark.clause("OIDC Discovery", "4.3", "OP-50 OP-53 WEB-13 MD-09")
def test_a_host_that_is_no_site_gets_no_document(idp: EmbeddedIdP, host: str) -> None:
    response = Browser(headers={"host": host}).get("/.well-known/openid-configuration")
    assert response.status_code in (400, 404)
    assert "issuer" not in response.content.decode()


@pytest.mark.clause("RFC 9700", "4.3", "SEC-01 SEC-02 SEC-05")
def test_no_secret_token_or_key_is_in_clear_in_the_database(signed_in: EmbeddedIdP, bob: User) -> None:
    from django.db import connection

    tokens = signed_in.tokens()
    secrets = [signed_in.secrets["wiki0"], tokens["access_token"], tokens["refresh_token"], tokens["id_token"]]
    with connection.cursor() as cursor:
        dump = ""
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            dump += repr(cursor.fetchall())
    assert signed_in.server.issuer in dump  # control: the dump holds what is in clear
    assert "PRIVATE KEY" not in dump
    for secret in secrets:
        assert secret not in dump


INTERNAL_NAMES = ["client", "user", "scopes", "extra_credentials", "refresh_token_instance", "id_token", "headers"]


@pytest.mark.parametrize("name", INTERNAL_NAMES)
@pytest.mark.clause("RFC 6749", "3.2", "TE-03 LIM-19")
def test_a_parameter_named_like_an_internal_of_the_library_is_only_an_unknown_parameter(
    signed_in: EmbeddedIdP, name: str
) -> None:
    assert signed_in.token(refresh_request(signed_in) | {name: "x"}).status_code == 200
    assert signed_in.token(refresh_request(signed_in) | {name: "x"}, None).status_code == 401
    assert signed_in.post("/oauth2/v1/revoke", {"token": "x", name: "x"}).status_code == 200
    assert signed_in.post("/oauth2/v1/revoke", {"token": "x", name: "x"}, None).status_code == 401


@pytest.mark.parametrize("name", INTERNAL_NAMES)
@pytest.mark.clause("RFC 6749", "3.1", "LIM-19")
def test_such_a_parameter_of_an_authorization_request_is_none_either(signed_in: EmbeddedIdP, name: str) -> None:
    assert signed_in.authorize(**{name: "x"}).status_code == 302
    assert signed_in.authorize(**{name: "x", "client_id": "unknown"}).status_code == 400
