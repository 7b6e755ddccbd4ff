"""The admin asks the IdP before it saves a connection, outside the transaction, and tells what differs."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client

from tenants import idp_comparisons
from tenants.models import IdPConnection, Tenant, User
from tests.support.fake_idp import ISSUER, FakeIdp, Reply, json_reply
from tests.tenants.test_admin import change, connection_fields, inline

OPENID = "/.well-known/openid-configuration"
ADD = "/admin/tenants/idpconnection/add/"


def messages_of(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def errors_at(response: HttpResponse, field: str) -> str:
    """Return the errors of a field of a page that was not saved."""
    assert response.status_code == 200
    return " ".join(response.context["adminform"].form.errors.get(field, []))


def tenant_fields(tenant: Tenant, connection: IdPConnection, **changes: Any) -> dict[str, Any]:
    """Return the page of a tenant with one connection."""
    row = connection_fields(connection, id=connection.pk) | changes
    fields = {"name": tenant.name, "is_active": "on"} | inline("email_domains")
    return fields | inline("idp_connections", row, initial=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["idpconnection", "tenant"])
def test_the_idp_is_asked_while_no_transaction_is_open(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
    page: str,
) -> None:
    states: list[bool] = []

    def note() -> Reply:
        states.append(database.in_atomic_block)
        return json_reply(fake_idp.metadata)

    fake_idp.replies[OPENID] = note
    fields, pk = connection_fields(connection, client_id="renamed"), connection.pk
    if page == "tenant":
        fields, pk = tenant_fields(connection.tenant, connection, client_id="renamed"), connection.tenant_id
    answer = admin.post(f"/admin/tenants/{page}/{pk}/change/", fields)
    assert (answer.status_code, states) == (302, [False])
    connection.refresh_from_db()
    assert connection.client_id == "renamed"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(b"", 404), f"{ISSUER}{OPENID} answered 404; {ISSUER}/.well-known/oauth-authorization-server answered"),
        (Reply(b"", 503), "was answered with 503"),
        (json_reply({"issuer": f"{ISSUER}/"}), "Write the issuer exactly as the metadata do."),
        (
            json_reply({"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}),
            "no authorization_endpoint or no jwks_uri",
        ),
    ],
    ids=["no metadata", "down", "another spelling", "no endpoints"],
)
def test_an_issuer_that_connectidp_would_refuse_is_not_saved_and_the_input_stays(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
    reply: Reply,
    why: str,
) -> None:
    fake_idp.replies[OPENID] = reply
    page = change(admin, connection, client_id="renamed")
    assert why in errors_at(page, "issuer")
    assert 'value="renamed"' in page.content.decode()
    connection.refresh_from_db()
    assert connection.client_id != "renamed"


def test_a_new_connection_to_such_an_issuer_is_not_saved_either(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
) -> None:
    fields = connection_fields(connection, app="todo", client_secret="x")
    fake_idp.replies[OPENID] = Reply(b"", 404)
    assert "answered 404" in errors_at(admin.post(ADD, fields), "issuer")
    assert not IdPConnection.objects.filter(app="todo").exists()
    del fake_idp.replies[OPENID]
    assert admin.post(ADD, fields).status_code == 302


def test_nor_on_the_page_of_the_tenant(admin: Client, connection: IdPConnection, fake_idp: FakeIdp) -> None:
    fake_idp.replies[OPENID] = Reply(b"", 404)
    url = f"/admin/tenants/tenant/{connection.tenant_id}/change/"
    page = admin.post(url, tenant_fields(connection.tenant, connection, client_id="renamed"))
    assert page.status_code == 200
    assert f"{OPENID} answered 404" in page.content.decode()
    connection.refresh_from_db()
    assert connection.client_id != "renamed"


@pytest.mark.parametrize("said", ["", "on", "false"])
def test_a_field_that_the_page_does_not_have_spares_no_comparison(
    admin: Client, connection: IdPConnection, fake_idp: FakeIdp, said: str
) -> None:
    fake_idp.replies[OPENID] = Reply(b"", 404)
    assert "answered 404" in errors_at(change(admin, connection, client_id="renamed", DELETE=said), "issuer")


def test_a_tenant_is_renamed_while_its_idp_is_down(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
) -> None:
    fake_idp.replies[OPENID] = Reply(b"", 503)
    stored = tenant_fields(connection.tenant, connection, accepts_id_jags="on", single_use="on")
    fields = stored | {"name": "Renamed"}
    assert admin.post(f"/admin/tenants/tenant/{connection.tenant_id}/change/", fields).status_code == 302
    assert Tenant.objects.get().name == "Renamed"


def test_a_disabled_connection_is_saved_and_its_idp_not_asked(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
) -> None:
    fields = connection_fields(connection, client_id="renamed")
    del fields["enabled"]
    assert admin.post(f"/admin/tenants/idpconnection/{connection.pk}/change/", fields).status_code == 302
    assert fake_idp.received == []
    connection.refresh_from_db()
    assert (connection.client_id, connection.enabled) == ("renamed", False)


def test_staff_without_the_permission_lets_the_admin_ask_nothing(connection: IdPConnection, fake_idp: FakeIdp) -> None:
    clerk = User.objects.create(username="clerk", realm="staff", is_staff=True)
    client = Client(headers={"host": "localhost:8000"})
    client.force_login(clerk, backend="tenants.passwords.RealmBackend")
    assert change(client, connection).status_code == 403
    assert fake_idp.received == []


@pytest.mark.parametrize(
    ("member", "offered", "field", "why"),
    [
        ("token_endpoint_auth_methods_supported", ["client_secret_post"], "auth_method", "Use client_secret_post."),
        ("id_token_signing_alg_values_supported", ["HS256"], "issuer", "ID token algorithms: expected one of RS256"),
        ("code_challenge_methods_supported", ["plain"], "issuer", "PKCE: expected S256, found plain."),
    ],
)
def test_what_makes_every_sign_in_fail_is_an_error_at_its_field(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
    member: str,
    offered: list[str],
    field: str,
    why: str,
) -> None:
    fake_idp.metadata[member] = offered
    assert why in errors_at(change(admin, connection, client_id="renamed"), field)
    connection.refresh_from_db()
    assert connection.client_id != "renamed"


def test_the_other_differences_are_told_after_the_connection_is_saved(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
) -> None:
    fake_idp.metadata |= {"grant_types_supported": ["authorization_code"], "code_challenge_methods_supported": ["S256"]}
    answer = change(admin, connection, client_id="renamed")
    assert answer.status_code == 302
    told = [text for text in messages_of(answer) if text.startswith("Tables at Wiki0: ")]
    assert [text.removeprefix("Tables at Wiki0: ").partition(":")[0] for text in told] == ["token exchange", "ID-JAG"]
    fields = tenant_fields(connection.tenant, connection)
    told = messages_of(admin.post(f"/admin/tenants/tenant/{connection.tenant_id}/change/", fields))
    assert [text for text in told if "token exchange" in text]


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, True),
        ({"tenant_claim": "hd", "tenant_value": "tables.example"}, False),
        ({"provisions_users": "false"}, False),
    ],
    ids=["no claim", "claim", "no accounts"],
)
def test_an_issuer_of_any_person_without_a_tenant_claim_is_told(
    admin: Client,
    connection: IdPConnection,
    fake_idp: FakeIdp,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    warned: bool,
) -> None:
    monkeypatch.setattr(idp_comparisons, "OPEN_ISSUERS", {ISSUER: "hd"})
    fake_idp.metadata["code_challenge_methods_supported"] = ["S256"]
    answer = change(admin, connection, client_id="renamed", **changes)
    assert answer.status_code == 302
    assert any("tenant claim: expected hd" in text for text in messages_of(answer)) is warned
