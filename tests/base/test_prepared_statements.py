"""A prepared query finds what its queryset finds, and `insert` adds what `save` adds: `base.prepared_queries`."""

import hashlib
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_id_token_model

from base.prepared_queries import PreparedQuery, insert, prepared
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


def an_access_token(user: User, token: str) -> Any:
    return get_access_token_model()(
        user=user, token=token, expires=timezone.now(), scope="read", resource=["https://todo.example/api"]
    )


def test_an_inserted_row_is_as_a_saved_one(people: list[User]) -> None:
    saved, inserted = an_access_token(people[0], "one"), an_access_token(people[0], "two")
    saved.save()
    insert(inserted)
    assert inserted.pk > saved.pk
    assert (inserted._state.adding, inserted._state.db) == (saved._state.adding, saved._state.db)
    rows = [type(saved).objects.get(pk=row.pk) for row in (saved, inserted)]
    differs = {"id", "token", "token_checksum", "created", "updated", "expires"}
    for field in {field.attname for field in saved._meta.concrete_fields} - differs:
        assert getattr(rows[0], field) == getattr(rows[1], field), field
    for field in {field.attname for field in saved._meta.concrete_fields} - {"id"}:
        assert getattr(rows[1], field) == getattr(inserted, field), "what save() fills in is filled in"
    assert rows[1].token_checksum == hashlib.sha256(b"two").hexdigest()
    assert rows[1].created <= rows[1].updated <= timezone.now()


def test_each_inserted_row_has_its_own_values(people: list[User]) -> None:
    rows = [an_access_token(person, str(index)) for index, person in enumerate([*people, *people])]
    with CaptureQueriesContext(connection) as made:
        for row in rows:
            insert(row)
    assert len(made) == len(rows)
    assert list(type(rows[0]).objects.order_by("pk").values_list("user", "token")) == [
        (row.user_id, row.token) for row in rows
    ]


def test_a_row_that_is_not_unique_spoils_the_transaction_as_a_saved_one_does(people: list[User]) -> None:
    insert(an_access_token(people[0], "one"))
    with pytest.raises(IntegrityError), transaction.atomic():
        with pytest.raises(IntegrityError):
            insert(an_access_token(people[0], "one"))
        assert connection.needs_rollback
        raise IntegrityError
    assert get_access_token_model().objects.count() == 1
