"""Which IdP an email address leads to."""

import pytest

from tenants.home_realm import connection_for
from tenants.models import IdPConnection, User


@pytest.mark.parametrize("email", ["bob@tables.example", "BOB@TABLES.example", " nobody@tables.example "])
def test_the_domain_leads_to_the_tenants_idp_whether_the_person_is_known_or_not(
    connection: IdPConnection, other_connection: IdPConnection, email: str
) -> None:
    assert connection_for(email, "wiki") == connection


@pytest.mark.parametrize("email", ["bob@elsewhere.example", "bob@sub.tables.example", "tables.exampl", "", "@", "a@b@"])
def test_an_address_of_no_tenant_leads_nowhere(connection: IdPConnection, email: str) -> None:
    assert connection_for(email, "wiki") is None


def test_a_pre_provisioned_address_leads_to_its_tenants_idp(
    connection: IdPConnection, other_connection: IdPConnection
) -> None:
    User.objects.create(username="t", realm="wiki", tenant=connection.tenant, email="trinity@Rabbit.example")
    assert connection_for("Trinity@rabbit.example", "wiki") == connection
    assert connection_for("trinity@rabbit.example", "todo") is None


def test_an_address_in_another_tenants_domain_leads_to_that_tenant(
    connection: IdPConnection, other_connection: IdPConnection
) -> None:
    User.objects.create(username="e", realm="wiki", tenant=connection.tenant, email="eve@other.example")
    assert connection_for("eve@other.example", "wiki") == other_connection


def test_an_address_that_two_tenants_claim_leads_nowhere(
    connection: IdPConnection, other_connection: IdPConnection
) -> None:
    for place in (connection, other_connection):
        User.objects.create(username=place.issuer, realm="wiki", tenant=place.tenant, email="x@both.example")
    assert connection_for("x@both.example", "wiki") is None


def test_a_directory_entry_of_the_embedded_idp_leads_nowhere(connection: IdPConnection) -> None:
    User.objects.create(username="d", realm="idp", tenant=connection.tenant, email="x@directory.example")
    assert connection_for("x@directory.example", "wiki") is None


def test_a_disabled_connection_or_tenant_leads_nowhere(connection: IdPConnection) -> None:
    IdPConnection.objects.update(enabled=False)
    assert connection_for("bob@tables.example", "wiki") is None
    IdPConnection.objects.update(enabled=True)
    connection.tenant.is_active = False
    connection.tenant.save()
    assert connection_for("bob@tables.example", "wiki") is None
