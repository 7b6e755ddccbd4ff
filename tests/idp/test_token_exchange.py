"""RFC 8693 as profiled by ID-JAG -04 section 4.3: from one valid exchange, break one thing at a time."""

import json
import time
from typing import Any

import jwt
import pytest
from django.http import HttpResponse
from oauth2_provider.models import get_access_token_model, get_id_token_model, get_refresh_token_model
from pytest_django import DjangoCaptureOnCommitCallbacks

from authserver.access_tokens import sign
from authserver.models import Client, SigningKey
from idp.models import CrossAppPolicy
from tenants.models import Realm, User
from tests.support.embedded_idp import (
    AUDIENCE,
    ID_JAG_TYPE,
    ID_TOKEN_TYPE,
    REFRESH_TOKEN_TYPE,
    RESOURCE,
    EmbeddedIdP,
    make_person,
)


def assert_refused(response: HttpResponse, status: int, error: str, description: str) -> None:
    body = response.json()
    assert (response.status_code, body["error"]) == (status, error), body
    assert description in body["error_description"]
    assert response["Cache-Control"] == "no-store"
    assert "access_token" not in body


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def resigned(idp: EmbeddedIdP, token: str, *, typ: str = "JWT", **changes: Any) -> str:
    """Return an ID token changed and signed again by the IdP's own key: only the change can be what is refused."""
    claims = {name: value for name, value in (claims_of(token) | changes).items() if value is not ...}
    return sign(idp.server, claims, typ=typ)


@pytest.mark.clause("ID-JAG", "4.3.4", "TE-01")
def test_an_id_token_is_exchanged_for_an_id_jag(signed_in: EmbeddedIdP, id_token: str) -> None:
    response = signed_in.exchange(id_token)
    body = response.json()
    assert response.status_code == 200
    assert body | {"access_token": "…"} == {
        "access_token": "…",
        "issued_token_type": ID_JAG_TYPE,
        "token_type": "N_A",
        "scope": "read",
        "resource": RESOURCE,
        "expires_in": 300,
    }
    assert response["Cache-Control"] == "no-store"


@pytest.mark.clause("ID-JAG", "3.1", "TE-01 TE-76")
def test_the_id_jag_says_who_for_whom_where_and_for_how_long(signed_in: EmbeddedIdP, id_token: str, bob: User) -> None:
    id_jag = signed_in.exchange(id_token).json()["access_token"]
    header = jwt.get_unverified_header(id_jag)
    key = signed_in.server.signing_keys.get()
    assert header == {"typ": "oauth-id-jag+jwt", "alg": "RS256", "kid": key.kid}
    claims = jwt.decode(id_jag, jwt.PyJWK(key.public_jwk).key, algorithms=["RS256"], audience=AUDIENCE)
    assert claims["exp"] - claims["iat"] == 300
    assert len(claims.pop("jti")) >= 22  # 128 bits
    assert {name: claims[name] for name in claims if name not in ("iat", "exp", "auth_time")} == {
        "iss": "http://customer1.idp.localhost:8000",
        "sub": bob.sub,
        "aud": AUDIENCE,
        "client_id": "wiki0-at-todo0",
        "resource": RESOURCE,
        "scope": "read",
        "email": "bob@tables.fake",
        "email_verified": True,
        "amr": ["pwd"],
    }
    assert claims["auth_time"] == claims_of(id_token)["auth_time"]


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-02 TE-48")
def test_a_refresh_token_is_exchanged_too_and_stays_good(signed_in: EmbeddedIdP, bob: User) -> None:
    refresh_token = signed_in.tokens()["refresh_token"]
    User.objects.filter(pk=bob.pk).update(email="robert@tables.fake")
    for _ in range(2):
        response = signed_in.exchange(refresh_token, subject_token_type=REFRESH_TOKEN_TYPE)
        assert response.status_code == 200
        assert claims_of(response.json()["access_token"])["email"] == "robert@tables.fake"
    renewed = signed_in.token({"grant_type": "refresh_token", "refresh_token": refresh_token})
    assert renewed.status_code == 200


@pytest.mark.clause("RFC 6749", "3.2", "TE-03")
def test_unknown_parameters_are_ignored(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert signed_in.exchange(id_token, x="1").status_code == 200


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("read", "read"),
        ("write read", "read write"),
        ("read admin", "read"),
        ("read read", "read"),
        (None, "read write"),
    ],
)
@pytest.mark.clause("ID-JAG", "4.3.3", "TE-04 TE-05 TE-69 TE-70")
def test_the_scope_is_what_is_both_asked_and_allowed(
    signed_in: EmbeddedIdP, id_token: str, asked: str | None, granted: str
) -> None:
    body = signed_in.exchange(id_token, scope=asked).json()
    assert body["scope"] == granted
    assert claims_of(body["access_token"])["scope"] == granted


@pytest.mark.parametrize("asked", [RESOURCE, None], ids=["as asked", "the policy's"])
@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.3.4", "resource: as in the ID-JAG")
def test_the_answer_names_the_resource_of_the_id_jag(signed_in: EmbeddedIdP, id_token: str, asked: str | None) -> None:
    body = signed_in.exchange(id_token, resource=asked).json()
    assert body["resource"] == claims_of(body["access_token"])["resource"] == RESOURCE


@pytest.mark.clause("ID-JAG", "3.1", "TE-78")
def test_no_two_id_jags_are_the_same(signed_in: EmbeddedIdP, id_token: str) -> None:
    jtis = {claims_of(signed_in.exchange(id_token).json()["access_token"])["jti"] for _ in range(3)}
    assert len(jtis) == 3


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        pytest.param({"requested_token_type": None}, "invalid_request", "requested_token_type is missing", id="TE-17"),
        *(
            pytest.param(
                {"requested_token_type": value}, "invalid_request", "requested_token_type", id=f"TE-18 {value}"
            )
            for value in (
                "urn:ietf:params:oauth:token-type:access_token",
                "urn:ietf:params:oauth:token-type:id_token",
                "urn:ietf:params:oauth:token-type:saml2",
                "urn:ietf:params:oauth:token-type:jwt",
                "urn:ietf:params:oauth:token-type:refresh_token",
                "id-jag",
                ID_JAG_TYPE.upper(),
            )
        ),
        pytest.param({"subject_token": None}, "invalid_request", "subject_token is missing", id="TE-21 missing"),
        pytest.param({"subject_token": ""}, "invalid_request", "subject_token is missing", id="TE-21 empty"),
        pytest.param({"subject_token": ["a", "b"]}, "invalid_request", "is repeated", id="TE-21 twice"),
        pytest.param({"requested_token_type": [ID_JAG_TYPE] * 2}, "invalid_request", "is repeated", id="TE-20"),
        pytest.param({"subject_token_type": None}, "invalid_request", "subject_token_type is missing", id="TE-22"),
        *(
            pytest.param(
                {"subject_token_type": value}, "invalid_request", "subject_token_type must be", id=f"TE-23 {value}"
            )
            for value in (
                "id_token",
                "urn:ietf:params:oauth:token-type:access_token",
                "urn:ietf:params:oauth:token-type:jwt",
                "urn:ietf:params:oauth:token-type:saml1",
                "urn:ietf:params:oauth:token-type:saml2",
                ID_JAG_TYPE,
            )
        ),
        pytest.param({"subject_token_type": REFRESH_TOKEN_TYPE}, "invalid_grant", "not valid", id="TE-24"),
        pytest.param({"actor_token": "a"}, "invalid_request", "actor_token is not supported", id="TE-50"),
        pytest.param({"actor_token_type": ID_TOKEN_TYPE}, "invalid_request", "actor_token_type is not", id="TE-51"),
        pytest.param({"authorization_details": "[]"}, "invalid_authorization_details", "No type", id="TE-72"),
        pytest.param({"audience": None}, "invalid_request", "audience is missing", id="TE-54 missing"),
        pytest.param({"audience": ""}, "invalid_request", "audience is missing", id="TE-54 empty"),
        pytest.param({"audience": [AUDIENCE, AUDIENCE]}, "invalid_request", "is repeated", id="TE-57"),
        *(
            pytest.param({"audience": value}, "invalid_target", "The audience is unknown.", id=f"TE-55 TE-56 {value}")
            for value in (
                "https://elsewhere.example",
                AUDIENCE + "/",
                AUDIENCE.upper(),
                "http://todo.localhost",
                "http://todo.localhost:8001",
                AUDIENCE + "#a",
                RESOURCE,
                "wiki0-at-todo0",
                "http://customer1.idp.localhost:8000",
            )
        ),
        *(
            pytest.param(
                {"resource": value},
                "invalid_target",
                "The audience does not have this resource.",
                id=f"TE-64 TE-65 {value}",
            )
            for value in ("api", "/api", RESOURCE + "#a", RESOURCE + "/", AUDIENCE, "http://wiki.localhost:8000/api")
        ),
        pytest.param(
            {"resource": [RESOURCE, AUDIENCE]}, "invalid_target", "The request may have one resource only.", id="TE-66"
        ),
        pytest.param(
            {"resource": ["a"] * 60}, "invalid_target", "The audience does not have this resource.", id="TE-67 many"
        ),
        pytest.param(
            {"resource": "a" * 100_000}, "invalid_target", "The audience does not have this resource.", id="TE-67 long"
        ),
        *(
            pytest.param({"scope": value}, "invalid_scope", "", id=f"TE-68 TE-70 TE-71 {value[:20]!r}")
            for value in (
                "admin",
                "READ",
                "openid",
                "offline_access openid",
                'read"',
                "read\\",
                "read\nwrite",
                "read\0",
                "read  write",
                " read",
                "x " * 10_000,
            )
        ),
    ],
)
@pytest.mark.clause(
    "RFC 8693",
    "2.1",
    "P2 TE-17 TE-18 TE-19 TE-20 TE-21 TE-22 TE-23 TE-24 TE-39 TE-50 TE-51 TE-54 TE-55 TE-56 TE-57 TE-58 TE-60 "
    "TE-64 TE-65 TE-66 TE-67 TE-68 TE-70 TE-71 TE-72",
)
def test_a_request_of_the_wrong_shape_is_refused(
    signed_in: EmbeddedIdP, id_token: str, changes: dict[str, Any], error: str, description: str
) -> None:
    assert_refused(signed_in.exchange(id_token, **changes), 400, error, description)


@pytest.mark.clause("RFC 6749", "3.2.1", "TE-06")
def test_a_client_that_does_not_authenticate_is_refused(signed_in: EmbeddedIdP, id_token: str) -> None:
    response = signed_in.exchange(id_token, client_id=None)
    assert_refused(response, 401, "invalid_client", "Client authentication failed")
    assert response["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.clause("RFC 6749", "5.2", "TE-09")
def test_a_client_without_the_grant_is_refused(signed_in: EmbeddedIdP) -> None:
    Client.objects.filter(client_id="todo0").update(grants=["authorization_code", "refresh_token"])
    id_token = signed_in.tokens("todo0")["id_token"]
    assert_refused(
        signed_in.exchange(id_token, client_id="todo0"), 400, "unauthorized_client", "may not use this grant type"
    )


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-27")
def test_an_id_token_of_another_client_is_refused(signed_in: EmbeddedIdP) -> None:
    stolen = signed_in.tokens("todo0")["id_token"]
    assert_refused(signed_in.exchange(stolen), 400, "invalid_grant", "not issued to this client")


@pytest.mark.clause("ID-JAG", "6.1", "TE-31 TE-10")
def test_an_id_token_of_another_tenants_idp_is_refused(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, id_token: str
) -> None:
    eve = make_person(other_idp, "eve")
    other_idp.browser.force_login(eve, backend="tenants.passwords.RealmBackend")
    assert_refused(
        signed_in.exchange(other_idp.tokens()["id_token"]), 400, "invalid_grant", "not signed by this server"
    )
    response = signed_in.token(
        signed_in.exchange_request(id_token), None, headers={"authorization": other_idp.basic("wiki0")}
    )
    assert_refused(response, 401, "invalid_client", "Client authentication failed")


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        pytest.param({"exp": 1}, "has expired", id="TE-33 expired"),
        pytest.param({"exp": ...}, "not valid", id="no exp"),
        pytest.param({"exp": "soon"}, "not valid", id="exp text"),
        pytest.param({"aud": []}, "not issued to this client", id="TE-30 aud empty"),
        pytest.param({"aud": ...}, "not valid", id="TE-30 no aud"),
        pytest.param({"aud": 1}, "not issued to this client", id="TE-30 aud number"),
        pytest.param({"aud": ["wiki0", "todo0"], "azp": "todo0"}, "not issued to this client", id="TE-28"),
        pytest.param({"aud": ["wiki0", "todo0"], "azp": "wiki0"}, "not issued to this client", id="TE-29"),
        pytest.param({"azp": "todo0"}, "not issued to this client", id="azp of another"),
        pytest.param({"iss": "https://elsewhere.example"}, "not valid", id="TE-32 iss"),
        pytest.param({"iss": "http://customer1.idp.localhost:8000/"}, "not valid", id="iss slash"),
        pytest.param({"sub": "somebody-else"}, "not valid", id="TE-37 sub"),
        pytest.param({"jti": "unknown"}, "not valid", id="unknown jti"),
        pytest.param({"jti": ...}, "not valid", id="no jti"),
        pytest.param({"jti": 5}, "not valid", id="jti number"),
        pytest.param({"jti": None}, "not valid", id="jti null"),
        pytest.param({"sub": ...}, "not valid", id="no sub"),
        pytest.param({"sub": 5}, "not valid", id="sub number"),
        pytest.param({"iss": ...}, "not valid", id="no iss"),
        pytest.param({"iat": ...}, "not valid", id="no iat"),
        pytest.param({"iat": 4_000_000_000}, "not valid", id="iat in the future"),
        pytest.param({"auth_time": ...}, "not valid", id="no auth_time"),
    ],
)
@pytest.mark.clause("OIDC Core", "3.1.3.7", "TE-28 TE-29 TE-30 TE-32 TE-33 TE-37")
def test_an_id_token_with_one_wrong_claim_is_refused(
    signed_in: EmbeddedIdP, id_token: str, changes: dict[str, Any], description: str
) -> None:
    assert signed_in.exchange(resigned(signed_in, id_token)).status_code == 200  # control
    response = signed_in.exchange(resigned(signed_in, id_token, **changes))
    assert_refused(response, 400, "invalid_grant", description)


@pytest.mark.clause("OIDC Core", "2", "TE-01")
def test_the_audience_of_an_id_token_may_be_a_list_of_one(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert signed_in.exchange(resigned(signed_in, id_token, aud=["wiki0"])).status_code == 200


@pytest.mark.parametrize("token_type", [ID_TOKEN_TYPE, REFRESH_TOKEN_TYPE])
@pytest.mark.parametrize("moved", ["to another tenant", "to another realm"])
@pytest.mark.clause("ID-JAG", "6.1", "TE-36")
def test_no_exchange_for_a_person_of_another_directory(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, bob: User, token_type: str, moved: str
) -> None:
    token = signed_in.tokens()["id_token" if token_type == ID_TOKEN_TYPE else "refresh_token"]
    assert signed_in.exchange(token, subject_token_type=token_type).status_code == 200  # control
    if moved == "to another tenant":
        User.objects.filter(pk=bob.pk).update(tenant=other_idp.server.tenant)
    else:
        User.objects.filter(pk=bob.pk).update(realm=Realm.WIKI)
    assert_refused(signed_in.exchange(token, subject_token_type=token_type), 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-36")
def test_no_exchange_without_a_user(signed_in: EmbeddedIdP, id_token: str) -> None:
    get_id_token_model().objects.update(user=None)
    assert_refused(signed_in.exchange(id_token), 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-27")
def test_the_record_of_an_id_token_names_its_client_too(signed_in: EmbeddedIdP, id_token: str) -> None:
    relabelled = resigned(signed_in, signed_in.tokens("todo0")["id_token"], aud="wiki0", azp=...)
    assert_refused(signed_in.exchange(relabelled), 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-31")
def test_a_key_that_is_not_in_use_yet_signs_nothing(signed_in: EmbeddedIdP, id_token: str) -> None:
    signed_in.server.signing_keys.update(status=SigningKey.Status.RETIRED)
    SigningKey.generate(signed_in.server, SigningKey.Status.ACTIVE)
    early = resigned(signed_in, id_token)
    assert signed_in.exchange(early).status_code == 200  # control
    signed_in.server.signing_keys.filter(status=SigningKey.Status.ACTIVE).update(status=SigningKey.Status.NEXT)
    SigningKey.generate(signed_in.server, SigningKey.Status.ACTIVE)
    assert_refused(signed_in.exchange(early), 400, "invalid_grant", "not signed by this server")


@pytest.mark.parametrize(("length", "description"), [(16_384, "not valid"), (16_385, "too long")])
@pytest.mark.clause("robustness", "", "TE-49")
def test_an_id_token_has_16_kib_at_most(signed_in: EmbeddedIdP, length: int, description: str) -> None:
    assert_refused(signed_in.exchange("A" * length), 400, "invalid_grant", description)


@pytest.mark.clause("RFC 6749", "3.1", "TE-64")
def test_an_empty_resource_is_none(signed_in: EmbeddedIdP, id_token: str) -> None:
    for resource in ("", ["", RESOURCE]):
        id_jag = signed_in.exchange(id_token, resource=resource).json()["access_token"]
        assert claims_of(id_jag)["resource"] == RESOURCE


@pytest.mark.parametrize("typ", ["at+jwt", "oauth-id-jag+jwt", "logout+jwt", "dpop+jwt", "jwt", ""])
@pytest.mark.clause("RFC 8725", "3.12", "TE-38 TE-40 TE-41")
def test_only_the_type_of_an_id_token_is_taken_for_one(signed_in: EmbeddedIdP, id_token: str, typ: str) -> None:
    response = signed_in.exchange(resigned(signed_in, id_token, typ=typ))
    assert_refused(response, 400, "invalid_grant", "not an ID token")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-38 TE-40")
def test_an_id_jag_or_access_token_is_no_subject_token(signed_in: EmbeddedIdP) -> None:
    tokens = signed_in.tokens()
    id_jag = signed_in.exchange(tokens["id_token"]).json()["access_token"]
    for token in (id_jag, tokens["access_token"]):
        assert_refused(signed_in.exchange(token), 400, "invalid_grant", "not an ID token")


def _with_header(token: str, **changes: Any) -> str:
    import base64

    header = json.dumps(jwt.get_unverified_header(token) | changes).encode()
    return base64.urlsafe_b64encode(header).decode().rstrip("=") + "." + token.split(".", 1)[1]


@pytest.mark.parametrize("alg", ["none", "HS256", "RS384", "ES256", "RS512", ""])
@pytest.mark.clause("RFC 8725", "3.1", "TE-25")
def test_an_algorithm_other_than_ours_is_refused(signed_in: EmbeddedIdP, id_token: str, alg: str) -> None:
    assert_refused(signed_in.exchange(_with_header(id_token, alg=alg)), 400, "invalid_grant", "not valid")


@pytest.mark.clause("RFC 8725", "3.1", "TE-25")
def test_a_public_key_is_no_hmac_secret(signed_in: EmbeddedIdP, id_token: str) -> None:
    import hashlib
    import hmac

    from jwcrypto.jwk import JWK

    key = signed_in.server.signing_keys.get()
    pem = JWK(**key.public_jwk).export_to_pem()
    signing_input = _with_header(id_token, alg="HS256").rsplit(".", 1)[0]
    digest = hmac.new(pem, signing_input.encode(), hashlib.sha256).digest()
    forged = f"{signing_input}.{jwt.utils.base64url_encode(digest).decode()}"
    assert_refused(signed_in.exchange(forged), 400, "invalid_grant", "not valid")


@pytest.mark.parametrize(
    "change",
    [
        {"kid": "unknown"},
        {"kid": None},
        {"kid": {}},
        {"jwk": {"kty": "RSA"}},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["b64"], "b64": False},
    ],
)
@pytest.mark.clause("RFC 8725", "3.10", "TE-26")
def test_a_header_that_was_tampered_with_is_refused(
    signed_in: EmbeddedIdP, id_token: str, change: dict[str, Any]
) -> None:
    response = signed_in.exchange(_with_header(id_token, **change))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "....",
        "e30.e30.",
        "eyJhbGciOiJub25lIn0.e30.",
        "\0",
        "é" * 10,
        "A" * 1_000_000,
        "eyJ" + "A" * 15_000,
    ],
    ids=lambda value: repr(value[:20]),
)
@pytest.mark.clause("RFC 7515", "5.2", "P2 TE-42 TE-49")
def test_garbage_is_refused_cleanly(signed_in: EmbeddedIdP, garbage: str) -> None:
    for token_type in (ID_TOKEN_TYPE, REFRESH_TOKEN_TYPE):
        response = signed_in.exchange(garbage, subject_token_type=token_type)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.clause("RFC 7515", "5.2", "TE-42")
def test_json_nested_too_deep_is_refused_cleanly(signed_in: EmbeddedIdP) -> None:
    deep = jwt.utils.base64url_encode(b"[" * 10_000).decode()
    assert_refused(signed_in.exchange(f"{deep}.e30.AA"), 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-43")
def test_a_refresh_token_of_another_client_is_refused(signed_in: EmbeddedIdP) -> None:
    stolen = signed_in.tokens("todo0")["refresh_token"]
    response = signed_in.exchange(stolen, subject_token_type=REFRESH_TOKEN_TYPE)
    assert_refused(response, 400, "invalid_grant", "not valid")


@pytest.mark.clause("RFC 9700", "4.14.2", "TE-45")
def test_a_rotated_refresh_token_is_refused_and_ends_its_family(signed_in: EmbeddedIdP) -> None:
    old = signed_in.tokens()["refresh_token"]
    new = signed_in.token({"grant_type": "refresh_token", "refresh_token": old}).json()["refresh_token"]
    assert signed_in.exchange(new, subject_token_type=REFRESH_TOKEN_TYPE).status_code == 200
    for token in (old, new):
        response = signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE)
        assert_refused(response, 400, "invalid_grant", "not valid")
    assert not get_refresh_token_model().objects.filter(revoked=None).exists()


@pytest.mark.clause("RFC 7009", "2.1", "TE-45")
def test_a_revoked_refresh_token_is_refused(signed_in: EmbeddedIdP) -> None:
    token = signed_in.tokens()["refresh_token"]
    assert signed_in.post("/oauth2/v1/revoke", {"token": token}).status_code == 200
    response = signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE)
    assert_refused(response, 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-46")
def test_a_refresh_token_without_openid_is_refused(signed_in: EmbeddedIdP) -> None:
    token = signed_in.tokens(scope="profile offline_access")["refresh_token"]
    response = signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE)
    assert_refused(response, 400, "invalid_grant", "lacks the scope openid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-36")
@pytest.mark.parametrize("token_type", [ID_TOKEN_TYPE, REFRESH_TOKEN_TYPE])
def test_no_exchange_for_a_deactivated_person(signed_in: EmbeddedIdP, bob: User, token_type: str) -> None:
    tokens = signed_in.tokens()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    token = tokens["id_token"] if token_type == ID_TOKEN_TYPE else tokens["refresh_token"]
    response = signed_in.exchange(token, subject_token_type=token_type)
    assert_refused(response, 400, "invalid_grant", "not valid")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-36")
def test_no_exchange_for_a_deleted_person(signed_in: EmbeddedIdP, bob: User, id_token: str) -> None:
    bob.delete()
    assert_refused(signed_in.exchange(id_token), 400, "invalid_grant", "not valid")
    assert not get_id_token_model().objects.exists()


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-11")
def test_a_deactivated_client_is_refused_from_the_next_request_on(signed_in: EmbeddedIdP, id_token: str) -> None:
    Client.objects.filter(client_id="wiki0").update(is_active=False)
    assert_refused(signed_in.exchange(id_token), 401, "invalid_client", "")


@pytest.mark.clause("ID-JAG", "4.3.3", "OP-64")
def test_a_deactivated_tenants_idp_answers_nothing(signed_in: EmbeddedIdP, id_token: str) -> None:
    tenant = signed_in.server.tenant
    assert tenant
    tenant.is_active = False
    tenant.save()
    assert signed_in.exchange(id_token).status_code == 404


@pytest.mark.clause("ID-JAG branch access_denied_error", "4.3.4.3", "known and refused by policy: access_denied")
@pytest.mark.clause("ID-JAG", "4.3.3", "TE-61 TE-62 P3")
def test_default_deny_names_the_policy_gap(signed_in: EmbeddedIdP) -> None:
    id_token = signed_in.tokens("todo0")["id_token"]  # todo0 has no policy for itself
    response = signed_in.exchange(id_token, client_id="todo0")
    assert_refused(response, 400, "access_denied", "No cross-app policy")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-62 P3")
def test_a_policy_switched_off_denies_from_the_next_request_on(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert signed_in.exchange(id_token).status_code == 200
    CrossAppPolicy.objects.update(enabled=False)
    assert_refused(signed_in.exchange(id_token), 400, "access_denied", "No cross-app policy")


@pytest.mark.clause("ID-JAG", "6.4", "TE-59")
def test_an_audience_only_another_tenant_knows_is_as_unknown_as_any(
    signed_in: EmbeddedIdP, other_idp: EmbeddedIdP, id_token: str
) -> None:
    CrossAppPolicy.objects.create(
        server=other_idp.server,
        client=other_idp.server.clients.get(),
        audience="http://theirs.example",
        resource="http://theirs.example/api",
        scope="read",
        client_id_at_audience="x",
    )
    theirs = signed_in.exchange(id_token, audience="http://theirs.example", resource=None)
    nobodys = signed_in.exchange(id_token, audience="http://nobodys.example", resource=None)
    assert_refused(theirs, 400, "invalid_target", "The audience is unknown.")
    assert theirs.content == nobodys.content


@pytest.mark.clause("RFC 8707", "2", "TE-65")
def test_an_audience_with_several_resources_wants_one_named(signed_in: EmbeddedIdP, id_token: str) -> None:
    assert claims_of(signed_in.exchange(id_token, resource=None).json()["access_token"])["resource"] == RESOURCE
    policy = CrossAppPolicy.objects.get()
    policy.pk, policy.resource = None, AUDIENCE + "/other"
    policy.save()
    assert_refused(signed_in.exchange(id_token, resource=None), 400, "invalid_target", "name one")
    assert signed_in.exchange(id_token).status_code == 200


@pytest.mark.clause("ID-JAG", "9.3", "TE-83")
def test_an_id_jag_is_good_for_nothing_at_its_own_idp(signed_in: EmbeddedIdP, id_token: str) -> None:
    id_jag = signed_in.exchange(id_token).json()["access_token"]
    userinfo = signed_in.browser.get("/oauth2/v1/userinfo", headers={"authorization": f"Bearer {id_jag}"})
    assert (userinfo.status_code, userinfo.json()["error"]) == (401, "invalid_token")
    redeemed = signed_in.token({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": id_jag})
    assert_refused(redeemed, 400, "unsupported_grant_type", "does not offer")
    hinted = signed_in.browser.get(
        "/oauth2/v1/logout",
        {"id_token_hint": id_jag, "post_logout_redirect_uri": "http://wiki.localhost:8000/signed-out"},
    )
    assert hinted.status_code == 400


@pytest.mark.clause("ID-JAG", "4.3", "TE-84")
def test_an_exchange_is_logged_in_one_line_without_a_token(
    signed_in: EmbeddedIdP,
    id_token: str,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with caplog.at_level("INFO", logger="audit"):
        with django_capture_on_commit_callbacks(execute=True):
            id_jag = signed_in.exchange(id_token).json()["access_token"]
        signed_in.exchange(id_token, audience="http://x\r\nfaked: line")
    lines = [record.getMessage() for record in caplog.records if '"token_exchange"' in record.getMessage()]
    issued, refused = map(json.loads, lines)
    assert (issued["outcome"], issued["client_id"], issued["sub"]) == ("done", "wiki0", "sub-of-bob")
    assert (issued["jti"], issued["audience"]) == (claims_of(id_jag)["jti"], AUDIENCE)
    assert (refused["outcome"], refused["error"]) == ("refused", "invalid_target")
    for line in lines:
        assert "\n" not in line
        assert id_jag not in line
        assert id_token not in line


@pytest.mark.clause("ID-JAG branch aaronpk/sec-subject-tokens", "9.2", "CL-38")
def test_an_exchange_leaves_no_row_behind(signed_in: EmbeddedIdP, id_token: str) -> None:
    before = get_access_token_model().objects.count()
    assert signed_in.exchange(id_token).status_code == 200
    assert get_access_token_model().objects.count() == before


@pytest.mark.clause("OIDC Core", "10.1.1", "OP-51")
def test_an_id_token_of_a_retired_key_is_still_exchanged(signed_in: EmbeddedIdP, id_token: str) -> None:
    signed_in.server.signing_keys.update(status=SigningKey.Status.RETIRED)
    new = SigningKey.generate(signed_in.server, SigningKey.Status.ACTIVE)
    id_jag = signed_in.exchange(id_token).json()["access_token"]
    assert jwt.get_unverified_header(id_jag)["kid"] == new.kid


def test_the_clock_of_the_id_jag_is_the_servers(signed_in: EmbeddedIdP, id_token: str) -> None:
    claims = claims_of(signed_in.exchange(id_token).json()["access_token"])
    assert abs(claims["iat"] - time.time()) < 5
