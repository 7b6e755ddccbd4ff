"""What two tenants may both have, what only one of them may have, and what no tenant may be called."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import IntegrityError, connections, models, transaction
from django.test import Client as Browser

from authserver.models import Client
from tenants.home_realm import connection_for
from tenants.models import EmailDomain, IdPConnection, Realm, Tenant, User
from tests.sites.test_endpoints import signed_in_at
from tests.support.commands import run
from tests.support.embedded_idp import EmbeddedIdP, make_person

ISSUER = "https://idp.example"


def connect(tenant: str, *, app: str = "todo", issuer: str = ISSUER, domain: str = "") -> str:
    """Connect a tenant by command."""
    secret = ("--client-id", "todo0", "--client-secret", "the-secret-of-todo0-at-this-idp")
    domains = ("--domain", domain) if domain else ()
    return run("connectidp", "--tenant", tenant, "--app", app, "--issuer", issuer, *secret, *domains, "--no-fetch")


def tenant(slug: str) -> Tenant:
    return Tenant.objects.create(slug=slug, name=slug.title())


@pytest.mark.clause("ID-JAG", "6.2, 6.3", "MT-02")
def test_two_tenants_have_clients_people_subjects_and_addresses_of_the_same_name(
    idp: EmbeddedIdP, other_idp: EmbeddedIdP
) -> None:
    assert Client.objects.filter(client_id="wiki0").count() == 2
    for each in (idp, other_idp):
        person = make_person(each, "bob")
        assert (person.sub, person.email) == ("sub-of-bob", "bob@tables.fake")
        for app in ("wiki", "todo"):
            account = {"issuer": each.server.issuer, "sub": "sub-of-bob", "email": "bob@tables.fake"}
            User.objects.create(username=f"{app} {each.host}", realm=app, tenant=each.server.tenant, **account)
    assert User.objects.filter(sub="sub-of-bob").count() == 6
    for each in (idp, other_idp):
        each.browser.force_login(
            User.objects.get(realm="idp", tenant=each.server.tenant), "tenants.passwords.RealmBackend"
        )
        assert each.tokens()["id_token"], "both work, each with the secret of its own client"
    assert idp.token(
        {"grant_type": "refresh_token"}, None, headers={"authorization": other_idp.basic("wiki0")}
    ).json() == (
        other_idp.token({"grant_type": "refresh_token"}, None, headers={"authorization": idp.basic("wiki0")}).json()
    )


@pytest.mark.clause("ID-JAG", "6.2, 6.3", "MT-02")
def test_within_one_tenant_a_client_and_a_subject_are_there_once(idp: EmbeddedIdP, bob: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        idp.register("wiki0")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="again", realm="idp", tenant=idp.server.tenant, sub=bob.sub)
    with pytest.raises(IntegrityError), transaction.atomic():
        Tenant.objects.create(slug="customer1", name="Again")


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["wiki", "todo"])
@pytest.mark.clause("ID-JAG", "6.1", "MT-03")
def test_an_issuer_belongs_to_one_tenant_however_one_saves(app: str) -> None:
    connect("acme", app=app)
    fields = {"app": app, "issuer": ISSUER, "client_id": "todo0", "client_secret": "s"}
    with pytest.raises(CommandError, match="is connected to the tenant acme already"):
        connect("other", app=app)
    other = tenant("other")
    with pytest.raises(IntegrityError), transaction.atomic():
        IdPConnection.objects.create(tenant=other, **fields)
    with pytest.raises(ValidationError, match="already exists"):
        IdPConnection(tenant=other, **fields).full_clean()
    page = somebody_of_staff().post(
        "/admin/tenants/idpconnection/add/", {**fields, "tenant": other.pk, "auth_method": "client_secret_basic"}
    )
    assert "already exists" in page.content.decode()
    assert list(IdPConnection.objects.values_list("tenant__slug", flat=True)) == ["acme"]


def somebody_of_staff() -> Browser:
    User.objects.create(username="operator", realm=Realm.STAFF, is_staff=True, is_superuser=True)
    return signed_in_at("staff")


@pytest.mark.django_db
@pytest.mark.clause("home realm discovery", "", "MT-12")
def test_a_domain_belongs_to_one_tenant_however_it_is_spelled() -> None:
    connect("acme", domain="acme.example")
    for spelling in ("acme.example", "ACME.example", " acme.example "):
        with pytest.raises(CommandError, match="belongs to the tenant acme"):
            connect("thief", issuer="https://thief.example", domain=spelling)
        with pytest.raises(IntegrityError), transaction.atomic():
            EmailDomain.objects.create(tenant=Tenant.objects.get_or_create(slug="thief2")[0], domain=spelling)
    found = connection_for("somebody@acme.example", "todo")
    assert found and found.tenant.slug == "acme"


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["eve@sub.acme.example", "eve@acme.example.thief.example", "eve@xacme.example"])
@pytest.mark.clause("home realm discovery", "", "MT-12")
def test_a_name_near_a_domain_is_not_that_domain(email: str) -> None:
    connect("acme", domain="acme.example")
    assert connection_for(email, "todo") is None


BAD_SLUGS = {
    "reserved": ["admin", "all", "api", "idp", "localhost", "staff", "todo", "wiki", "www"],
    "an encoded name": ["xn--acme", "xn--80ak6aa92e", "a--b"],
    "too short or long": ["", "a", "a" * 64],
    "not a label": ["a.b", "a_b", "-a", "a-", "a b", "a/b", "a:b", "a@b", "a{b}", "..", "a%2eb"],
    "not ASCII": ["acmé", "аcme", "😀", "acme\u200b", "ａｃｍｅ"],
    "in capitals": ["Acme", "ACME"],
    "lines": ["acme\n", "acme\nx", "\tacme", "acme\x00"],
    "SQL": ["acme'--", "a';DROP TABLE tenants_tenant;--", '" OR 1=1', "a%"],
    "begins with a digit": ["1acme"],
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("kind", BAD_SLUGS)
@pytest.mark.clause("RFC 1035", "2.3.1", "MT-14")
def test_a_tenant_is_called_by_a_dns_label_that_is_not_reserved(kind: str) -> None:
    for slug in ("acme-2", "wiki2", "all-todo"):
        Tenant(slug=slug, name="Acme").full_clean()
    for slug in BAD_SLUGS[kind]:
        with pytest.raises(ValidationError) as refused:
            Tenant(slug=slug, name="Acme").full_clean()
        assert list(refused.value.message_dict) == ["slug"], slug
        with pytest.raises(CommandError, match=r"slug|--tenant"):
            connect(slug)
    assert not Tenant.objects.exists()


@pytest.mark.clause("ID-JAG", "3.1", "MT-24")
def test_a_tenant_that_gets_another_name_keeps_its_issuer(signed_in: EmbeddedIdP, id_token: str) -> None:
    before = signed_in.browser.get("/.well-known/openid-configuration").json()
    tenant = signed_in.server.tenant
    assert tenant
    form = {"name": "Another Name", "slug": "another-name", "is_active": "on"}
    for inline in ("email_domains", "idp_connections"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    assert somebody_of_staff().post(f"/admin/tenants/tenant/{tenant.pk}/change/", form).status_code == 302
    tenant.refresh_from_db()
    assert (tenant.name, tenant.slug) == ("Another Name", "customer1")
    assert signed_in.browser.get("/.well-known/openid-configuration").json() == before
    assert signed_in.exchange(id_token).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("race", "", "MT-33")
def test_a_tenant_that_is_connected_twice_at_once_is_there_once() -> None:
    together = threading.Barrier(2)

    def connect_now(_: int) -> str:
        together.wait(timeout=10)
        try:
            return connect("acme", domain="acme.example")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(connect_now, range(2)))
    assert all("signs in to Todo0 at https://idp.example" in text for text in said)
    counts = [model.objects.count() for model in (Tenant, EmailDomain, IdPConnection)]
    assert counts == [1, 1, 1]


# Whose rows belong to no tenant, and why; everything else leads to one by columns that are never NULL.
OF_NO_TENANT = {
    "audit.AuditEvent": "names the tenant in text, and outlives it",
    "authserver.AuthorizationServer": "that of an app serves all tenants",
    "crossapp_requesting.ResourceApp": "another product, the same for all tenants",
    "crossapp_requesting.Lease": "names a user by number",
    "crossapp_resource.ConsumedJti": "hashes of an issuer and a jti",
    "idp.FamilyIdToken": "belongs to a family of refresh tokens",
    "idp.GrantedAuthentication": "names a family of refresh tokens",
    "tenants.FormerSlug": "the name of one that was deleted",
    "tenants.Tenant": "is one",
    "tenants.User": "an operator has none; everybody else has one, see below",
}
OURS = ("audit", "authserver", "idp", "crossapp_requesting", "crossapp_resource", "tenants", "todo", "wiki")


def leads_to(model: type[models.Model], targets: set[str]) -> bool:
    """Say whether a column that is never NULL leads to one of `targets`, over other tables if need be."""
    for field in model._meta.concrete_fields:
        if field.many_to_one or field.one_to_one:
            related = field.related_model
            if not field.null and (related._meta.label in targets or leads_to(related, targets)):
                return True
    return False


@pytest.mark.clause("integrity", "", "MT-35")
def test_every_row_belongs_to_a_tenant() -> None:
    ours = {model._meta.label: model for label in OURS for model in apps.get_app_config(label).get_models()}
    assert set(OF_NO_TENANT) <= set(ours)
    owners = {"tenants.Tenant", "tenants.User", "authserver.AuthorizationServer"}
    lost = [name for name, model in ours.items() if name not in OF_NO_TENANT and not leads_to(model, owners)]
    assert lost == []


@pytest.mark.django_db
@pytest.mark.parametrize("realm", ["idp", "wiki", "todo"])
@pytest.mark.clause("integrity", "", "MT-35")
def test_the_database_refuses_an_account_without_a_tenant_and_an_operator_with_one(realm: str) -> None:
    acme = tenant("acme")
    User.objects.create(username="control", realm=realm, tenant=acme, sub="1")
    for fields in ({"realm": realm, "sub": "2"}, {"realm": "staff", "tenant": acme}):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(username="x", **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(username="control").update(tenant=None)
