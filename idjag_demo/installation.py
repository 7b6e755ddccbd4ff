"""The rows of every installation: the authorization servers of the apps, and the registration of Wiki0 at Todo0."""

from django.conf import settings
from django.db import transaction

from authserver.models import JWT_BEARER, AuthorizationServer, Client, SigningKey
from crossapp.requesting_app.models import ResourceApp
from tenants.models import Realm, Tenant

APPS = (Realm.WIKI, Realm.TODO)


def is_installed() -> bool:
    """Say whether `install` has run."""
    return AuthorizationServer.objects.filter(realm__in=APPS).exists()


@transaction.atomic
def install() -> ResourceApp:
    """Create the apps' authorization servers and register Wiki0 at Todo0; return Wiki0's `ResourceApp` for Todo0."""
    for realm in APPS:
        add_server(realm, settings.ORIGINS[realm])
    todo_server = AuthorizationServer.objects.get(realm=Realm.TODO)
    client, secret = Client.register(
        server=todo_server, client_id="wiki0-at-todo0", name="Wiki0", grants=[JWT_BEARER], scope="read write"
    )
    return ResourceApp.objects.create(
        key="todo0",
        name="Todo0",
        audience=todo_server.issuer,
        resource=todo_server.resource,
        client_id=client.client_id,
        client_secret=secret,
        scope="read",
    )


def add_server(realm: Realm, issuer: str, tenant: Tenant | None = None) -> AuthorizationServer:
    """Create an authorization server with an active key."""
    server = AuthorizationServer.objects.create(realm=realm, tenant=tenant, issuer=issuer)
    SigningKey.generate(server, SigningKey.Status.ACTIVE)
    return server
