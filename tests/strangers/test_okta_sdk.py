"""Okta's SDK for agents, unmodified, does the first leg at our IdP: private_key_jwt, no client_id, no resource."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from okta_ai_sdk import OktaAIConfig, OktaAISDK, SDKError

from authserver.models import Client
from tests.resource_app.fakes import number, rsa_jwk
from tests.strangers.conftest import Peers
from tests.strangers.registered import ID_JAG
from tests.support.kept_rows import forget_rows

STRANGER = "okta-ai-sdk-proto"

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sdk(peers: Peers, key: rsa.RSAPrivateKey = KEY) -> OktaAISDK:
    numbers = key.private_numbers()
    secret = {
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
        "d": numbers.d,
    }
    config = OktaAIConfig(
        okta_domain=peers.issuer,
        client_id="wiki0",
        principal_id="wiki0",
        private_jwk=rsa_jwk(key, "agent") | {name: number(value) for name, value in secret.items()},
    )
    return OktaAISDK(config)


@pytest.fixture(autouse=True)
def _wiki0_has_a_key(peers: Peers) -> None:
    """Register the key, and that its assertions name the token endpoint, which rfc7523bis-11 does not want."""
    public: dict[str, Any] = {"keys": [rsa_jwk(KEY, "agent")]}
    fields = {"auth_method": "private_key_jwt", "jwks": public, "token_endpoint_audience": True}
    Client.objects.filter(client_id="wiki0").update(**fields)
    forget_rows()  # `update` sends no signal


@pytest.mark.clause("RFC 7523", "2.2", "Okta's SDK authenticates with private_key_jwt and gets an ID-JAG")
def test_oktas_sdk_gets_an_id_jag_and_finds_it_good(peers: Peers) -> None:
    client = sdk(peers).cross_app_access
    answer = client.exchange_token(peers.id_token, audience=peers.audience, scope="read")
    assert (answer.issued_token_type, answer.token_type, answer.expires_in, answer.scope) == (
        ID_JAG,
        "N_A",
        300,
        "read",
    )
    result = client.verify_id_jag_token(answer.access_token, audience=peers.audience)
    assert (result.valid, result.iss, result.email) == (True, peers.issuer, "bob@tables.fake"), result.error


@pytest.mark.clause("rfc7523bis-11", "4", "Okta's SDK is refused unless it is registered for that audience")
def test_oktas_sdk_is_refused_where_only_the_issuer_is_an_audience(peers: Peers) -> None:
    Client.objects.filter(client_id="wiki0").update(token_endpoint_audience=False)
    forget_rows()
    with pytest.raises(SDKError) as refused:
        sdk(peers).cross_app_access.exchange_token(peers.id_token, audience=peers.audience)
    assert (refused.value.status_code, refused.value.details["error"]) == (401, "invalid_client")


@pytest.mark.clause("RFC 7523", "3", "Okta's SDK with another key is refused")
def test_oktas_sdk_with_another_key_is_refused(peers: Peers) -> None:
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(SDKError) as refused:
        sdk(peers, another).cross_app_access.exchange_token(peers.id_token, audience=peers.audience)
    assert (refused.value.status_code, refused.value.details["error"]) == (401, "invalid_client")


@pytest.mark.clause("RFC 8693", "2.2.2", "Okta's SDK says which audience our IdP does not know")
def test_oktas_sdk_is_told_of_an_unknown_audience(peers: Peers) -> None:
    with pytest.raises(SDKError, match="audience is unknown") as refused:
        sdk(peers).cross_app_access.exchange_token(peers.id_token, audience="http://elsewhere.example")
    assert refused.value.details["error"] == "invalid_target"
