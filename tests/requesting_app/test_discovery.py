"""Where the endpoints of an issuer are."""

import json
from typing import Any

import pytest
import requests

from crossapp.core.errors import BadAnswer, Unreachable
from crossapp.core.metadata import Kind, read_metadata, well_known_url
from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import ResourceApp
from crossapp.requesting_app.peer_requests import discovery
from tests.requesting_app.peers import IDP, TODO, World, metadata_of


@pytest.mark.clause("RFC 8414", "3.1", "the well-known name goes before the path")
def test_the_oauth_document_is_before_the_path_and_the_openid_one_after_it() -> None:
    issuer = "https://idp.example/tenant/1"
    assert well_known_url(issuer, Kind.OAUTH) == "https://idp.example/.well-known/oauth-authorization-server/tenant/1"
    assert well_known_url(issuer, Kind.OPENID) == "https://idp.example/tenant/1/.well-known/openid-configuration"
    assert (
        well_known_url("https://idp.example/", Kind.OAUTH)
        == "https://idp.example/.well-known/oauth-authorization-server"
    )


def test_all_endpoints_are_read_and_missing_ones_are_empty() -> None:
    names = ("authorization_endpoint", "end_session_endpoint", "revocation_endpoint")
    document = metadata_of(IDP) | {name: f"{IDP}/{name}" for name in names}
    document["authorization_response_iss_parameter_supported"] = True

    found = read_metadata(200, json.dumps(document).encode(), issuer=IDP)

    assert found.token_endpoint == f"{IDP}/oauth2/v1/token"
    assert [getattr(found, name) for name in names] == [f"{IDP}/{name}" for name in names]
    assert found.authorization_response_iss_parameter_supported is True
    assert read_metadata(200, json.dumps(metadata_of(IDP)).encode(), issuer=IDP).end_session_endpoint == ""


@pytest.mark.clause("RFC 8414", "3.3", "the issuer in the document is identical to the one asked for")
@pytest.mark.parametrize("issuer", [f"{IDP}/", IDP.upper(), "", None, [IDP]])
def test_another_spelling_of_the_issuer_is_refused_and_both_are_shown(issuer: Any) -> None:
    with pytest.raises(BadAnswer) as caught:
        read_metadata(200, json.dumps(metadata_of(IDP) | {"issuer": issuer}).encode(), issuer=IDP)
    assert caught.value.detail == f"the metadata say issuer {issuer!r}, expected {IDP!r}"


@pytest.mark.parametrize(
    "endpoint",
    ["", None, 5, "http://idp.example/token", "//x", "https://u:p@idp.example", "javascript:alert(1)",
     f"{IDP}/token#x", f"{IDP}/token?p=policy#x", "https://u:p@idp.example/token?p=policy"],
)  # fmt: skip
def test_a_token_endpoint_that_no_secret_may_go_to_is_refused(endpoint: Any) -> None:
    with pytest.raises(BadAnswer, match="token_endpoint"):
        read_metadata(200, json.dumps(metadata_of(IDP) | {"token_endpoint": endpoint}).encode(), issuer=IDP)


@pytest.mark.clause("RFC 6749", "3.2", "the query of a token endpoint is kept")
def test_a_token_endpoint_with_a_query_is_asked_with_that_query(world: World, bob: Any, todo0: ResourceApp) -> None:
    endpoint = f"{IDP}/oauth2/v2.0/token?p=b2c_1_sign_in"
    world.next["metadata"] = [(200, metadata_of(IDP) | {"token_endpoint": endpoint})]

    assert access_token_for(user=bob, resource_app=todo0)
    assert world.last("token_exchange").url == endpoint


def test_an_issuer_on_the_internet_cannot_send_us_to_this_machine_in_the_clear() -> None:
    document = metadata_of("https://idp.example") | {"token_endpoint": "http://localhost:8000/token"}
    with pytest.raises(BadAnswer, match="token_endpoint"):
        read_metadata(200, json.dumps(document).encode(), issuer="https://idp.example")


@pytest.mark.parametrize("name", ["jwks_uri", "authorization_endpoint", "end_session_endpoint"])
def test_the_other_endpoints_are_looked_at_too(name: str) -> None:
    with pytest.raises(BadAnswer, match=name):
        read_metadata(200, json.dumps(metadata_of(IDP) | {name: "http://idp.example"}).encode(), issuer=IDP)


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (302, b""), (200, b"<html>"), (200, b"[]"), (204, b"")])
def test_an_answer_that_is_no_document_is_refused(status: int, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_metadata(status, body, issuer=IDP)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_issuer_that_is_busy_is_unreachable(status: int) -> None:
    with pytest.raises(Unreachable):
        read_metadata(status, b"", issuer=IDP)


@pytest.mark.parametrize("issuer", ["http://idp.example", "https://idp.example?x", "idp.example", "file:///etc"])
def test_nothing_is_fetched_for_an_issuer_that_cannot_be_one(world: World, issuer: str) -> None:
    with pytest.raises(BadAnswer):
        discovery.metadata(issuer, Kind.OPENID)
    assert world.sent == []


def test_metadata_are_fetched_once_in_five_minutes_for_each_issuer_and_kind(world: World) -> None:
    first = discovery.metadata(IDP, Kind.OPENID)

    assert discovery.metadata(IDP, Kind.OPENID) == first
    assert len(world.sent) == 1
    discovery.metadata(TODO, Kind.OAUTH)
    discovery.metadata(IDP, Kind.OAUTH)
    assert len(world.sent) == 3


def test_a_failure_is_not_kept(world: World) -> None:
    world.next["metadata"] = [requests.ReadTimeout()]
    with pytest.raises(Unreachable):
        discovery.metadata(IDP, Kind.OPENID)

    assert discovery.metadata(IDP, Kind.OPENID).issuer == IDP
