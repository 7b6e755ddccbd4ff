"""FastMCP's validator of ID-JAGs, unmodified, accepts those our IdP mints: discovery, keys, claims."""

from typing import Any

import pytest
from fastmcp.server.auth.identity_assertion import (
    IdentityAssertion,
    IdentityAssertionError,
    IdentityAssertionValidator,
)

from tests.strangers.conftest import Peers
from tests.support.running import run

STRANGER = "fastmcp-slim"


def validate(peers: Peers, *assertions: str, client_id: str | None = None, audience: str | None = None) -> list[Any]:
    """Let one validator, which trusts our IdP and finds its keys by discovery, read `assertions`."""
    config = IdentityAssertion(trusted_issuers=[peers.issuer], required_scopes=["read"])
    validator = IdentityAssertionValidator(config, audience or peers.audience)

    async def validated() -> list[Any]:
        return [
            await validator.validate(assertion, client_id=client_id or peers.client_id, resource_url=peers.resource)
            for assertion in assertions
        ]

    return run(validated())


@pytest.mark.clause("ID-JAG", "3.1", "FastMCP accepts the ID-JAGs of our IdP")
def test_fastmcp_accepts_our_id_jag(peers: Peers) -> None:
    [claims] = validate(peers, peers.id_jag())
    assert (claims["iss"], claims["client_id"], claims["scope"]) == (peers.issuer, peers.client_id, "read")
    assert claims["email"] == "bob@tables.fake"


@pytest.mark.clause("ID-JAG", "3.1", "two ID-JAGs of our IdP differ in jti, as FastMCP sees it")
def test_fastmcp_accepts_two_but_none_twice(peers: Peers) -> None:
    first, second = peers.id_jag(), peers.id_jag()
    assert len(validate(peers, first, second)) == 2
    with pytest.raises(IdentityAssertionError, match="replay"):
        validate(peers, first, first)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"client_id": "another"}, "client_id"), ({"audience": "http://another.example"}, "audience")],
)
@pytest.mark.clause("ID-JAG", "4.4.1", "our ID-JAGs name one client and one audience, as FastMCP sees it")
def test_fastmcp_refuses_an_id_jag_for_another_party(peers: Peers, wrong: dict[str, str], why: str) -> None:
    with pytest.raises(IdentityAssertionError, match=why):
        validate(peers, peers.id_jag(), **wrong)


def test_fastmcp_refuses_the_id_token_itself(peers: Peers) -> None:
    with pytest.raises(IdentityAssertionError, match="typ"):
        validate(peers, peers.id_token)
