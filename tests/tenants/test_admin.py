"""The operator's pages: what they take, and what they never show."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tenants.models import EmailDomain, IdPConnection, SubjectTokens, Tenant, User
from tests.support.client_keys import new_pem
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, answering_at, id_token_claims, sign

pytestmark = pytest.mark.usefixtures("fake_idp")


def connection_fields(connection: IdPConnection, **changes: Any) -> dict[str, Any]:
    fields = {
        "tenant": connection.tenant_id,
        "app": "wiki",
        "issuer": ISSUER,
        "client_id": CLIENT_ID,
        "client_secret": "",
        "auth_method": "client_secret_basic",
        "enabled": "on",
        "provisions_users": "on",
        "clock_skew": "30",
    }
    return fields | changes


def change(admin: Client, connection: IdPConnection, **changes: Any) -> HttpResponse:
    url = f"/admin/tenants/idpconnection/{connection.pk}/change/"
    return admin.post(url, connection_fields(connection, **changes))


def inline(prefix: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    form = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    return form | {f"{prefix}-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()}


def test_the_operator_signs_in_on_the_bare_host_only(db: None) -> None:
    User.objects.create_superuser("operator", "operator@home.example", "avocado", realm="staff")
    client = Client(headers={"host": "localhost:8000"})
    response = client.post("/admin/login/?next=/admin/", {"username": "operator", "password": "avocado"})
    assert response["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    for host in ("wiki.localhost:8000", "todo.localhost:8000"):
        assert client.get("/admin/", headers={"host": host}).status_code == 404


@pytest.mark.parametrize("model", ["tenant", "idpconnection", "user", "subjecttokens"])
def test_every_list_and_form_can_be_opened(admin: Client, connection: IdPConnection, model: str) -> None:
    user = User.objects.create(username="bob", realm="wiki", tenant=connection.tenant, sub="u-bob")
    tokens = SubjectTokens.objects.create(
        user=user, connection=connection, id_token="x", id_token_expires_at="2030-01-01T00:00Z"
    )
    pk = {"tenant": connection.tenant_id, "idpconnection": connection.pk, "user": user.pk, "subjecttokens": tokens.pk}
    assert admin.get(f"/admin/tenants/{model}/").status_code == 200
    assert admin.get(f"/admin/tenants/{model}/{pk[model]}/change/").status_code == 200
    assert admin.get(f"/admin/tenants/{model}/add/").status_code == (403 if model == "subjecttokens" else 200)


def test_a_client_secret_is_never_shown_and_blank_keeps_it(admin: Client, connection: IdPConnection) -> None:
    for url in (f"idpconnection/{connection.pk}", f"tenant/{connection.tenant_id}"):
        assert CLIENT_SECRET not in admin.get(f"/admin/tenants/{url}/change/").content.decode()
    assert change(admin, connection, client_id="renamed").status_code == 302
    connection.refresh_from_db()
    assert (connection.client_id, connection.client_secret) == ("renamed", CLIENT_SECRET)
    assert change(admin, connection, client_secret=" new ").status_code == 302
    connection.refresh_from_db()
    assert connection.client_secret == " new "


def test_a_new_connection_needs_a_secret(admin: Client, connection: IdPConnection) -> None:
    fields = connection_fields(connection, app="todo")
    assert "Enter the client secret." in admin.post("/admin/tenants/idpconnection/add/", fields).content.decode()
    assert admin.post("/admin/tenants/idpconnection/add/", fields | {"client_secret": "x"}).status_code == 302


def test_a_client_that_authenticates_with_a_key_needs_that_key_and_no_secret(
    admin: Client, connection: IdPConnection, settings: Settings
) -> None:
    fields = connection_fields(connection, app="todo", auth_method="private_key_jwt", single_use="on")
    refused = admin.post("/admin/tenants/idpconnection/add/", fields)
    assert "private_key_jwt needs a signing key: CLIENT_SIGNING_KEY is not set" in refused.content.decode()
    settings.CROSSAPP_REQUESTING_APP = settings.CROSSAPP_REQUESTING_APP | {"CLIENT_SIGNING_KEY": new_pem()}
    assert admin.post("/admin/tenants/idpconnection/add/", fields).status_code == 302
    added = IdPConnection.objects.get(app="todo")
    assert (added.client_secret, added.auth_method, added.single_use) == ("", "private_key_jwt", True)
    page = change(admin, added, app="todo", auth_method="client_secret_post")
    assert "Enter the client secret." in page.content.decode()


@pytest.mark.clause("ID-JAG", "4.4.3", "P1")
def test_that_an_id_jag_is_good_once_is_switched_off_in_the_form(admin: Client, connection: IdPConnection) -> None:
    page = admin.get(f"/admin/tenants/idpconnection/{connection.pk}/change/").content.decode()
    assert "ID-JAGs are good once" in page and "ID-JAG -04 section 4.4.3" in page
    assert change(admin, connection).status_code == 302
    connection.refresh_from_db()
    assert connection.single_use is False
    assert change(admin, connection, single_use="on").status_code == 302
    connection.refresh_from_db()
    assert connection.single_use is True


ISSUERS_NOT_TO_TRUST = """
    http://idp.example file:///etc/passwd ftp://idp.example https:// nonsense https://169.254.169.254
    http://169.254.169.254/ https://10.0.0.1 https://192.168.1.1 https://[fd00::1] file://localhost/x gopher://idp.example
    https://user@idp.example https://idp.example?x https://[:: https://IDP.example https://idp.example#x
    https://ïdp.example https://idp.example:99999
"""


@pytest.mark.parametrize("issuer", ISSUERS_NOT_TO_TRUST.split())
@pytest.mark.clause("OpenID Connect Discovery", "7", "RP-42")
def test_an_issuer_that_cannot_be_trusted_is_refused_at_save(
    admin: Client, connection: IdPConnection, issuer: str
) -> None:
    assert change(admin, connection, issuer=issuer).status_code == 200
    connection.refresh_from_db()
    assert connection.issuer == ISSUER


@pytest.mark.parametrize(
    "issuer",
    [
        "http://localhost:9000",
        "http://localhost:22",
        "https://localhost:22",
        "http://127.0.0.1:9000/x",
        "http://x.localhost",
    ],
)
@pytest.mark.clause("OpenID Connect Discovery", "7", "RP-42")
def test_an_issuer_on_this_machine_is_for_the_demo(
    admin: Client, connection: IdPConnection, issuer: str, settings: Any
) -> None:
    settings.DEMO = False
    assert change(admin, connection, issuer=issuer).status_code == 200
    settings.DEMO = True
    with answering_at(issuer):
        assert change(admin, connection, issuer=issuer).status_code == 302


def test_one_issuer_belongs_to_one_tenant_at_each_app(
    admin: Client, connection: IdPConnection, other_connection: IdPConnection
) -> None:
    with answering_at(other_connection.issuer):
        response = change(admin, connection, issuer=other_connection.issuer)
    assert "already exists" in response.content.decode()


def test_a_tenant_comes_with_its_domains_and_connections(admin: Client) -> None:
    connection = {"app": "wiki", "issuer": ISSUER, "client_id": "x", "client_secret": "y", "enabled": "on"}
    fields = {"name": "Acme", "slug": "acme", "is_active": "on"}
    fields |= inline("email_domains", {"domain": " ACME.example "})
    connection |= {"auth_method": "client_secret_post", "clock_skew": "30"}
    fields |= inline("idp_connections", connection)
    assert admin.post("/admin/tenants/tenant/add/", fields).status_code == 302
    tenant = Tenant.objects.get(slug="acme")
    assert tenant.email_domains.get().domain == "acme.example"
    assert tenant.idp_connections.get().client_secret == "y"


def test_a_domain_belongs_to_one_tenant(admin: Client, tenant: Tenant) -> None:
    fields = {"name": "Thief", "slug": "thief", "is_active": "on"}
    fields |= inline("email_domains", {"domain": "TABLES.example"}) | inline("idp_connections")
    assert "already exists" in admin.post("/admin/tenants/tenant/add/", fields).content.decode()
    assert EmailDomain.objects.get().tenant == tenant


@pytest.mark.parametrize("slug", ["Acme", "a", "x" * 64, "xn--acme", "a_b", "a.b", "-a", "a-", "1a", "é", "all"])
def test_a_slug_is_a_dns_label(admin: Client, slug: str) -> None:
    fields = {"name": "Acme", "slug": slug} | inline("email_domains") | inline("idp_connections")
    assert admin.post("/admin/tenants/tenant/add/", fields).status_code == 200


def test_the_slug_of_a_tenant_stays(admin: Client, tenant: Tenant) -> None:
    domain = {"id": tenant.email_domains.get().pk, "tenant": tenant.pk, "domain": "tables.example"}
    fields = {"name": "Renamed", "slug": "renamed", "is_active": "on"} | inline("idp_connections")
    response = admin.post(
        f"/admin/tenants/tenant/{tenant.pk}/change/", fields | inline("email_domains", domain, initial=1)
    )
    assert response.status_code == 302
    tenant.refresh_from_db()
    assert (tenant.name, tenant.slug) == ("Renamed", "tables")


def test_an_account_can_be_pre_provisioned(admin: Client, tenant: Tenant) -> None:
    fields = {"username": "trinity", "realm": "wiki", "tenant": tenant.pk, "email": "trinity@rabbit.fake2"}
    assert admin.post("/admin/tenants/user/add/", fields | {"usable_password": "false"}).status_code == 302
    account = User.objects.get(username="trinity")
    assert (account.sub, account.tenant, account.has_usable_password()) == (None, tenant, False)


def test_an_entry_of_the_directory_gets_a_subject_of_its_own(admin: Client, tenant: Tenant) -> None:
    fields = {"username": "new", "realm": "idp", "tenant": tenant.pk, "email": "new@tables.example"}
    fields |= {"usable_password": "true", "password1": "a-long-passphrase", "password2": "a-long-passphrase"}
    assert admin.post("/admin/tenants/user/add/", fields).status_code == 302
    assert len(User.objects.get(username="new").sub or "") == 20


@pytest.mark.parametrize(
    ("email", "message"),
    [
        ("", "Enter an email address: people in a directory sign in with it."),
        ("bob@tables.example", "bob-1 already has this address in this directory."),
        ("BOB@Tables.Example", "bob-1 already has this address in this directory."),
    ],
)
def test_a_person_who_could_not_sign_in_is_refused(admin: Client, tenant: Tenant, email: str, message: str) -> None:
    User.objects.create(username="bob-1", realm="idp", tenant=tenant, email="bob@tables.example")
    fields = {"username": "bob-2", "realm": "idp", "tenant": tenant.pk, "email": email, "usable_password": "false"}
    page = admin.post("/admin/tenants/user/add/", fields)
    assert (page.status_code, message in page.content.decode()) == (200, True)
    assert not User.objects.filter(username="bob-2").exists()
    other = User.objects.create(username="other", realm="idp", tenant=tenant, email="other@tables.example")
    changed = {"first_name": "O", "last_name": "", "email": email, "is_active": "on"}
    page = admin.post(f"/admin/tenants/user/{other.pk}/change/", changed)
    assert (page.status_code, message in page.content.decode()) == (200, True)


def test_the_same_address_may_be_in_another_directory_and_at_an_app(admin: Client, tenant: Tenant) -> None:
    bob = User.objects.create(username="bob-1", realm="idp", tenant=tenant, email="bob@tables.example")
    other = Tenant.objects.create(name="Other", slug="other")
    for realm, where in (("idp", other), ("wiki", tenant)):
        fields = {"username": f"{realm}-bob", "realm": realm, "tenant": where.pk, "usable_password": "false"}
        assert admin.post("/admin/tenants/user/add/", fields | {"email": bob.email}).status_code == 302
    changed = {"first_name": "Bobby", "last_name": "", "email": "BOB@tables.example", "is_active": "on"}
    assert admin.post(f"/admin/tenants/user/{bob.pk}/change/", changed).status_code == 302


def test_an_account_of_an_app_needs_a_tenant(admin: Client) -> None:
    fields = {"username": "trinity", "realm": "wiki", "email": "", "usable_password": "false"}
    assert admin.post("/admin/tenants/user/add/", fields).status_code == 200
    assert not User.objects.filter(username="trinity").exists()


@pytest.mark.parametrize(("realm", "shown"), [("wiki", False), ("todo", False), ("idp", True)])
def test_a_password_is_offered_where_it_works(admin: Client, tenant: Tenant, realm: str, shown: bool) -> None:
    account = User.objects.create(username="x", realm=realm, tenant=tenant)
    page = admin.get(f"/admin/tenants/user/{account.pk}/change/").content.decode()
    assert ("field-password" in page) is shown
    assert "is_superuser" not in page


def test_an_account_the_idp_named_can_be_deactivated(admin: Client, tenant: Tenant) -> None:
    account = User.objects.create(username="wiki:tables:u/1 ü", realm="wiki", tenant=tenant, sub="u/1 ü")
    fields = {"first_name": "Bob", "last_name": "", "email": "bob@tables.fake2", "sub": "changed", "realm": "staff"}
    assert admin.post(f"/admin/tenants/user/{account.pk}/change/", fields).status_code == 302
    account.refresh_from_db()
    assert (account.is_active, account.sub, account.realm) == (False, "u/1 ü", "wiki")


def test_kept_tokens_are_never_shown(admin: Client, connection: IdPConnection) -> None:
    user = User.objects.create(username="bob", realm="wiki", tenant=connection.tenant, sub="u-bob")
    tokens = SubjectTokens.objects.create(
        user=user,
        connection=connection,
        id_token=sign(id_token_claims()),
        id_token_expires_at="2030-01-01T00:00Z",
        refresh_token="refresh-1",
    )
    page = admin.get(f"/admin/tenants/subjecttokens/{tokens.pk}/change/").content.decode()
    assert "refresh-1" not in page
    assert tokens.id_token not in page
