"""Which issuers an operator can connect."""

import pytest
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from tenants.issuers import validate_issuer
from tenants.models import IdPConnection, Tenant


@pytest.mark.parametrize(
    "issuer", ["https://acme.okta.example", "https://acme.auth0.example/", "http://localhost:9000"]
)
def test_an_issuer_is_taken_as_its_metadata_spells_it(issuer: str) -> None:
    validate_issuer(issuer)


@pytest.mark.django_db
@pytest.mark.parametrize("issuer", ["https://idp.example/", "https://idp.example/Tenant", "https://idp.example"])
@pytest.mark.clause("RFC 8414", "2", "MT-04")
def test_an_issuer_that_differs_by_slash_or_case_only_is_refused(issuer: str) -> None:
    first, second = (Tenant.objects.create(slug=slug, name=slug) for slug in ("first", "second"))
    fields = {"app": "wiki", "client_id": "wiki0", "client_secret": "a-secret"}
    IdPConnection.objects.create(tenant=first, issuer=issuer, **fields)
    twin = issuer.removesuffix("/") if issuer.endswith("/") else issuer + "/"
    with pytest.raises(ValidationError, match="differs only in case or a trailing slash"):
        IdPConnection(tenant=second, issuer=twin, **fields).full_clean()
    IdPConnection(tenant=second, issuer="https://other.example", **fields).full_clean()


@pytest.mark.django_db
def test_other_spellings_are_looked_for_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    fields = {"app": "wiki", "client_id": "wiki0", "client_secret": "a-secret"}
    tenants = [Tenant.objects.create(slug=f"tenant{number}", name="One of several") for number in range(4)]
    for tenant in tenants:
        IdPConnection.objects.create(tenant=tenant, issuer=f"https://{tenant.slug}.example/a", **fields)
    connection = IdPConnection.objects.get(tenant=tenants[0])
    with django_assert_num_queries(1):
        connection.clean()
    connection.issuer = "https://tenant1.example/A"
    with (
        django_assert_num_queries(1),
        pytest.raises(ValidationError, match=r"tenant1\.example/a is already connected and differs only in case"),
    ):
        connection.clean()
    connection.app = "todo"
    connection.clean()
