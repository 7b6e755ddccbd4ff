"""Whatever is sent to the two token endpoints over HTTP: a refusal in registered words, or the one valid token."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo.seed import seed
from tenants.models import App, IdPConnection
from tests.conformance.strategies import COMPACT, OVER_HTTP, TEXTS, pairs
from tests.support.in_process import Browser as Walker
from tests.support.in_process import InProcessNetwork, sign_in

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TYPES = [f"urn:ietf:params:oauth:token-type:{name}" for name in ("id-jag", "id_token", "refresh_token", "access_token")]
FORM = "application/x-www-form-urlencoded"
NAMES = [
    "grant_type", "assertion", "subject_token", "subject_token_type", "requested_token_type", "actor_token",
    "actor_token_type", "audience", "resource", "scope", "client_id", "client_secret", "client_assertion",
    "client_assertion_type", "authorization_details", "code", "refresh_token", "redirect_uri", "state",
]  # fmt: skip
UNSUPPORTED = {  # what is refused; actors are unknown at a redemption, and ignored (RFC 6749 section 3.2)
    "exchange": {"actor_token", "actor_token_type", "authorization_details"},
    "redemption": {"authorization_details"},
}
REGISTERED = {  # RFC 6749 sections 5.2 and 4.1.2.1, RFC 8693 section 2.2.2, RFC 8707 section 2, RFC 9470, RFC 9396
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "invalid_target", "insufficient_user_authentication", "access_denied", "temporarily_unavailable",
    "invalid_authorization_details",
}  # fmt: skip


@dataclass
class Endpoint:
    """A token endpoint, the request that gets a token there, and the credentials for it."""

    side: str
    host: str
    credentials: str
    valid: dict[str, str]

    def send(self, body: bytes, *, content_type: str = FORM, method: str = "POST", **headers: str) -> Any:
        headers = {"host": self.host, "authorization": self.credentials} | headers
        return Browser().generic(method, "/oauth2/v1/token", body, content_type=content_type, headers=headers)


def assert_refused(response: Any) -> None:
    body = response.json()
    assert 400 <= response.status_code < 500, (response.status_code, body)
    assert body["error"] in REGISTERED
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", body["error_description"])
    assert response["Cache-Control"] == "no-store"
    assert "access_token" not in body
    assert (response.status_code == 401) == ("WWW-Authenticate" in response)


@pytest.fixture(params=["exchange", "redemption"])
def endpoint(request: pytest.FixtureRequest, walker: Walker, in_process_network: InProcessNetwork) -> Endpoint:
    """Each token endpoint of the seeded demo; at the second, one ID-JAG is at hand (until it is redeemed)."""
    import base64

    from tenants.models import SubjectTokens

    def basic(client_id: str, secret: str) -> str:
        return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()

    seed()
    sign_in(walker, "wiki", "bob@tables.fake")
    connection = IdPConnection.objects.get(app=App.WIKI, tenant__slug="customer1")
    todo0 = ResourceApp.objects.get(key="todo0")
    exchange = Endpoint(
        "exchange",
        connection.issuer.removeprefix("http://"),
        basic(connection.client_id, connection.client_secret),
        {
            "grant_type": EXCHANGE,
            "requested_token_type": TYPES[0],
            "subject_token": SubjectTokens.objects.get().id_token,
            "subject_token_type": TYPES[1],
            "audience": todo0.audience,
        },
    )
    if request.param == "exchange":
        return exchange
    id_jag = exchange.send(urlencode(exchange.valid).encode()).json()["access_token"]
    return Endpoint(
        "redemption",
        todo0.audience.removeprefix("http://"),
        basic(todo0.client_id, todo0.client_secret),
        {"grant_type": JWT_BEARER, "assertion": id_jag},
    )


@pytest.mark.clause("RFC 6749", "5.2", "property: any form is refused in registered words, or valid")
def test_any_form_is_refused_or_valid(endpoint: Endpoint) -> None:
    values = [
        *endpoint.valid.values(),
        *TYPES,
        EXCHANGE,
        JWT_BEARER,
        "read",
        "read write",
        "http://todo.localhost:8000/api",
    ]

    @OVER_HTTP
    @given(noise=pairs(NAMES, values), kept=st.sets(st.sampled_from(sorted(endpoint.valid))), all_kept=st.booleans())
    def run(noise: list[tuple[str, str]], kept: set[str], all_kept: bool) -> None:
        sent = [pair for pair in endpoint.valid.items() if all_kept or pair[0] in kept] + noise
        response = endpoint.send(urlencode(sent, errors="surrogatepass").encode())
        if response.status_code == 200:
            counted = Counter(sent)
            assert all(counted[pair] == 1 for pair in endpoint.valid.items())
            assert not {name for name, value in sent if value} & UNSUPPORTED[endpoint.side]
            assert "refresh_token" not in response.json()
        else:
            assert_refused(response)

    run()


@pytest.mark.clause("RFC 6749", "3.2", "property: any body, content type and method is refused")
def test_any_body_is_refused(endpoint: Endpoint) -> None:
    types = [FORM, "application/json", "multipart/form-data; boundary=x", "text/plain", "", f"{FORM}; charset=utf-16"]

    @OVER_HTTP
    @given(
        body=st.binary(max_size=80),
        content_type=st.sampled_from(types),
        method=st.sampled_from(["POST", "POST", "GET", "PUT", "PATCH", "DELETE"]),
    )
    def run(body: bytes, content_type: str, method: str) -> None:
        assert_refused(endpoint.send(body, content_type=content_type, method=method))

    run()


@pytest.mark.clause("RFC 6749", "2.3", "property: with any other credentials a valid request is refused")
def test_any_other_credentials_are_refused(endpoint: Endpoint) -> None:
    header = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
    credentials = header | header.map("Basic {}".format) | header.map("Bearer {}".format)

    @OVER_HTTP
    @given(
        credentials=credentials,
        more=st.dictionaries(st.sampled_from(["client_id", "client_secret", "client_assertion"]), TEXTS | COMPACT),
    )
    def run(credentials: str, more: dict[str, str]) -> None:
        body = urlencode(endpoint.valid | more, errors="surrogatepass").encode()
        assert_refused(endpoint.send(body, authorization=credentials))

    run()


@pytest.mark.clause("RFC 8693", "2.1", "property: any text for one parameter is refused, if it is not the right one")
def test_any_other_value_of_one_parameter_is_refused(endpoint: Endpoint) -> None:
    @OVER_HTTP
    @given(name=st.sampled_from(sorted(endpoint.valid)), value=TEXTS | COMPACT)
    def run(name: str, value: str) -> None:
        changed = urlencode(endpoint.valid | {name: value}, errors="surrogatepass")
        assert_refused(endpoint.send(changed.encode()))

    run()
    assert (
        endpoint.send(urlencode(endpoint.valid).encode()).status_code == 200
    )  # control: a refused request burns nothing
