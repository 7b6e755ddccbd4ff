"""The operator's pages: all of them open, secrets go in and never come out, no other account gets there."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.urls import reverse
from django.utils.http import urlencode

from audit.models import AuditEvent
from authserver.models import AuthorizationServer, Client, SigningKey
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo.seed import DEMO_PASSWORD, seed
from tenants.models import IdPConnection, Realm, Tenant, User
from tests.support.in_process import Browser as Walker
from tests.support.in_process import sign_in


def test_every_list_and_form_opens(operator: Browser) -> None:
    opened = 0
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert operator.get(reverse(f"{name}_changelist")).status_code == 200, name
        assert operator.get(reverse(f"{name}_add")).status_code in (200, 403), name
        row = model._default_manager.first()
        if row is not None:
            page = operator.get(reverse(f"{name}_change", args=[row.pk]))
            assert page.status_code == 200, name
            opened += 1
    assert opened >= 8


@pytest.mark.clause("OWASP ASVS", "", "WEB-19 SEC-05")
def test_no_page_shows_a_secret_a_token_or_a_key(operator: Browser) -> None:
    secrets = {connection.client_secret for connection in IdPConnection.objects.all()}
    secrets |= {ResourceApp.objects.get().client_secret}
    secrets |= set(Client.objects.values_list("client_secret", flat=True))
    secrets |= {key.private_pem.splitlines()[1] for key in SigningKey.objects.all()}
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for row in model._default_manager.all()[:5]:
            page = operator.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
            assert not [secret for secret in secrets if secret in page], name


def test_a_new_client_gets_a_machine_made_secret_shown_once(operator: Browser) -> None:
    server = AuthorizationServer.objects.get(realm=Realm.TODO)
    data = {
        "server": server.pk,
        "client_id": "agent0-at-todo0",
        "name": "Agent0",
        "is_active": "on",
        "auth_method": "client_secret_basic",
        "grants": '["urn:ietf:params:oauth:grant-type:jwt-bearer"]',
        "scope": "read",
    }
    answer = operator.post("/admin/authserver/client/add/", data)
    shown = re.search(r'<code id="client-secret">(\w+)</code>', answer.content.decode())
    assert shown
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (200, True)
    assert shown[1] not in str(answer.cookies) + str(operator.session.items())
    assert len(shown[1]) >= 43
    client = Client.objects.get(client_id="agent0-at-todo0")
    assert client.client_secret.startswith("machine_made_secret$")
    assert shown[1] not in client.client_secret
    again = operator.get(f"/admin/authserver/client/{client.pk}/change/").content.decode()
    assert shown[1] not in again
    renewed = operator.post(f"/admin/authserver/client/{client.pk}/change/", data | {"renew_secret": "on"})
    found = re.search(r'<code id="client-secret">(\w+)</code>', renewed.content.decode())
    assert found and found[1] != shown[1]
    assert found[1] not in str(renewed.cookies)
    assert operator.post(f"/admin/authserver/client/{client.pk}/change/", data).status_code == 302


@pytest.mark.clause("RFC 6749", "2.3.1", "the form offers both places for the secret first")
def test_the_form_of_a_new_client_offers_a_secret_in_the_header_or_in_the_body(operator: Browser) -> None:
    page = operator.get("/admin/authserver/client/add/").content.decode()
    assert '<option value="client_secret" selected>client_secret: in the header or in the body</option>' in page


def test_a_client_cannot_get_a_grant_its_server_does_not_offer(operator: Browser) -> None:
    client = Client.objects.get(client_id="wiki0-at-todo0")
    data = {
        "server": client.server_id,
        "client_id": client.client_id,
        "auth_method": client.auth_method,
        "grants": '["authorization_code"]',
        "scope": "read",
    }
    page = operator.post(f"/admin/authserver/client/{client.pk}/change/", data)
    assert "does not offer authorization_code" in page.content.decode()


def test_a_cross_app_policy_is_switched_off_in_its_form(operator: Browser) -> None:
    from idp.models import CrossAppPolicy

    policy = CrossAppPolicy.objects.first()
    assert policy
    form = {field: getattr(policy, field) for field in ("audience", "resource", "scope", "client_id_at_audience")} | {
        "server": policy.server_id,
        "client": policy.client_id,
    }
    response = operator.post(f"/admin/idp/crossapppolicy/{policy.pk}/change/", form)
    assert response.status_code == 302
    policy.refresh_from_db()
    assert policy.enabled is False


@pytest.mark.clause("WEB", "", "WEB-17 WEB-18")
def test_the_admin_is_on_the_bare_host_and_for_staff_only(walker: Walker, operator: Browser) -> None:
    for host in ("wiki.localhost:8000", "todo.localhost:8000", "customer1.idp.localhost:8000"):
        assert Browser(headers={"host": host}).get("/admin/").status_code == 404
    assert Browser(headers={"host": "localhost:8000"}).get("/admin/").status_code == 302
    sign_in(walker, "wiki", "bob@tables.fake")
    stolen = Browser(headers={"host": "localhost:8000"})
    stolen.cookies = walker.client("http://wiki.localhost:8000").cookies
    assert stolen.get("/admin/").status_code == 302
    for person in User.objects.filter(realm=Realm.IDP):
        login = {"username": person.username, "password": "avocado"}
        assert "Please enter the correct" in stolen.post("/admin/login/", login).content.decode()


EVERYWHERE_AT_AN_IDP = [
    "/", "/sign-in", "/signed-out", "/oauth2/v1/authorize", "/oauth2/v1/logout", "/oauth2/v1/keys",
    "/oauth2/v1/userinfo", "/oauth2/v1/token", "/oauth2/v1/revoke", "/oauth2/v1/introspect",
    "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
]  # fmt: skip


def ask_everything(slug: str) -> set[int]:
    """Return the statuses of everything that an embedded IdP answers, with and without a sign-in and a form."""
    browser = Browser(headers={"host": f"{slug}.idp.localhost:8000"}, raise_request_exception=False)
    form = {"email": f"new@{slug}.example", "password": "a-long-passphrase", "grant_type": "refresh_token"}
    body = {"data": urlencode(form), "content_type": "application/x-www-form-urlencoded"}
    return {ask.status_code for path in EVERYWHERE_AT_AN_IDP for ask in (browser.get(path), browser.post(path, **body))}


def test_a_tenant_gets_its_embedded_idp_in_the_admin_and_nothing_fails_in_between(operator: Browser) -> None:
    tenant = {"name": "Acme", "slug": "acme", "is_active": "on"}
    for prefix in ("email_domains", "idp_connections"):
        tenant |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert operator.post("/admin/tenants/tenant/add/", tenant).status_code == 302
    acme = Tenant.objects.get(slug="acme")
    assert max(ask_everything("acme")) < 500
    person = {"username": "new", "realm": "idp", "tenant": acme.pk, "email": "new@acme.example"}
    person |= {"usable_password": "true", "password1": "a-long-passphrase", "password2": "a-long-passphrase"}
    assert operator.post("/admin/tenants/user/add/", person).status_code == 302
    assert max(ask_everything("acme")) < 500

    form = operator.get("/admin/authserver/authorizationserver/add/").content.decode()
    assert re.findall(r'<option value="\d+">(.+)</option>', form) == ["Acme"], "the others have theirs"
    page = operator.post("/admin/authserver/authorizationserver/add/", {"tenant": acme.pk}, follow=True)
    server = AuthorizationServer.objects.get(tenant=acme)
    assert (server.realm, server.issuer) == ("idp", "http://acme.idp.localhost:8000")
    assert [key.status for key in server.signing_keys.all()] == ["active"]
    assert f"/admin/authserver/client/add/?server={server.pk}" in page.content.decode()
    statuses = ask_everything("acme")
    assert 200 in statuses and max(statuses) < 500

    client = {"server": server.pk, "client_id": "wiki0", "auth_method": "client_secret_basic", "scope": "openid"}
    client |= {"grants": '["authorization_code"]', "is_active": "on", "name": "Wiki0"}
    client |= {"redirect_uris": "http://wiki.localhost:8000/sign-in/callback"}
    assert "client-secret" in operator.post("/admin/authserver/client/add/", client).content.decode()
    assert AuditEvent.objects.filter(tenant="acme").values_list("act", flat=True).distinct().count() >= 4


def test_a_tenant_has_one_embedded_idp(operator: Browser) -> None:
    first = Tenant.objects.get(slug="customer1")
    page = operator.post("/admin/authserver/authorizationserver/add/", {"tenant": first.pk})
    assert "Select a valid choice" in page.content.decode()
    assert "This field is required" in operator.post("/admin/authserver/authorizationserver/add/").content.decode()
    server = AuthorizationServer.objects.get(tenant=first)
    assert operator.post(f"/admin/authserver/authorizationserver/{server.pk}/change/", {}).status_code == 403


@pytest.mark.parametrize("grants", ["", "5", '[["x"]]', "nonsense"])
@pytest.mark.parametrize("server", [True, False])
def test_a_form_of_a_client_or_policy_that_lacks_something_is_shown_again(
    operator: Browser, grants: str, server: bool
) -> None:
    todo = Client.objects.get(client_id="wiki0-at-todo0").server_id if server else ""
    client = operator.post("/admin/authserver/client/add/", {"server": todo, "client_id": "x", "grants": grants})
    policy = operator.post("/admin/idp/crossapppolicy/add/", {"server": todo})
    assert (client.status_code, policy.status_code) == (200, 200)
    assert "Please correct the error" in client.content.decode()
    assert "Please correct the error" in policy.content.decode()


@pytest.fixture
def clerk(db: None) -> Browser:
    """An operator who may add, change and delete users, and has no other permission."""
    seed()
    user = User.objects.create_user("clerk", password=DEMO_PASSWORD, realm=Realm.STAFF, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tenants", codename__endswith="_user"))
    browser = Browser(headers={"host": "localhost:8000"})
    browser.force_login(user, backend="tenants.passwords.RealmBackend")
    return browser


@pytest.mark.clause("WEB", "", "WEB-17")
def test_the_permission_to_change_users_makes_no_superuser(clerk: Browser) -> None:
    admin, self = User.objects.get(username="admin"), User.objects.get(username="clerk")
    powers = {"is_superuser": "on", "is_staff": "on", "is_active": "on", "username": "clerk"}
    passwords = {"password1": "another-password-1", "password2": "another-password-1", "usable_password": "true"}
    for user in (admin, self):
        page = f"/admin/tenants/user/{user.pk}"
        assert clerk.post(f"{page}/change/", powers).status_code == 403
        assert clerk.post(f"{page}/password/", passwords).status_code == 403
        assert clerk.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    clerk.post("/admin/tenants/user/", {"action": "delete_selected", "_selected_action": [admin.pk], "post": "yes"})
    clerk.post("/admin/tenants/user/add/", {"username": "new", "realm": "staff", **passwords})
    assert User.objects.get(username="admin").check_password(DEMO_PASSWORD)
    assert list(User.objects.filter(is_superuser=True)) == [admin]
    assert User.objects.filter(realm=Realm.STAFF).count() == 2


def test_the_permission_to_change_users_is_for_the_people_of_tenants(clerk: Browser) -> None:
    bob = User.objects.get(realm=Realm.IDP, email="bob@tables.fake")
    data = {"first_name": "Robert", "last_name": "Tables", "email": bob.email, "is_active": "on"}
    answer = clerk.post(f"/admin/tenants/user/{bob.pk}/change/", data)
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    bob.refresh_from_db()
    assert (bob.first_name, bob.is_staff) == ("Robert", False)
