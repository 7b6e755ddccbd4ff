"""The MCP SDK's own client of Enterprise-Managed Authorization, unmodified, redeems our IdP's ID-JAGs at Todo0."""

import httpx2
import pytest
from mcp.client.auth import OAuthTokenError
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from oauth2_provider.models import get_access_token_model

from authserver.models import Client
from tests.strangers.conftest import Peers
from tests.support.running import run

STRANGER = "mcp"


class Memory:
    """The token storage that the SDK asks for."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("the client is registered by hand")


def list_todos(peers: Peers, id_jag: str, *, times: int = 1, **options: str) -> tuple[list[int], Memory, list[str]]:
    """Call Todo0's API with the SDK's provider; return the statuses, its storage, and for what it asked an ID-JAG."""
    memory, asked = Memory(), []

    async def assertion_provider(audience: str, resource: str) -> str:
        asked.extend([audience, resource])
        return id_jag

    provider = IdentityAssertionOAuthProvider(
        server_url=peers.resource,
        storage=memory,
        client_id=peers.client_id,
        client_secret=options.pop("client_secret", peers.client_secret),
        issuer=peers.audience,
        assertion_provider=assertion_provider,
        **{"token_endpoint_auth_method": "client_secret_basic", **options},
    )

    async def called() -> list[int]:
        async with httpx2.AsyncClient(auth=provider, trust_env=False, timeout=30) as client:
            return [(await client.get(f"{peers.resource}/todos")).status_code for _ in range(times)]

    return run(called()), memory, asked


@pytest.mark.clause("MCP EMA", "5", "the Python SDK's client gets a token and calls the API")
def test_the_mcp_client_redeems_an_id_jag_and_calls_the_api(peers: Peers) -> None:
    statuses, memory, asked = list_todos(peers, peers.id_jag(), times=2)
    assert statuses == [200, 200]
    assert asked == [peers.audience, peers.resource]  # once: the second call has the token
    assert (memory.tokens.scope, memory.tokens.refresh_token, memory.tokens.token_type) == ("read", None, "Bearer")
    assert get_access_token_model().objects.filter(application__client_id=peers.client_id).count() == 1


@pytest.mark.clause("RFC 6749", "2.3.1", "the Python SDK's client authenticates in the body")
def test_the_mcp_client_may_authenticate_in_the_body_if_it_is_registered_so(peers: Peers) -> None:
    Client.objects.filter(client_id=peers.client_id).update(auth_method="client_secret_post")
    statuses, _, _ = list_todos(peers, peers.id_jag(), token_endpoint_auth_method="client_secret_post")
    assert statuses == [200]


@pytest.mark.clause("RFC 7523", "3", "a redeemed ID-JAG is refused, and the SDK's client says so")
def test_the_mcp_client_cannot_redeem_an_id_jag_twice(peers: Peers) -> None:
    id_jag = peers.id_jag()
    list_todos(peers, id_jag)
    with pytest.raises(OAuthTokenError, match=r"\(400\).*invalid_grant.*redeemed before"):
        list_todos(peers, id_jag)


@pytest.mark.clause("RFC 6749", "5.2", "a wrong secret is invalid_client, and the SDK's client says so")
def test_the_mcp_client_with_a_wrong_secret_is_refused(peers: Peers) -> None:
    with pytest.raises(OAuthTokenError, match=r"\(401\).*invalid_client"):
        list_todos(peers, peers.id_jag(), client_secret="wrong")
