"""Fills an empty database with the demo: loads `fixtures/`, gives each tenant an IdP and registers both apps there.

Every seeding makes new keys, subjects and client secrets. The only secret in the repository is the demo password.
"""

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction

from audit.changes import unrecorded
from authserver.models import TOKEN_EXCHANGE, AuthorizationServer, Client
from base.addresses import idp_origin
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.demo import content
from idjag_demo.installation import add_server, install
from idp.models import CrossAppPolicy
from tenants.models import IdPConnection, Realm, Tenant, User
from wiki.models import Article

DEMO_PASSWORD = "avocado"
TODO0_IN_FIXTURES = "http://todo.localhost:8000"
CLIENT_NAMES = {Realm.WIKI: "wiki0", Realm.TODO: "todo0"}


def is_seeded() -> bool:
    """Say whether the database has content."""
    return Tenant.objects.exists() or AuthorizationServer.objects.exists()


def is_demo() -> bool:
    """Say whether everything in the database is the demo's: `seed` has made each tenant, or there is nothing."""
    tenants = Tenant.objects.values_list("is_demo", flat=True)
    return all(tenants) if tenants else not (User.objects.exists() or AuthorizationServer.objects.exists())


@transaction.atomic
@unrecorded()
def seed() -> None:
    """Fill an empty, migrated database with the demo. It leaves no audit events."""
    call_command("loaddata", *content.NAMES, verbosity=0)
    _complete_accounts()
    _complete_pages()
    todo0 = install()
    for organisation in content.organisations():
        _seed_idp(Tenant.objects.get(slug=organisation.slug), todo0)


def _complete_accounts() -> None:
    """Give those who sign in with a password the demo's, and the people of the directories a subject.

    The accounts at the apps are pre-provisioned: the first sign-in binds them.
    """
    for account in User.objects.filter(password=""):
        has_password = account.realm in (Realm.STAFF, Realm.IDP)
        account.password = make_password(DEMO_PASSWORD if has_password else None)
        account.save()  # makes the subject


def _complete_pages() -> None:
    """Let the links in the pages lead to where the settings say that Todo0 is."""
    for page in Article.objects.all():
        page.content = page.content.replace(TODO0_IN_FIXTURES, settings.ORIGINS["todo"])
        page.save()


def _seed_idp(tenant: Tenant, todo0: ResourceApp) -> None:
    """Give `tenant` an embedded IdP where both apps are registered and Wiki0 may act for people at Todo0."""
    server = add_server(Realm.IDP, idp_origin(tenant.slug), tenant)
    for realm, client_id in CLIENT_NAMES.items():
        origin = settings.ORIGINS[realm]
        grants = ["authorization_code", "refresh_token"] + ([TOKEN_EXCHANGE] if realm == Realm.WIKI else [])
        client, secret = Client.register(
            server=server,
            client_id=client_id,
            name=realm.label,
            grants=grants,
            scope="openid profile email offline_access",
            redirect_uris=f"{origin}/sign-in/callback",
            post_logout_redirect_uris=f"{origin}/signed-out",
        )
        IdPConnection.objects.create(
            tenant=tenant,
            app=realm,
            issuer=server.issuer,
            client_id=client_id,
            client_secret=secret,
            tells_access_denied=True,  # a card then says that the person has no access, not that something is broken
        )
        if realm == Realm.WIKI:
            CrossAppPolicy.objects.create(
                server=server,
                client=client,
                audience=todo0.audience,
                resource=todo0.resource,
                scope="read write",
                client_id_at_audience=todo0.client_id,
                includes_email=True,  # a person's first card binds their account at Todo0, found by this email
            )
