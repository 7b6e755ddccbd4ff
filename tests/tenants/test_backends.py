"""Passwords work on the host of their realm, and nowhere else."""

from unittest.mock import patch

import pytest
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.test import RequestFactory

from idjag_demo.sites import site_for
from tenants.models import Tenant, User
from tenants.passwords import RealmBackend
from tests.support.running import run

HOSTS = {
    "staff": "localhost:8000",
    "wiki": "wiki.localhost:8000",
    "todo": "todo.localhost:8000",
    "idp": "tables.idp.localhost:8000",
}


def request_at(realm: str, tenant: Tenant | None = None) -> HttpRequest:
    request = RequestFactory().post("/")
    request.site = site_for(HOSTS[realm])
    request.tenant = tenant
    return request


def account(realm: str, tenant: Tenant | None = None, **fields: object) -> User:
    fields = {"username": f"{realm}-name", "email": "bob@tables.example"} | fields
    user = User(realm=realm, tenant=tenant, **fields)
    user.set_password("avocado")
    user.save()
    return user


def test_an_operator_signs_in_on_the_bare_host(db: None) -> None:
    admin = account("staff", is_staff=True)
    assert authenticate(request_at("staff"), username="staff-name", password="avocado") == admin
    assert authenticate(request_at("staff"), username="staff-name", password="wrong") is None


@pytest.mark.parametrize("realm", ["wiki", "todo", "idp"])
def test_an_operator_signs_in_nowhere_else(tenant: Tenant, realm: str) -> None:
    account("staff", is_staff=True)
    request = request_at(realm, tenant)
    assert authenticate(request, username="staff-name", password="avocado") is None
    assert authenticate(request, email="bob@tables.example", password="avocado") is None


@pytest.mark.parametrize("email", ["bob@tables.example", " BOB@tables.example"])
def test_a_person_of_the_directory_signs_in_at_the_tenants_idp(tenant: Tenant, email: str) -> None:
    bob = account("idp", tenant)
    assert authenticate(request_at("idp", tenant), email=email, password="avocado") == bob
    assert authenticate(request_at("idp", tenant), email=email, password="wrong") is None


def test_a_person_of_the_directory_signs_in_at_no_other_idp(tenant: Tenant) -> None:
    account("idp", tenant)
    other = Tenant.objects.create(name="Other", slug="other")
    assert authenticate(request_at("idp", other), email="bob@tables.example", password="avocado") is None


def test_a_person_of_the_directory_does_not_sign_in_by_user_name(tenant: Tenant) -> None:
    account("idp", tenant)
    assert authenticate(request_at("idp", tenant), username="idp-name", password="avocado") is None
    assert authenticate(request_at("staff"), username="idp-name", password="avocado") is None


@pytest.mark.parametrize("realm", ["wiki", "todo"])
def test_an_account_of_an_app_has_no_use_for_a_password(tenant: Tenant, realm: str) -> None:
    account(realm, tenant)
    for place in HOSTS:
        request = request_at(place, tenant)
        assert authenticate(request, username=f"{realm}-name", password="avocado") is None
        assert authenticate(request, email="bob@tables.example", password="avocado") is None


def test_an_inactive_account_signs_in_nowhere_and_loses_its_session(tenant: Tenant) -> None:
    bob = account("idp", tenant, is_active=False)
    assert authenticate(request_at("idp", tenant), email=bob.email, password="avocado") is None
    assert RealmBackend().get_user(bob.pk) is None


def test_two_entries_with_one_email_cannot_sign_in(tenant: Tenant) -> None:
    account("idp", tenant)
    account("idp", tenant, username="twice")
    assert authenticate(request_at("idp", tenant), email="bob@tables.example", password="avocado") is None


@pytest.mark.parametrize("email", ["bob@tables.example", "nobody@tables.example"])
def test_an_unknown_person_costs_as_much_as_a_wrong_password(tenant: Tenant, email: str) -> None:
    account("idp", tenant)
    with patch("django.contrib.auth.hashers.MD5PasswordHasher.encode", return_value="md5$x$y") as encode:
        assert authenticate(request_at("idp", tenant), email=email, password="wrong") is None
    assert encode.call_count == 1


def test_no_sign_in_without_a_site_or_a_password(db: None) -> None:
    account("staff")
    assert authenticate(None, username="staff-name", password="avocado") is None
    assert authenticate(RequestFactory().get("/"), username="staff-name", password="avocado") is None
    assert authenticate(request_at("staff"), username="staff-name", password=None) is None


def test_a_session_loads_its_account_with_its_tenant(tenant: Tenant, django_assert_num_queries: object) -> None:
    bob = account("wiki", tenant)
    with django_assert_num_queries(1):  # type: ignore[operator]
        loaded = RealmBackend().get_user(bob.pk)
        assert loaded is not None
        assert loaded.tenant == tenant


def test_the_asynchronous_way_in_is_the_same_one() -> None:
    bob = User(username="bob")
    with patch.object(RealmBackend, "authenticate", return_value=bob) as authenticate_here:
        assert run(RealmBackend().aauthenticate(None, username="staff-name", password="avocado")) is bob
    authenticate_here.assert_called_once_with(None, username="staff-name", password="avocado")
