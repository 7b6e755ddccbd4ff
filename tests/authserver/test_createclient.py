"""`manage.py createclient`: creates, updates, says what is wrong in one line, and shows a secret once."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import get_hasher
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from authserver.client_rules import check_keys
from authserver.models import JWT_BEARER, TOKEN_EXCHANGE, AuthorizationServer, Client
from tenants.models import Realm, Tenant
from tests.resource_app.fakes import RSA_KEY, jwks, rsa_jwk
from tests.support.embedded_idp import EmbeddedIdP

SECRET = "q8Zt1mVb6Xw3Ld9Kc5Rf7Hj2Np4Sg0Ay-a"
JWKS_URI = "https://agent.example/jwks.json"


@pytest.fixture(autouse=True)
def todo(db: None) -> AuthorizationServer:
    return AuthorizationServer.objects.create(realm=Realm.TODO, issuer="http://todo.localhost:8000")


def run(*arguments: str, at: str = "todo", client_id: str = "agent") -> dict[str, Any]:
    out = StringIO()
    call_command("createclient", "--at", at, "--client-id", client_id, *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def is_secret(client: Client, secret: str) -> bool:
    return bool(get_hasher("machine_made_secret").verify(secret, client.client_secret))


def test_a_new_client_gets_a_secret_that_is_shown_once() -> None:
    first = run("--scope", "read", "--name", "Agent")
    client = Client.objects.get()
    assert is_secret(client, first.pop("client_secret"))
    assert first == {
        "at": "todo",
        "issuer": "http://todo.localhost:8000",
        "token_endpoint": "http://todo.localhost:8000/oauth2/v1/token",
        "created": True,
        "client_id": "agent",
        "auth_method": "client_secret",
        "jwks_uri": "",
        "token_endpoint_audience": False,
        "grants": [JWT_BEARER],
        "scope": "read",
        "resource": "",
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "tenant": None,
        "enabled": True,
    }
    stored = client.client_secret
    assert run() == first | {"created": False}
    client.refresh_from_db()
    assert (client.client_secret, client.name, client.scope) == (stored, "Agent", "read")


def test_a_given_secret_is_stored_and_not_shown() -> None:
    for _ in range(2):
        assert "client_secret" not in run("--client-secret", SECRET, "--auth-method", "client_secret_post")
        stored = Client.objects.get()
        assert is_secret(stored, SECRET)
    run("--client-secret", SECRET[::-1])
    assert is_secret(Client.objects.get(), SECRET[::-1])
    assert Client.objects.get().auth_method == "client_secret_post"


def test_a_method_that_is_chosen_alone_can_be_given_back() -> None:
    assert run("--auth-method", "client_secret_post")["auth_method"] == "client_secret_post"
    assert run("--client-secret", SECRET)["auth_method"] == "client_secret_post"
    assert "client_secret" not in run("--auth-method", "client_secret"), "the secret stays"
    stored = Client.objects.get()
    assert stored.auth_method == "client_secret"
    assert is_secret(stored, SECRET)


def test_a_secret_in_place_of_keys_is_taken_in_the_header_or_in_the_body() -> None:
    run("--jwks-uri", JWKS_URI)
    assert run("--client-secret", SECRET)["auth_method"] == "client_secret"


@pytest.mark.parametrize("secret", ["", "short", "a" * 64, "ü" * 40, "q8Zt1mVb6Xw3Ld9Kc5Rf7Hj2Np4Sg0A\n", SECRET[:31]])
@pytest.mark.clause("RFC 6749", "10.10", "secrets can not be guessed")
def test_a_secret_that_a_person_made_up_is_refused(secret: str) -> None:
    with pytest.raises(CommandError, match="must be machine-made"):
        run("--client-secret", secret)
    assert not Client.objects.exists()


@pytest.mark.clause("OIDC Core", "9", "registration for private_key_jwt")
def test_keys_mean_private_key_jwt_and_a_secret_undoes_them(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": jwks()}))
    assert run("--jwks-uri", JWKS_URI)["auth_method"] == "private_key_jwt"
    answer = run("--jwks", str(file))
    assert ("client_secret" in answer, answer["jwks_uri"]) == (False, "")
    assert Client.objects.get().jwks == {"keys": jwks()}
    file.write_text(json.dumps(rsa_jwk(RSA_KEY, "one")))
    run("--jwks", str(file))
    assert [key["kid"] for key in Client.objects.get().jwks["keys"]] == ["one"]
    answer = run("--auth-method", "client_secret_basic")
    assert is_secret(Client.objects.get(), answer["client_secret"])
    assert Client.objects.get().jwks == {}


@pytest.mark.clause("rfc7523bis-11", "4", "the issuer is the only audience unless the operator says otherwise")
def test_assertions_for_the_token_endpoint_are_switched_on_and_off() -> None:
    assert run("--jwks-uri", JWKS_URI)["token_endpoint_audience"] is False
    assert run("--token-endpoint-audience")["token_endpoint_audience"] is True
    assert run()["token_endpoint_audience"] is True
    assert run("--no-token-endpoint-audience")["token_endpoint_audience"] is False


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", "is not a JSON key set"),
        ("[]", "is not a JSON key set"),
        ("{}", "needs the client's public keys"),
        ('{"keys": 1}', "A key set must be"),
        ('{"keys": []}', "The key set has no usable key"),
        ('{"keys": [{"kty": "oct", "k": "x", "kid": "1"}]}', "private or shared"),
        (json.dumps({"keys": [rsa_jwk(RSA_KEY, "1", d="x")]}), "private or shared"),
        (json.dumps({"keys": [{**rsa_jwk(RSA_KEY, "1"), "kid": None}]}), "The key set has no usable key"),
    ],
)
def test_a_file_without_usable_public_keys_is_refused(tmp_path: Path, keys: str, message: str) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(keys)
    with pytest.raises(CommandError, match=message):
        run("--jwks", str(file))
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jwks", "/nowhere.json"], "Cannot read /nowhere.json"),
        (["--jwks-uri", "http://agent.example/jwks"], "^--jwks-uri: 'http://agent.example/jwks' is not an https URL"),
        (["--jwks-uri", "file:///etc/passwd"], "^--jwks-uri: 'file:///etc/passwd' is not an https URL"),
        (["--jwks-uri", JWKS_URI, "--auth-method", "client_secret_basic"], "takes a secret, not keys"),
        (["--jwks-uri", JWKS_URI, "--auth-method", "client_secret"], "client_secret takes a secret, not keys"),
        (["--client-secret", SECRET, "--auth-method", "private_key_jwt"], "takes keys, not a secret"),
        (["--client-secret", SECRET, "--jwks-uri", JWKS_URI], "not allowed with argument"),
        (["--auth-method", "private_key_jwt"], "^--jwks: private_key_jwt needs the client's public keys"),
        (["--tenant", "acme", "--any-tenant"], "not allowed with argument"),
        (["--auth-method", "none"], "invalid choice"),
        (["--grant", "token-exchange"], "^--grant: http://todo.localhost:8000 does not offer"),
        (["--grant", "client_credentials"], "does not offer"),
        (["--scope", "read admin"], "^--scope: http://todo.localhost:8000 has no scope admin"),
        (["--grant", "x", "--scope", "admin"], "does not offer|has no scope"),
        (["--resource", "http://wiki.localhost:8000/api"], "issues tokens for http://todo.localhost:8000/api only"),
        (["--redirect-uri", "http://agent.example/"], "^--redirect-uri: 'http://agent.example/' is not an https URL"),
        (["--redirect-uri", "https://agent.example/#x"], "is not an https URL"),
        (["--redirect-uri", "javascript:alert(1)"], "is not an https URL"),
        (["--tenant", "nobody"], "No tenant has the slug 'nobody'"),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)
    assert not Client.objects.exists()


def test_a_server_that_there_is_not_is_named() -> None:
    with pytest.raises(CommandError, match="No authorization server is called 'customer9'"):
        run(at="customer9")
    with pytest.raises(CommandError, match="--client-id is empty"):
        run(client_id=" ")


def test_a_client_is_bound_to_a_tenant_disabled_and_enabled_again() -> None:
    acme = Tenant.objects.create(slug="acme", name="Acme")
    assert run("--tenant", "acme", "--disable")["tenant"] == "acme"
    client = Client.objects.get()
    assert (client.tenant, client.is_active) == (acme, False)
    assert run()["enabled"] is True
    assert Client.objects.get().tenant == acme


def test_a_client_is_unbound_and_may_act_for_any_tenant() -> None:
    Tenant.objects.create(slug="acme", name="Acme")
    assert run("--any-tenant")["tenant"] is None
    assert run("--tenant", "acme")["tenant"] == "acme"
    assert run("--any-tenant")["tenant"] is None
    assert Client.objects.get().tenant is None


def test_one_key_set_is_registered() -> None:
    both = Client(auth_method="private_key_jwt", jwks={"keys": jwks()}, jwks_uri=JWKS_URI)
    with pytest.raises(ValidationError, match="Enter a key set or its URL, not both"):
        check_keys(both.auth_method, both.jwks, both.jwks_uri)


@pytest.mark.clause("RFC 7662", "4", "IR-02 registration of a resource server")
def test_a_resource_server_needs_no_grant() -> None:
    answer = run("--resource", "http://todo.localhost:8000/api")
    assert (answer["grants"], answer["scope"]) == ([], "")


def test_an_app_at_an_idp_signs_people_in_and_exchanges(idp: EmbeddedIdP, other_idp: EmbeddedIdP) -> None:
    with pytest.raises(CommandError, match="at least one redirect URI"):
        run(at="customer1")
    uris = ["https://agent.example/callback", "http://localhost:9000/callback"]
    grants = ["authorization_code", "refresh_token", "token-exchange", "token-exchange"]
    arguments = [*(f"--redirect-uri={uri}" for uri in uris), *(f"--grant={grant}" for grant in grants)]
    answer = run(*arguments, at="customer1")
    assert (answer["grants"], answer["redirect_uris"]) == (
        ["authorization_code", "refresh_token", TOKEN_EXCHANGE],
        uris,
    )
    assert answer["scope"] == "openid profile email offline_access"
    answer = run("--post-logout-redirect-uri", "https://agent.example/signed-out", at="customer1")
    assert answer["post_logout_redirect_uris"] == ["https://agent.example/signed-out"]
    assert answer["redirect_uris"] == uris, "what is not said stays"
    with pytest.raises(CommandError, match="another tenant"):
        run(*arguments, "--tenant", "customer2", at="customer1")


def test_people_read_what_was_done_and_learn_from_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    out = StringIO()
    call_command("createclient", "--at", "todo", "--client-id", "agent", stdout=out)
    assert "The client agent at http://todo.localhost:8000 is created." in out.getvalue()
    assert "shown only once" in out.getvalue()
    assert "  auth_method    client_secret: in the header or in the body\n" in out.getvalue()
    with pytest.raises(SystemExit):
        call_command("createclient", "--help")
    assert "manage.py createclient --at todo --client-id agent --jwks-uri" in capsys.readouterr().out
