"""A tenant with an IdP connection for each app, and another tenant beside."""

import pytest

from tenants.models import EmailDomain, IdPConnection, Tenant
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER


@pytest.fixture
def tenant(db: None) -> Tenant:
    tenant = Tenant.objects.create(name="Tables", slug="tables")
    EmailDomain.objects.create(tenant=tenant, domain="tables.example")
    return tenant


@pytest.fixture
def connection(tenant: Tenant) -> IdPConnection:
    return IdPConnection.objects.create(
        tenant=tenant, app="wiki", issuer=ISSUER, client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )


@pytest.fixture
def other_connection(db: None) -> IdPConnection:
    tenant = Tenant.objects.create(name="Other", slug="other")
    EmailDomain.objects.create(tenant=tenant, domain="other.example")
    return IdPConnection.objects.create(
        tenant=tenant, app="wiki", issuer="https://other.example", client_id="wiki-at-other", client_secret="another"
    )
