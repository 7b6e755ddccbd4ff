"""Who redeems: a confidential client of this server, in the one way it is registered for, if it may use this grant."""

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from authserver.models import JWT_BEARER, AuthorizationServer, Client
from authserver.resource_app_host import ResourceAppHost
from crossapp.resource_app.host import IssuerRefused
from tenants.models import Tenant
from tests.redemption.conftest import ORIGINS, TokenEndpoint, connect, outside
from tests.resource_app.fakes import CLIENT_ID, CLIENT_SECRET, ISSUER, World, basic

NOT_AUTHENTICATED = ("invalid_client", "Client authentication failed.", "client")
ONE_WAY = "Use one authentication method: Authorization header, client_secret or client_assertion."
IN_THE_BODY = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def header(value: str) -> dict[str, str]:
    return {"Authorization": value}


def encoded(pair: bytes) -> str:
    return base64.b64encode(pair).decode()


STRANGERS: dict[str, dict[str, Any]] = {
    "no credentials": {"headers": {}},
    "wrong secret": {"headers": basic(secret="wrong")},
    "empty secret": {"headers": basic(secret="")},
    "secret in capitals": {"headers": basic(secret=CLIENT_SECRET.upper())},
    "secret with a space": {"headers": basic(secret=f"{CLIENT_SECRET} ")},
    "secret with NUL": {"headers": basic(secret=f"{CLIENT_SECRET}\0")},
    "secret of 5000 characters": {"headers": basic(secret="x" * 5000)},
    "unknown client": {"headers": basic(client_id="nobody")},
    "the client's name at the IdP": {"headers": basic(client_id="wiki0")},
    "client in capitals": {"headers": basic(client_id=CLIENT_ID.upper())},
    "client with a space": {"headers": basic(client_id=f"{CLIENT_ID} ")},
    "client with NUL": {"headers": basic(client_id=f"{CLIENT_ID}\0")},
    "empty client": {"headers": basic(client_id="")},
    "no colon": {"headers": header("Basic " + encoded(CLIENT_ID.encode()))},
    "not base64": {"headers": header("Basic !!!")},
    "not UTF-8": {"headers": header("Basic " + encoded(b"\xff:\xff"))},
    "Basic alone": {"headers": header("Basic")},
    "empty header": {"headers": header("")},
    "Bearer": {"headers": header("Bearer " + encoded(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()))},
    "Digest": {"headers": header("Digest username=x")},
    "P9 a client identifier alone": {"headers": {}, "client_id": CLIENT_ID},
    "P9 an unknown client identifier alone": {"headers": {}, "client_id": "nobody"},
    "P9 an empty secret in the body": {"headers": {}, "client_id": CLIENT_ID, "client_secret": ""},
    "secret in the body of a client registered for Basic": {"headers": {}, **IN_THE_BODY},
    "wrong secret in the body": {"headers": {}, **IN_THE_BODY, "client_secret": "wrong"},
    "unknown client in the body": {"headers": {}, **IN_THE_BODY, "client_id": "nobody"},
    "an assertion that is none": {"headers": {}, "client_assertion": "x", "client_assertion_type": JWT_BEARER},
    "the type of an assertion alone": {"headers": {}, "client_assertion_type": "x", "client_id": CLIENT_ID},
}


@pytest.mark.parametrize("sent", STRANGERS.values(), ids=STRANGERS.keys())
@pytest.mark.clause("RFC 6749", "5.2", "invalid_client before anything in the assertion is looked at")
def test_who_does_not_authenticate_is_refused_whatever_the_id_jag(
    todo0: TokenEndpoint, idp: World, sent: dict[str, Any]
) -> None:
    response = todo0.redeem(**sent)
    todo0.assert_refused(response, *NOT_AUTHENTICATED, status=401)
    assert response["WWW-Authenticate"] == 'Basic realm="OAuth client", charset="UTF-8"'
    assert outside(response) == outside(todo0.redeem("nonsense", **sent)) == outside(todo0.redeem(headers={}))
    assert not idp.session.requested
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
@pytest.mark.clause("RFC 9110", "11.1", "the name of the scheme is the same in any case")
def test_the_scheme_may_be_spelled_in_any_case(todo0: TokenEndpoint, scheme: str) -> None:
    credentials = basic()["Authorization"].removeprefix("Basic ")
    todo0.assert_refused(todo0.redeem(headers=header(f"{scheme} x{credentials}")), *NOT_AUTHENTICATED, status=401)
    todo0.assert_redeemed(todo0.redeem(headers=header(f"{scheme} {credentials}")))


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (basic(client_id="nobody"), "This server has no such client."),
        (basic(secret="wrong"), "The secret is wrong."),
        ({}, "The credentials are missing."),
    ],
    ids=["unknown", "wrong secret", "none"],
)
@pytest.mark.clause("RFC 6749", "5.2", "SEC-11 SEC-12: who may not redeem, and why, in the words for the operator")
def test_the_operator_learns_why_a_client_may_not_redeem(
    todo0: TokenEndpoint, headers: dict[str, str], detail: str
) -> None:
    assert todo0.redeem(headers=headers).json()["error_description"] == "Client authentication failed."
    assert AuditEvent.objects.get(act="redemption").detail == detail


CHANGES: dict[str, dict[str, Any]] = {
    "deactivated": {"is_active": False},
    "registered for the body": {"auth_method": "client_secret_post"},
    "registered for a key": {"auth_method": "private_key_jwt"},
    "of another name": {"client_id": "another"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.clause("RFC 6749", "5.2", "the answer invalid_client does not tell whether the client exists")
def test_a_client_that_is_not_to_authenticate_so_reads_like_an_unknown_one(
    todo0: TokenEndpoint, change: dict[str, Any]
) -> None:
    before = {name: getattr(todo0.client, name) for name in change}
    Client.objects.update(**change)
    response = todo0.redeem()
    todo0.assert_refused(response, *NOT_AUTHENTICATED, status=401)
    assert outside(response) == outside(todo0.redeem(headers=basic(client_id="nobody")))
    Client.objects.update(**before)
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("ID-JAG", "6", "a client of another server is unknown here, also with the same name")
def test_a_client_of_another_server_is_refused(todo0: TokenEndpoint) -> None:
    wiki = AuthorizationServer.objects.create(realm="wiki", issuer=ORIGINS["wiki"])
    fields = {"server": wiki, "grants": [JWT_BEARER], "scope": "read write"}
    Client.register(client_id="elsewhere", secret="its own", **fields)
    Client.register(client_id=CLIENT_ID, secret="its own", **fields)
    for client_id in ("elsewhere", CLIENT_ID):
        response = todo0.redeem(headers=basic(client_id, "its own"))
        assert outside(response) == outside(todo0.redeem(headers={}))
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize(
    ("sent", "description"),
    [
        (IN_THE_BODY, ONE_WAY),
        ({"client_secret": ""}, ONE_WAY),
        ({"client_assertion": "x"}, ONE_WAY),
        ({"client_assertion_type": "x"}, ONE_WAY),
        ({"headers": {}, "client_secret": "x", "client_assertion": "x"}, ONE_WAY),
        ({"client_id": "another"}, "client_id is not that of the authenticated client."),
        ({"client_id": "wiki0"}, "client_id is not that of the authenticated client."),
    ],
    ids=str,
)
@pytest.mark.clause("RFC 6749", "2.3", "one client, which authenticates in one way")
def test_two_ways_or_two_clients_are_refused(todo0: TokenEndpoint, sent: dict[str, Any], description: str) -> None:
    todo0.assert_refused(todo0.redeem(**sent), "invalid_request", description, "client")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("grants", [[], ["authorization_code"], ["jwt-bearer"], [JWT_BEARER.upper()]], ids=str)
@pytest.mark.clause("RFC 6749", "5.2", "unauthorized_client before anything in the assertion is looked at")
def test_a_client_without_the_grant_is_refused_whatever_the_id_jag(
    todo0: TokenEndpoint, idp: World, grants: list[str]
) -> None:
    Client.objects.update(grants=grants)
    description = "This client may not use this grant."
    response = todo0.redeem()
    todo0.assert_refused(response, "unauthorized_client", description, "grant_type")
    assert outside(response) == outside(todo0.redeem("nonsense"))
    assert not idp.session.requested
    Client.objects.update(grants=[JWT_BEARER])
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("sent", [{"headers": {}, **IN_THE_BODY}, {"client_id": CLIENT_ID}, {}], ids=str)
@pytest.mark.clause("RFC 6749", "2.3.1", "control: the ways to authenticate that a client may be registered for")
def test_a_client_authenticates_in_its_registered_way(todo0: TokenEndpoint, sent: dict[str, Any]) -> None:
    if "client_secret" in sent:
        Client.objects.update(auth_method="client_secret_post")
    todo0.assert_redeemed(todo0.redeem(**sent))


@pytest.mark.clause("ID-JAG", "9.1", "P9 there are no public clients, and none can be registered")
def test_no_client_can_be_made_public(todo0: TokenEndpoint) -> None:
    Client.register(server=todo0.server, client_id="public", grants=[JWT_BEARER], client_type="public", scope="read")
    assert Client.objects.get(client_id="public").client_type == "confidential"
    for secret in ("", "public"):
        assert todo0.redeem(headers=basic("public", secret)).status_code == 401
    assert outside(todo0.redeem(headers={}, client_id="public")) == outside(todo0.redeem(headers={}))
    with pytest.raises(CommandError, match="invalid choice: 'none'"):
        call_command("createclient", "--at", "todo", "--client-id", "x", "--auth-method", "none")
    assert not Client.objects.filter(client_id="x").exists()


UNTRUSTED = ("invalid_grant", "The issuer of the ID-JAG is not trusted for this client.", "iss")


def bind_the_client_to_another_tenant(todo0: TokenEndpoint) -> None:
    Client.objects.update(tenant=Tenant.objects.create(slug="other", name="Other"))


def disable_connection(todo0: TokenEndpoint) -> None:
    todo0.connection.enabled = False
    todo0.connection.save()


def deactivate_tenant(todo0: TokenEndpoint) -> None:
    todo0.bob.tenant.is_active = False
    todo0.bob.tenant.save()


def delete_connection(todo0: TokenEndpoint) -> None:
    todo0.connection.delete()


def connect_for_sign_in_only(todo0: TokenEndpoint) -> None:
    todo0.connection.accepts_id_jags = False
    todo0.connection.save()


def connect_at_the_other_app_only(todo0: TokenEndpoint) -> None:
    todo0.connection.delete()
    connect(todo0.bob.tenant, "wiki", todo0.connection.issuer)


@pytest.mark.parametrize(
    ("end_trust", "detail"),
    [
        (bind_the_client_to_another_tenant, "The client is bound to another tenant than acme."),
        (disable_connection, "The connection of acme is disabled."),
        (connect_for_sign_in_only, "The connection of acme is for sign-in only."),
        (deactivate_tenant, "The tenant acme is not active."),
        (delete_connection, "No IdP connection has this issuer."),
        (connect_at_the_other_app_only, "No IdP connection has this issuer."),
    ],
    ids=lambda value: getattr(value, "__name__", "").replace("_", " ") or "-",
)
@pytest.mark.clause("RFC 7523", "3", "MT-08 (1) an issuer not trusted for this client reads like an unknown one")
def test_an_issuer_without_trust_reads_like_an_unknown_one_and_the_operator_learns_why(
    todo0: TokenEndpoint, idp: World, end_trust: Callable[[TokenEndpoint], None], detail: str
) -> None:
    end_trust(todo0)
    response = todo0.redeem()
    todo0.assert_refused(response, *UNTRUSTED)
    assert AuditEvent.objects.get(act="redemption").detail == detail
    assert outside(response) == outside(todo0.redeem(todo0.mint(iss="https://nobody.example")))
    assert not idp.session.requested


@pytest.mark.clause("RFC 7523", "3", "(1) whom an issuer stands for is known after one statement, and why not as well")
def test_trust_costs_one_statement(todo0: TokenEndpoint, django_assert_num_queries: Any) -> None:
    request = SimpleNamespace(headers={"X_SERVER": todo0.server}, client=todo0.client)
    host = ResourceAppHost()
    with django_assert_num_queries(1):
        assert host.trusted_issuer(request, ISSUER, {}).connection.tenant.slug == "acme"
    for end_trust in (disable_connection, delete_connection):
        end_trust(todo0)
        with django_assert_num_queries(1), pytest.raises(IssuerRefused):
            host.trusted_issuer(request, ISSUER, {})


@pytest.mark.clause("ID-JAG", "6", "control: a client bound to a tenant acts for that tenant")
def test_a_client_bound_to_the_tenant_redeems(todo0: TokenEndpoint) -> None:
    Client.objects.update(tenant=todo0.bob.tenant)
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("ID-JAG", "9.3", "P6 an ID-JAG is good at its audience only")
def test_an_id_jag_for_one_app_is_refused_at_the_other(todo0: TokenEndpoint, wiki0: TokenEndpoint) -> None:
    response = wiki0.redeem(todo0.mint())
    description = (
        "aud in the ID-JAG is 'https://todo.example', but this authorization server is 'https://wiki.example'."
    )
    wiki0.assert_refused(response, "invalid_grant", description, "aud")
    todo0.assert_redeemed(todo0.redeem())
