"""The MCP SDK's client for TypeScript, unmodified, does both legs of Enterprise-Managed Authorization."""

from typing import Any

import pytest

from tests.strangers.conftest import Peers
from tests.support.node import Stranger, StrangerError

STRANGER = "@modelcontextprotocol/client"
SCRIPT = "mcp_client.mjs"


def call_api(script: Stranger, peers: Peers, id_jag: str, **changes: Any) -> dict[str, Any]:
    """Call Todo0's API with the SDK's provider, to which `id_jag` is given when it asks for one."""
    arguments = {
        "resource": peers.resource,
        "url": f"{peers.resource}/todos",
        "issuer": peers.audience,
        "clientId": peers.client_id,
        "clientSecret": peers.client_secret,
        "idJag": id_jag,
    }
    return dict(script.ask("callApi", **arguments | changes))


@pytest.mark.clause("RFC 9728", "3", "the TypeScript SDK finds Todo0's authorization server by the address of its API")
def test_the_typescript_sdk_finds_the_authorization_server(script: Stranger, peers: Peers) -> None:
    found = script.ask("discover", resource=peers.resource)
    assert found["authorizationServerUrl"].rstrip("/") == peers.audience
    assert found["authorizationServerMetadata"]["issuer"] == peers.audience
    assert found["resourceMetadata"]["resource"] == peers.resource


@pytest.mark.clause("MCP EMA", "5", "the TypeScript SDK's client gets a token and calls the API")
def test_the_typescript_sdk_redeems_an_id_jag_and_calls_the_api(script: Stranger, peers: Peers) -> None:
    answer = call_api(script, peers, peers.id_jag(), times=2)
    assert answer["statuses"] == [200, 200]
    [asked] = answer["asked"]  # once: the second call has the token
    assert (asked["authorizationServerUrl"].rstrip("/"), asked["resourceUrl"]) == (peers.audience, peers.resource)
    assert (answer["tokens"]["scope"], answer["tokens"]["token_type"]) == ("read", "Bearer")


@pytest.mark.clause("RFC 7523", "3", "a redeemed ID-JAG is refused, and the TypeScript SDK says so")
def test_the_typescript_sdk_cannot_redeem_an_id_jag_twice(script: Stranger, peers: Peers) -> None:
    id_jag = peers.id_jag()
    call_api(script, peers, id_jag)
    with pytest.raises(StrangerError, match="redeemed before"):
        call_api(script, peers, id_jag)


@pytest.mark.clause("RFC 6749", "5.2", "a wrong secret is refused, and the TypeScript SDK says so")
def test_the_typescript_sdk_with_a_wrong_secret_is_refused(script: Stranger, peers: Peers) -> None:
    with pytest.raises(StrangerError, match=r"invalid_client|authentication failed"):
        call_api(script, peers, peers.id_jag(), clientSecret="wrong")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.clause("MCP EMA", "4", "the TypeScript SDK's secret is in the body")
def test_the_typescript_sdk_does_both_legs(script: Stranger, peers: Peers, method: str) -> None:
    client_id, secret = peers.credentials_at_idp()
    grant = script.ask(
        "idJag",
        idpUrl=peers.issuer,
        audience=peers.audience,
        resource=peers.resource,
        idToken=peers.id_token,
        clientId=client_id,
        clientSecret=secret,
        scope="read",
    )
    assert (grant["expiresIn"], grant["scope"]) == (300, "read")
    tokens = script.ask(
        "redeem",
        tokenEndpoint=f"{peers.audience}/oauth2/v1/token",
        jwtAuthGrant=grant["jwtAuthGrant"],
        clientId=peers.client_id,
        clientSecret=peers.client_secret,
        authMethod=method,
    )
    assert (tokens["scope"], tokens["token_type"]) == ("read", "Bearer")
