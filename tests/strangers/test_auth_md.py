"""PyPI's auth-md, unmodified, verifies the ID-JAGs of our IdP as the auth.md protocol for agents wants them.

Beyond the draft, it wants a verified email and a recent auth_time.
"""

from typing import Any

import pytest
from auth_md import AgentAuthError, MemoryJtiStore, verify_id_jag

from tests.strangers.conftest import Peers

STRANGER = "auth-md"


def verify(peers: Peers, token: str, **changes: Any) -> dict[str, Any]:
    """Verify `token` at Todo0's place, with the keys that the IdP's metadata name."""
    metadata = peers.http.get(f"{peers.issuer}/.well-known/openid-configuration", timeout=30).json()
    arguments = {
        "audience": peers.audience,
        "trusted_issuers": {peers.issuer: {"jwks_uri": metadata["jwks_uri"]}},
        "jti_store": MemoryJtiStore(),
        "is_known_client_id": lambda client_id, issuer: (client_id, issuer) == (peers.client_id, peers.issuer),
    }
    return dict(verify_id_jag(token, **arguments | changes))


@pytest.mark.clause("ID-JAG", "3.1", "auth-md accepts the ID-JAGs of our IdP")
def test_auth_md_accepts_our_id_jag(peers: Peers) -> None:
    identity = verify(peers, peers.id_jag())
    assert (identity["issuer"], identity["client_id"]) == (peers.issuer, peers.client_id)
    assert (identity["email"], identity["email_verified"]) == ("bob@tables.fake", True)


@pytest.mark.clause("RFC 7523", "3", "auth-md sees that an ID-JAG is used again")
def test_auth_md_accepts_our_id_jag_once(peers: Peers) -> None:
    id_jag, store = peers.id_jag(), MemoryJtiStore()
    verify(peers, id_jag, jti_store=store)
    with pytest.raises(AgentAuthError) as refused:
        verify(peers, id_jag, jti_store=store)
    assert refused.value.code == "replay_detected"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"audience": "http://another.example"}, "invalid_audience"),
        ({"is_known_client_id": lambda client_id, issuer: False}, "invalid_client_id"),
        ({"trusted_issuers": {"http://another.example": {}}}, "invalid_issuer"),
    ],
)
@pytest.mark.clause("ID-JAG", "4.4.1", "our ID-JAGs name one issuer, client and audience, as auth-md sees it")
def test_auth_md_refuses_our_id_jag_for_another_party(peers: Peers, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(AgentAuthError) as refused:
        verify(peers, peers.id_jag(), **wrong)
    assert refused.value.code == code


@pytest.mark.clause("RFC 8725", "3.11", "auth-md does not take an ID token for an ID-JAG")
def test_auth_md_refuses_the_id_token_itself(peers: Peers) -> None:
    with pytest.raises(AgentAuthError, match="typ"):
        verify(peers, peers.id_token)
