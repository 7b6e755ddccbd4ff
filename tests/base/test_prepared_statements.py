"""A prepared query finds what its queryset finds: `base.prepared_queries`."""

from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import get_id_token_model

from base.prepared_queries import PreparedQuery, prepared
from tenants.models import Tenant, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db: None) -> list[User]:
    """Two people of each of two tenants; one of each tenant is called `it's 100 %`."""
    tenants = [Tenant.objects.create(name=name, slug=name) for name in ("tables", "chairs")]
    return [
        User.objects.create(username=f"{tenant.slug}:{sub}", realm="idp", tenant=tenant, sub=sub)
        for tenant in tenants
        for sub in ("it's 100 %s", "other")
    ]


@pytest.fixture
def accounts() -> PreparedQuery[User]:
    @prepared("tenant", "sub")
    def accounts() -> QuerySet[User]:
        return User.objects.select_related("tenant").filter(realm="idp").order_by("-email")

    return accounts


def test_each_call_finds_the_rows_of_its_own_values(people: list[User], accounts: PreparedQuery[User]) -> None:
    for person in [*people, *people]:
        assert accounts(person.tenant_id, person.sub) == [person]
    assert accounts(people[0].tenant_id, "nobody") == []
    User.objects.filter(pk=people[0].pk).update(realm="todo", issuer="https://idp.example")
    assert accounts(people[0].tenant_id, people[0].sub) == [], "what the queryset has fixed stays fixed"


def test_a_row_is_as_the_queryset_returns_it(people: list[User], accounts: PreparedQuery[User]) -> None:
    prepared_row = accounts(people[1].tenant_id, "other")[0]
    row = User.objects.select_related("tenant").get(pk=people[1].pk)
    names = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(prepared_row, name) for name in names] == [getattr(row, name) for name in names]
    with CaptureQueriesContext(connection) as made:
        assert prepared_row.tenant == people[1].tenant
    assert len(made) == 0, "what select_related names comes with it"
    prepared_row.first_name = "Bob"
    prepared_row.save()
    assert accounts(people[1].tenant_id, "other")[0].first_name == "Bob"


def test_each_call_is_one_statement(people: list[User], accounts: PreparedQuery[User]) -> None:
    for person in people:
        with CaptureQueriesContext(connection) as made:
            accounts(person.tenant_id, person.sub)
        assert len(made) == 1


def test_nothing_is_equal_to_nothing(people: list[User], accounts: PreparedQuery[User]) -> None:
    User.objects.filter(pk=people[0].pk).update(sub=None)
    for _ in range(2):
        assert accounts(people[0].tenant_id, None) == []
        assert accounts(people[1].tenant_id, "other") == [people[1]]


def test_values_are_brought_into_the_form_that_the_database_has(db: None) -> None:
    @prepared("jti")
    def id_tokens() -> QuerySet[User]:
        rows: QuerySet[User] = get_id_token_model().objects.all()
        return rows

    jtis = [uuid4(), uuid4()]
    for jti in jtis:
        get_id_token_model().objects.create(jti=jti, expires="2030-01-01T00:00Z")
    assert [[row.jti for row in id_tokens(jti)] for jti in jtis] == [[jti] for jti in jtis]  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_get_each_others_rows(people: list[User], accounts: PreparedQuery[User]) -> None:
    found: dict[int, list[list[User]]] = {}

    def ask(person: User) -> None:
        found[person.pk] = [accounts(person.tenant_id, person.sub) for _ in range(100)]
        connection.close()

    threads = [Thread(target=ask, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {person.pk: [[person]] * 100 for person in people}
