"""What decides who may do what is recorded when it changes: what and by whom, never the values."""

import getpass
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.test import Client as Browser
from django.urls import reverse

from audit.changes import WATCHED, unrecorded
from audit.models import AuditEvent
from authserver.models import Client, SigningKey
from crossapp.requesting_app.models import ResourceApp
from idp.models import CrossAppPolicy
from tenants.models import EmailDomain, IdPConnection, Realm, Tenant, User
from tests.support.demo import Demo
from tests.support.encryption import encrypt_with
from tests.support.in_process import sign_in

pytestmark = pytest.mark.django_db

BOB = "bob@tables.fake"


def the_changes(act: str) -> list[tuple[str, str]]:
    """Return tenant and detail of the changes of this kind, oldest first."""
    return list(AuditEvent.objects.filter(act=act, outcome="done").order_by("pk").values_list("tenant", "detail"))


def test_seeding_leaves_no_rows(demo: Demo) -> None:
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("model", "field", "value", "act", "tenant"),
    [
        (CrossAppPolicy, "enabled", False, "policy_change", "customer1"),
        (CrossAppPolicy, "scope", "canary", "policy_change", "customer1"),
        (SigningKey, "status", "retired", "key_change", ""),
        (SigningKey, "private_pem", "canary", "key_change", ""),
        (Client, "is_active", False, "client_change", ""),
        (Client, "client_secret", "canary", "client_change", ""),
        (IdPConnection, "client_secret", "canary", "connection_change", "customer1"),
        (IdPConnection, "provisions_users", False, "connection_change", "customer1"),
        (IdPConnection, "trusts_absent_email_verified", True, "connection_change", "customer1"),
        (IdPConnection, "trusts_false_email_verified", True, "connection_change", "customer1"),
        (ResourceApp, "client_secret", "canary", "connection_change", ""),
        (Tenant, "is_active", False, "tenant_change", "customer1"),
        (EmailDomain, "domain", "canary.example", "tenant_change", "customer1"),
        (User, "is_active", False, "account_change", ""),
    ],
)
@pytest.mark.clause("SEC", "", "SEC-11")
def test_a_change_is_recorded_by_the_name_of_what_changed(
    demo: Demo, model: Any, field: str, value: object, act: str, tenant: str
) -> None:
    row = model.objects.order_by("pk").first()
    row.save()
    assert not AuditEvent.objects.exists()  # nothing changed
    setattr(row, field, value)
    row.save()
    event = AuditEvent.objects.get()
    assert (event.act, event.outcome, event.tenant) == (act, "done", tenant)
    assert event.detail == f"changed: {field}"
    assert event.target.startswith(f"{model._meta.verbose_name} {row.pk}")
    assert "canary" not in event.detail + str(event.unverified)
    assert (event.user, event.server) == (f"command:{getpass.getuser()}", "")  # not a web request


def test_a_shell_user_without_a_name_is_recorded_by_number(demo: Demo) -> None:
    with patch("audit.changes.getpass.getuser", side_effect=KeyError), patch("audit.changes.os.getuid", return_value=7):
        Tenant.objects.create(slug="new", name="New")
    assert AuditEvent.objects.get().user == "command:7"


def test_every_watched_table_exists(demo: Demo) -> None:
    from django.apps import apps

    assert {apps.get_model(label)._meta.label for label in WATCHED} == set(WATCHED)


def test_what_comes_and_goes_is_recorded(demo: Demo) -> None:
    policy = CrossAppPolicy.objects.order_by("pk")[0]
    policy.pk, policy.audience = None, "http://wiki.localhost:8000"
    policy._state.adding = True
    policy.save()
    policy.delete()
    assert the_changes("policy_change") == [("customer1", "created"), ("customer1", "deleted")]


def test_a_tenant_that_is_deleted_takes_its_rows_along_and_leaves_a_record_of_each(demo: Demo) -> None:
    Tenant.objects.get(slug="customer1").delete()
    for act, number in [
        ("policy_change", 1),
        ("key_change", 1),
        ("client_change", 2),
        ("connection_change", 2),
        ("tenant_change", 2),
        ("account_change", 6),
    ]:
        assert [detail for _, detail in the_changes(act)] == ["deleted"] * number, act


def test_whom_a_policy_is_for_is_part_of_it(demo: Demo) -> None:
    policy = CrossAppPolicy.objects.order_by("pk")[0]
    policy.groups.add(Group.objects.create(name="Sales"))
    policy.users.set(User.objects.filter(realm=Realm.IDP)[:1])
    assert the_changes("policy_change") == [("customer1", "changed: groups"), ("customer1", "changed: users")]


def test_a_new_account_is_recorded_with_its_subject(demo: Demo) -> None:
    tenant = Tenant.objects.get(slug="customer1")
    User.objects.create(username="wiki:customer1:x", realm=Realm.WIKI, tenant=tenant)
    User.objects.create(username="eve", is_staff=True)
    assert the_changes("account_change") == [("customer1", "created"), ("", "created")]


@pytest.mark.clause("SEC", "", "SEC-11")
def test_an_account_that_comes_just_in_time_is_recorded_with_its_subject(demo: Demo) -> None:
    User.objects.filter(realm=Realm.WIKI, email=BOB).delete()
    before = AuditEvent.objects.filter(act="account_change").count()
    sign_in(demo.browser, "wiki", BOB)
    [event] = AuditEvent.objects.filter(act="account_change").order_by("pk")[before:]
    person, account = User.objects.get(realm=Realm.IDP, email=BOB), User.objects.get(realm=Realm.WIKI, email=BOB)
    assert (event.detail, event.tenant, event.server) == (
        "created just in time",
        "customer1",
        "http://wiki.localhost:8000",
    )
    assert (event.issuer, event.sub) == ("http://customer1.idp.localhost:8000", person.sub)
    assert event.target == f"user {account.pk} {account.username}"


@pytest.mark.clause("SEC", "", "SEC-11")
def test_an_account_that_is_linked_to_its_subject_is_recorded_once_at_each_app(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    sign_in(demo.browser, "todo", BOB)
    events = AuditEvent.objects.filter(act="account_change").order_by("pk")
    assert [event.detail for event in events] == ["linked to its subject"] * 2
    assert [event.server for event in events] == ["http://wiki.localhost:8000", "http://todo.localhost:8000"]
    assert {event.sub for event in events} == {User.objects.get(realm=Realm.IDP, email=BOB).sub}


def test_an_account_that_could_not_be_recorded_does_not_come_to_be(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the requesting app is told to come back: it is no refusal of the person."""
    sign_in(demo.browser, "wiki", BOB)
    User.objects.filter(realm=Realm.TODO, email=BOB).delete()
    save = AuditEvent.save

    def fail(event: AuditEvent, **kwargs: Any) -> None:
        if event.detail == "created just in time":
            raise DatabaseError("the disk is full")
        save(event, **kwargs)

    monkeypatch.setattr(AuditEvent, "save", fail)
    assert demo.unfurl([demo.link_to("john@tables.fake2")])[0]["card"] is None
    assert not User.objects.filter(realm=Realm.TODO, email=BOB).exists()
    assert [sent.status for sent in demo.network.to("/oauth2/v1/token")][-1] == 503


def test_a_new_password_is_a_change_and_a_stronger_hash_of_the_old_one_is_none(demo: Demo) -> None:
    bob = User.objects.get(realm=Realm.IDP, email=BOB)
    bob.set_password("canary")
    bob.save(update_fields=["password"])  # as Django does after a sign-in
    assert not AuditEvent.objects.exists()
    bob.set_password("another canary")
    bob.save()
    assert the_changes("account_change") == [("customer1", "changed: password")]


def test_a_second_sign_in_is_no_change(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    before = AuditEvent.objects.filter(act__endswith="change").count()
    sign_in(demo.browser, "wiki", BOB)
    assert AuditEvent.objects.filter(act__endswith="change").count() == before


def test_a_connection_whose_secret_no_key_opens_can_still_be_mended(demo: Demo, settings: Any) -> None:
    connection = IdPConnection.objects.order_by("pk")[0]
    encrypt_with(settings, ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
    connection.client_secret = "new"
    connection.save()
    [(_, detail)] = the_changes("connection_change")
    assert "client_secret" in detail


def test_a_change_in_the_admin_names_the_operator(demo: Demo) -> None:
    browser = Browser(headers={"host": "localhost:8000"})
    browser.force_login(User.objects.get(username="admin"), backend="tenants.passwords.RealmBackend")
    policy = CrossAppPolicy.objects.get(server__tenant__slug="customer2")
    url = reverse("admin:idp_crossapppolicy_delete", args=[policy.pk], urlconf="idjag_demo.urls.staff")
    assert browser.post(url, {"post": "yes"}).status_code == 302
    event = AuditEvent.objects.get(act="policy_change")
    assert (event.user, event.server, event.detail) == ("staff:admin", "http://localhost:8000", "deleted")
    assert (event.tenant, event.address) == ("customer2", "127.0.0.1")
    assert event.target == f"cross-app policy {policy.pk} wiki0 → http://todo.localhost:8000"


def test_what_is_not_recorded_on_purpose_is_not(demo: Demo) -> None:
    with unrecorded():
        Tenant.objects.create(slug="quiet", name="Quiet")
    Tenant.objects.create(slug="loud", name="Loud")
    assert the_changes("tenant_change") == [("loud", "created")]
