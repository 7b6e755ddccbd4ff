"""npm's oauth4webapi, unmodified: a client that knows only the address of Todo0's API, and a server that checks tokens.

openid-client stands on it and shows the rest (`test_openid_client`).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.strangers.conftest import Peers
from tests.strangers.registered import AT_TODO0, ID_JAG, JWT_BEARER, Registered
from tests.support.commands import run_json
from tests.support.node import Stranger, StrangerError

STRANGER = "oauth4webapi"
SCRIPT = "oauth4webapi.mjs"


def token_of(script: Stranger, peers: Peers) -> str:
    """Redeem an ID-JAG at Todo0 in Wiki0's place; return the access token."""
    script.ask("findServer", issuer=peers.audience, algorithm="oauth2")
    script.ask("authenticate", clientId=peers.client_id, method="client_secret_basic", secret=peers.client_secret)
    answer = script.ask("grant", type=JWT_BEARER, assertion=peers.id_jag())
    assert (answer["token_type"], answer["scope"]) == ("bearer", "read")
    return str(answer["access_token"])


@pytest.mark.clause("RFC 9728", "3", "oauth4webapi finds Todo0's authorization server by the address of its API")
def test_oauth4webapi_goes_from_the_api_to_its_authorization_server(script: Stranger, peers: Peers) -> None:
    api = script.ask("findApi", resource=peers.resource)
    server = script.ask("findServer", issuer=api["authorization_servers"][0], algorithm="oauth2")
    assert (server["issuer"], server["protected_resources"]) == (peers.audience, [peers.resource])


@pytest.mark.clause("RFC 8414", "3", "oauth4webapi finds an IdP by both forms of discovery")
@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_oauth4webapi_finds_our_idp_by_either_form(script: Stranger, peers: Peers, algorithm: str) -> None:
    assert script.ask("findServer", issuer=peers.issuer, algorithm=algorithm)["issuer"] == peers.issuer


@pytest.mark.clause("RFC 7523", "2.1", "oauth4webapi redeems an ID-JAG and calls the API")
def test_oauth4webapi_redeems_an_id_jag_and_calls_the_api(script: Stranger, peers: Peers) -> None:
    answer = script.ask("callApi", accessToken=token_of(script, peers), url=f"{peers.resource}/todos")
    assert (answer["status"], len(answer["body"]["items"]) > 0) == (200, True)


@pytest.mark.clause("RFC 6750", "3", "oauth4webapi reads the challenge of Todo0's API")
def test_oauth4webapi_reads_the_challenge_of_the_api(script: Stranger, peers: Peers) -> None:
    answer: dict[str, Any] = script.ask("challengeOf", accessToken="wrong", url=f"{peers.resource}/todos")
    [challenge] = answer["challenges"]
    assert (answer["status"], challenge["scheme"]) == (401, "bearer")
    assert challenge["parameters"]["error"] == "invalid_token"
    assert challenge["parameters"]["resource_metadata"] == (
        f"{peers.audience}/.well-known/oauth-protected-resource/api"
    )


@pytest.mark.clause("RFC 9068", "4", "oauth4webapi verifies Todo0's access token as a resource server does")
def test_oauth4webapi_verifies_an_access_token(script: Stranger, peers: Peers) -> None:
    token = token_of(script, peers)
    claims = script.ask("verifyAccessToken", accessToken=token, audience=peers.resource)
    assert (claims["iss"], claims["client_id"], claims["scope"]) == (peers.audience, peers.client_id, "read")
    with pytest.raises(StrangerError, match="aud"):
        script.ask("verifyAccessToken", accessToken=token, audience="http://elsewhere.example/api")


@pytest.mark.clause("RFC 7009", "2", "oauth4webapi revokes a token, and introspection says that it is inactive")
def test_oauth4webapi_introspects_and_revokes(script: Stranger, peers: Peers) -> None:
    token = token_of(script, peers)
    assert script.ask("introspect", token=token)["active"] is True
    script.ask("revoke", token=token)
    assert script.ask("introspect", token=token)["active"] is False


@pytest.mark.clause("ID-JAG", "4.3", "oauth4webapi takes N_A for the token type of an ID-JAG, and Todo0 takes it once")
def test_oauth4webapi_gets_an_id_jag_that_is_good_once(script: Stranger, peers: Peers, registered: Registered) -> None:
    """In Wiki0's place: the ID token is Wiki0's."""
    client_id, secret = peers.credentials_at_idp()
    script.ask("findServer", issuer=peers.issuer, algorithm="oidc")
    script.ask("authenticate", clientId=client_id, method="client_secret_basic", secret=secret)
    grant = script.ask("grant", **registered.exchange(peers.id_token))
    assert (grant["issued_token_type"], grant["token_type"]) == (ID_JAG, "n_a")
    script.ask("findServer", issuer=peers.audience, algorithm="oauth2")
    script.ask("authenticate", clientId=peers.client_id, method="client_secret_basic", secret=peers.client_secret)
    assert script.ask("grant", type=JWT_BEARER, assertion=grant["access_token"])["scope"] == "read"
    with pytest.raises(StrangerError, match="invalid_grant"):
        script.ask("grant", type=JWT_BEARER, assertion=grant["access_token"])


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "Ed25519"])
@pytest.mark.clause("RFC 7523", "2.2", "oauth4webapi authenticates with an RSA, EC or Edwards key")
def test_oauth4webapi_authenticates_with_a_key(
    script: Stranger, peers: Peers, registered: Registered, tmp_path: Path, algorithm: str
) -> None:
    jwk = script.ask("authenticateWithKey", clientId=AT_TODO0, algorithm=algorithm)
    (tmp_path / "jwk.json").write_text(json.dumps(jwk))
    run_json("createclient", "--at", "todo", "--client-id", AT_TODO0, "--jwks", str(tmp_path / "jwk.json"))
    script.ask("findServer", issuer=peers.audience, algorithm="oauth2")
    with pytest.raises(StrangerError, match="invalid_grant"):  # the client is known, the ID-JAG is for Wiki0
        script.ask("grant", type=JWT_BEARER, assertion=peers.id_jag())
