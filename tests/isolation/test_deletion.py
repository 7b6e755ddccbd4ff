"""A tenant that is deleted, or switched off: nothing of it stays, and nothing of another goes."""

import pytest
from django.apps import apps
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.test import Client as Browser

from audit.models import AuditEvent
from tenants.models import Tenant, User
from tests.support.commands import run
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.legs import TODO, WIKI, access_token_of, call, id_jag_of, idp_of, is_refused, redeem

BOB, JOHN = "bob@tables.fake", "john@tables.fake2"


@pytest.fixture
def used(demo: Demo) -> Demo:
    """A demo in which Bob of customer1 and John of customer2 have done everything there is to do; Bob is signed in."""
    for person in (JOHN, BOB):
        demo.browser.clients.clear()
        sign_in(demo.browser, "todo", person)
        sign_in(demo.browser, "wiki", person)
        assert demo.unfurl([demo.link_to(person)])[0]["card"]
    return demo


def rows() -> dict[str, list[str]]:
    """Return every row as JSON by table, but for the sessions and the audit."""
    models = [model for model in apps.get_models() if model._meta.app_label not in ("sessions", "audit")]
    return {
        model._meta.label: [serializers.serialize("json", [row]) for row in model._default_manager.order_by("pk")]
        for model in models
    }


def names_of(slug: str) -> list[str]:
    """Return what a row of this tenant would name: its host, its people's subjects, addresses and names."""
    people = User.objects.filter(tenant__slug=slug).values_list("sub", "email", "username")
    return [idp_of(slug), f'"{slug}"', *(f'"{name}"' for person in people for name in person if name)]


@pytest.mark.clause("privacy", "", "MT-30")
def test_a_deleted_tenant_leaves_nothing_but_its_audit_and_takes_nothing_of_others(used: Demo) -> None:
    before, gone, others = rows(), names_of("customer1"), names_of("customer2")
    tables = [table for table, found in before.items() if any(name in row for row in found for name in gone)]
    assert len(tables) >= 6, "control: the names are found"
    recorded = AuditEvent.objects.filter(tenant="customer1").count()
    Tenant.objects.get(slug="customer1").delete()
    after = rows()
    assert after.pop("tenants.FormerSlug")
    assert not [row for found in after.values() for row in found for name in gone if name in row]
    del before["tenants.FormerSlug"]
    for table, found in before.items():
        assert set(after[table]) <= set(found)
        theirs = {row for row in found if any(name in row for name in others)}
        assert theirs <= set(after[table]), table
    counts = {table: (len(found), len(after[table])) for table, found in before.items()}
    assert counts["tenants.Tenant"] == (3, 2)
    assert counts["tenants.User"] == (1 + 3 * 4, 1 + 3 * 2)
    for table, each in (("oauth2_provider.IDToken", 2), ("crossapp_requesting.StoredAccessToken", 1), ("todo.Todo", 3)):
        assert counts[table][1] >= each, table
        assert counts[table][0] > counts[table][1], table
    assert counts["authserver.SigningKey"] == (5, 4)
    assert AuditEvent.objects.filter(tenant="customer1").count() > recorded, "the audit outlives what it speaks of"


@pytest.mark.clause("lifecycle", "", "MT-30")
def test_what_a_deleted_tenants_people_held_is_good_for_nothing(used: Demo) -> None:
    id_jag, access_token = id_jag_of(BOB), access_token_of(BOB)
    cookies = {host: client.cookies for host, client in used.browser.clients.items()}
    tenant = Tenant.objects.get(slug="customer1")
    kid = tenant.authorizationserver_set.get().active_key().kid
    tenant.delete()
    for path in ("/", "/oauth2/v1/keys", "/.well-known/openid-configuration"):
        assert Browser().get(path, headers={"host": idp_of("customer1")}).status_code == 404
    assert is_refused(redeem(id_jag), "invalid_grant")
    assert call(access_token).status_code == 401
    for host, path in ((WIKI, "/pages/"), (TODO, "/profile")):
        browser = Browser()
        browser.cookies = cookies[host]
        assert browser.get(path, headers={"host": host}).status_code == 302
    assert kid not in str(rows())


@pytest.mark.clause("lifecycle", "", "MT-13")
def test_the_name_of_a_deleted_tenant_is_never_given_again(used: Demo) -> None:
    Tenant.objects.get(slug="customer1").delete()
    with pytest.raises(ValidationError, match="A deleted tenant had this slug"):
        Tenant(slug="customer1", name="Another").full_clean()
    new = ("--app", "todo", "--issuer", "https://new.example", "--client-id", "c", "--client-secret", "s" * 40)
    with pytest.raises(CommandError, match="A deleted tenant had this slug"):
        run("connectidp", "--tenant", "customer1", *new, "--no-fetch")
    run("connectidp", "--tenant", "customer4", *new, "--no-fetch")
    assert set(Tenant.objects.values_list("slug", flat=True)) == {"customer2", "customer3", "customer4"}
