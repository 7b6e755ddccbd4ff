"""Who uses Todo0 in these tests."""

from django.test import Client

from tenants.models import App, IdPConnection, Realm, Tenant, User

HOST = "todo.localhost:8000"
ORIGIN = f"http://{HOST}"


def make_tenant(slug: str) -> Tenant:
    tenant = Tenant.objects.create(name=f"Org {slug}", slug=slug)
    issuer = f"http://{slug}.idp.localhost:8000"
    IdPConnection.objects.create(tenant=tenant, app=App.TODO, issuer=issuer, client_id="todo0", client_secret="s")
    return tenant


def make_user(tenant: Tenant, name: str) -> User:
    return User.objects.create(
        realm=Realm.TODO,
        tenant=tenant,
        issuer=f"http://{tenant.slug}.idp.localhost:8000",
        sub=f"sub-{name}",
        username=f"todo:{tenant.slug}:{name}",
        email=f"{name}@{tenant.slug}.example",
        first_name=name.title(),
        last_name="Tables",
    )


def browser_of(user: User, *, enforce_csrf_checks: bool = False) -> Client:
    browser = Client(enforce_csrf_checks=enforce_csrf_checks, headers={"host": HOST})
    browser.force_login(user, backend="tenants.passwords.RealmBackend")
    return browser
