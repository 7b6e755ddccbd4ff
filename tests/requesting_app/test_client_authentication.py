"""How our client authenticates."""

import base64
import hashlib
import json
import time
from io import StringIO
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command
from jwt.algorithms import ECAlgorithm

from crossapp.client_key import client_key
from crossapp.core.client_authentication import ASSERTION_TYPE, Credentials, OwnClient
from crossapp.core.errors import BadAnswer
from crossapp.requesting_app.checks import check_settings
from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import ResourceApp
from crossapp.requesting_app.signals import Step, step_taken
from tests.requesting_app.peers import TODO, World

SERVER = "https://todo.example"
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
PEMS = {alg: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for alg, key in KEYS.items()}
JWK = ECAlgorithm.to_jwk(KEYS["ES256"])
WEAK = {
    "an RSA key of 1024 bits": rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505
    "another curve": ec.generate_private_key(ec.SECP384R1()),
}


def use(settings: Any, key: Any) -> None:
    settings.CROSSAPP_REQUESTING_APP = settings.CROSSAPP_REQUESTING_APP | {"CLIENT_SIGNING_KEY": key}


def ours(method: str, client_id: str = "wiki0", client_secret: str = "canary") -> Credentials:
    return OwnClient(SERVER, client_id, client_secret, method).credentials(client_key)


@pytest.mark.clause("RFC 6749", "2.3.1", "identifier and secret are form-encoded before Basic")
def test_basic_encodes_identifier_and_secret_before_it_joins_them() -> None:
    found = ours("client_secret_basic", "wiki:0 ü", "a+b/c%:&")

    scheme, _, value = found.headers["Authorization"].partition(" ")
    assert (scheme, found.form) == ("Basic", {})
    assert base64.b64decode(value) == b"wiki%3A0+%C3%BC:a%2Bb%2Fc%25%3A%26"


def test_post_puts_identifier_and_secret_into_the_form() -> None:
    found = ours("client_secret_post", client_secret="a+b")

    assert (found.headers, found.form) == ({}, {"client_id": "wiki0", "client_secret": "a+b"})


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_credentials_do_not_show_the_secret(method: str) -> None:
    found = ours(method)

    assert "canary" not in repr(found)
    assert "canary" in found.secrets


@pytest.mark.parametrize("method", ["none", "client_secret_jwt", ""])
def test_a_method_we_do_not_know_is_refused(method: str) -> None:
    with pytest.raises(BadAnswer, match="is not supported"):
        ours(method)


@pytest.mark.parametrize("alg", KEYS)
@pytest.mark.clause("rfc7523bis-11", "4", "typ and the one audience of our own assertion")
@pytest.mark.clause("RFC 7523", "3", "our own assertion")
def test_an_assertion_is_signed_for_one_server_and_one_minute(settings: Any, alg: str) -> None:
    use(settings, PEMS[alg])
    found = ours("private_key_jwt")

    assertion = found.form["client_assertion"]
    assert found.form == {
        "client_id": "wiki0",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    assert (found.headers, found.secrets) == ({}, (assertion,))
    assert assertion not in repr(found)
    [published] = client_key().public_key_set["keys"]
    header = {"typ": "client-authentication+jwt", "alg": alg, "kid": published["kid"]}
    assert jwt.get_unverified_header(assertion) == header
    claims = jwt.decode(assertion, jwt.PyJWK(published).key, algorithms=[alg], audience=SERVER)
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == ("wiki0", "wiki0", 60)
    assert abs(claims["iat"] - time.time()) < 30
    assert len(claims["jti"]) >= 22  # 128 bits


@pytest.mark.clause("RFC 7523", "3", "our own jti is used once")
def test_no_two_assertions_are_the_same(settings: Any) -> None:
    use(settings, PEMS["ES256"])
    assert ours("private_key_jwt").form != ours("private_key_jwt").form


@pytest.mark.clause("RFC 7638", "3", "kid")
def test_a_jwk_is_the_same_key_as_its_pem_and_no_private_member_is_published(settings: Any) -> None:
    use(settings, PEMS["ES256"])
    from_pem = client_key().public_key_set
    use(settings, JWK)
    assert client_key().public_key_set == from_pem
    [key] = from_pem["keys"]
    assert set(key) == {"crv", "kty", "x", "y", "kid", "use", "alg"}
    thumbprint = hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{key["x"]}","y":"{key["y"]}"}}'.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")


def key_from_elsewhere() -> str:
    return PEMS["EdDSA"]


def no_key() -> str:
    return "no key"


def test_the_key_may_come_from_a_callable(settings: Any) -> None:
    use(settings, f"{__name__}.key_from_elsewhere")
    assert client_key().public_key_set["keys"][0]["alg"] == "EdDSA"


def public_pem() -> str:
    from cryptography.hazmat.primitives.serialization import PublicFormat

    public = KEYS["RS256"].public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize(
    "key",
    [
        "",
        "no.such.module",
        f"{__name__}.no_key",
        f"{__name__}.KEYS",
        "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----",
        public_pem(),
        "{",
        "{}",
        '{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}',
        *(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() for key in WEAK.values()),
    ],
    ids=["none", "no module", "no key", "no callable", "broken PEM", "public", "broken JWK", "empty", "shared", *WEAK],
)
def test_without_a_usable_key_nothing_is_sent_and_nothing_of_it_is_told(settings: Any, key: str) -> None:
    use(settings, key)
    with pytest.raises(BadAnswer, match=r"CLIENT_SIGNING_KEY|neither PEM nor JWK") as caught:
        ours("private_key_jwt")
    assert "c2VjcmV0" not in str(caught.value)
    with pytest.raises(CommandError):
        call_command("clientjwks")


def test_a_key_of_no_use_is_an_error_at_start_up(settings: Any) -> None:
    for key, expected in (("", []), (PEMS["RS256"], []), (f"{__name__}.no_key", []), ("{}", ["E008"]), (7, ["E008"])):
        use(settings, key)
        assert [str(message.id).removeprefix("crossapp_requesting.") for message in check_settings(None)] == expected


def test_the_command_prints_what_to_register(settings: Any) -> None:
    use(settings, PEMS["RS256"])
    out = StringIO()
    call_command("clientjwks", stdout=out)
    assert json.loads(out.getvalue()) == client_key().public_key_set


@pytest.mark.clause("RFC 7523", "2.2", "a resource app where we are registered with a key")
def test_the_flow_signs_for_the_servers_issuer_and_shows_no_assertion(
    settings: Any, world: World, bob: Any, todo0: ResourceApp
) -> None:
    use(settings, PEMS["ES256"])
    todo0.auth_method, todo0.client_secret = "private_key_jwt", ""
    todo0.save()
    steps: list[Step] = []

    def note(step: Step, **rest: Any) -> None:
        steps.append(step)

    step_taken.connect(note)
    access_token_for(user=bob, resource_app=todo0)
    step_taken.disconnect(note)
    form = world.last("jwt_bearer").form
    assert jwt.decode(form["client_assertion"], options={"verify_signature": False})["aud"] == TODO
    assert "Authorization" not in world.last("jwt_bearer").headers
    shown = next(step for step in steps if step.kind == "jwt_bearer").request["form"]
    assert (shown["client_assertion"], shown["client_id"]) == ("[masked]", "wiki0-at-todo0")
    assert form["client_assertion"] not in repr(steps)
