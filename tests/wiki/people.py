"""People of Wiki0, and their browsers."""

from typing import Any

from django.test import Client

from tenants.models import App, IdPConnection, Realm, Tenant, User

HOST = "wiki.localhost:8000"
ORIGIN = f"http://{HOST}"
TODO = "http://todo.localhost:8000"


def make_tenant(slug: str) -> Tenant:
    tenant = Tenant.objects.create(name=f"Org {slug}", slug=slug)
    issuer = f"http://{slug}.idp.localhost:8000"
    IdPConnection.objects.create(tenant=tenant, app=App.WIKI, issuer=issuer, client_id="wiki0", client_secret="s")
    return tenant


def make_user(tenant: Tenant, login: str, **fields: Any) -> User:
    return User.objects.create(
        username=f"wiki:{tenant.slug}:{login}",
        realm=Realm.WIKI,
        tenant=tenant,
        issuer=f"http://{tenant.slug}.idp.localhost:8000",
        sub=login,
        email=f"{login}@tables.fake",
        first_name=login.title(),
        **fields,
    )


def browser_of(user: User | None, **options: Any) -> Client:
    client = Client(headers={"host": HOST}, **options)
    if user is not None:
        client.force_login(user, backend="tenants.passwords.RealmBackend")
    return client
