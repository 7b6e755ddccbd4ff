"""Where the endpoints of an issuer are."""

import json
import time
from typing import Any

import pytest
import requests

from crossapp.core import http
from crossapp.core.discovery import find_metadata
from crossapp.core.errors import BadAnswer, Unreachable
from crossapp.core.metadata import Kind, read_metadata, well_known_url, well_known_urls
from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import ResourceApp
from crossapp.requesting_app.peer_requests import discovery
from tests.requesting_app.peers import IDP, TODO, World, metadata_of, session


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


# --- The forms of the document ------------------------------------------------------------------------------------

OPENID_URL, OAUTH_URL = f"{IDP}/.well-known/openid-configuration", f"{IDP}/.well-known/oauth-authorization-server"
HTML = (200, b"<html>Not found</html>", "text/html")


@pytest.mark.clause("RFC 8414", "3.1", "all forms of the document")
def test_the_forms_of_an_issuer_with_a_path_are_three_and_without_one_two() -> None:
    appended = "https://idp.example/tenant/1/.well-known"
    inserted = "https://idp.example/.well-known/oauth-authorization-server/tenant/1"
    openid, oauth = f"{appended}/openid-configuration", f"{appended}/oauth-authorization-server"
    assert well_known_urls("https://idp.example/tenant/1", Kind.OPENID) == [openid, inserted, oauth]
    assert well_known_urls("https://idp.example/tenant/1", Kind.OAUTH) == [inserted, openid, oauth]
    assert well_known_urls(IDP, Kind.OPENID) == [OPENID_URL, OAUTH_URL]
    assert well_known_urls(IDP, Kind.OAUTH) == [OAUTH_URL, OPENID_URL]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "answer",
    [
        (404, {}),
        (400, {}),
        (403, b""),
        (302, b""),
        HTML,
        (200, []),
        (200, {"issuer": f"{IDP}/"}),
        (200, {"issuer": IDP}),
    ],
    ids=["404", "400", "403", "redirect", "HTML", "an array", "another issuer's", "no token endpoint"],
)
def test_a_form_that_is_not_there_leads_to_the_next_one(world: World, kind: Kind, answer: Any) -> None:
    world.next["metadata"] = [answer]
    assert discovery.metadata(IDP, kind).token_endpoint == f"{IDP}/oauth2/v1/token"
    asked = [sent.url for sent in world.sent]
    assert asked == ([OPENID_URL, OAUTH_URL] if kind is Kind.OPENID else [OAUTH_URL, OPENID_URL])


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("answer", [(500, {}), (503, {}), (429, {}), requests.ReadTimeout()], ids=str)
def test_an_issuer_that_does_not_answer_is_unreachable_whatever_the_next_form_would_say(
    world: World, kind: Kind, answer: Any
) -> None:
    world.next["metadata"] = [answer]
    with pytest.raises(Unreachable):
        discovery.metadata(IDP, kind)
    assert len(world.sent) == 1
    world.next["metadata"] = [(404, {}), answer]
    with pytest.raises(Unreachable):
        discovery.metadata(IDP, kind)


def test_without_any_form_the_error_names_each_url_with_its_answer(world: World) -> None:
    world.next["metadata"] = [(404, {}), HTML]
    with pytest.raises(BadAnswer) as caught:
        discovery.metadata(IDP, Kind.OAUTH)
    assert caught.value.detail.startswith(f"{OAUTH_URL} answered 404; {OPENID_URL} answered no JSON document")


def test_a_document_of_another_issuer_is_the_reason_and_not_the_missing_form(world: World) -> None:
    world.next["metadata"] = [(404, {}), (200, metadata_of(f"{IDP}/"))]
    with pytest.raises(BadAnswer, match="the metadata say issuer"):
        discovery.metadata(IDP, Kind.OPENID)


def test_all_forms_together_have_five_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.2)
    world.always["metadata"] = (404, {})
    world.before_answering = lambda kind: time.sleep(0.15)
    with pytest.raises(Unreachable):
        find_metadata(f"{IDP}/tenant", session=session())
    assert len(world.sent) == 2


def test_lists_are_read_and_a_malformed_one_is_as_good_as_none(world: World) -> None:
    lists = {"scopes_supported": ["openid"], "grant_types_supported": "authorization_code", "x": ["y"]}
    world.next["metadata"] = [(200, metadata_of(IDP) | lists)]
    found = discovery.metadata(IDP, Kind.OPENID)
    assert (found.scopes_supported, found.grant_types_supported) == (("openid",), None)
    assert discovery.metadata(IDP, Kind.OPENID) == found
    assert len(world.sent) == 1
