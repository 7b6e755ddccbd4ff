"""The demo's content: three customers with an IdP each, where both apps are registered, and four people.

Keys and client secrets are made here, anew at every seeding; nothing secret is in the repository but the demo password.
"""

import secrets

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.changes import unrecorded
from authserver.models import TOKEN_EXCHANGE, AuthorizationServer, Client
from base.addresses import idp_origin
from crossapp.requesting_app.models import ResourceApp
from idjag_demo.installation import add_server, install
from idp.models import CrossAppPolicy
from tenants.models import EmailDomain, IdPConnection, Realm, Tenant, User
from todo.models import Todo
from wiki.models import Article

DEMO_PASSWORD = "avocado"
STAFF_NAME = "admin"

# slug, name, email domain, people (first name, last name, address)
ORGANISATIONS = [
    (
        "customer1",
        "Fake Org",
        "tables.fake",
        [("Bobby", "Tables", "bob@tables.fake"), ("Trinity", "", "trinity@whiterabbit.fake")],
    ),
    ("customer2", "Fake Org 2", "tables.fake2", [("John", "Doe", "john@tables.fake2")]),
    ("customer3", "Fake Org 3", "tables.fake3", [("Foo", "Bar", "foo@tables.fake3")]),
]
TODOS = [
    ("Escape the quotes in the student table", False),
    ("Water the office avocado", False),
    ("Read the ID-JAG draft", True),
]
CLIENT_NAMES = {Realm.WIKI: "wiki0", Realm.TODO: "todo0"}


def is_seeded() -> bool:
    """Say whether there is anything in the database that seeding would add to."""
    return Tenant.objects.exists() or AuthorizationServer.objects.exists()


@transaction.atomic
@unrecorded()
def seed() -> None:
    """Fill an empty, migrated database with the demo. Nobody has done anything yet, so the audit begins after it."""
    User.objects.create(
        username=STAFF_NAME,
        realm=Realm.STAFF,
        is_staff=True,
        is_superuser=True,
        password=make_password(DEMO_PASSWORD),
    )
    todo0 = install()
    for slug, name, domain, people in ORGANISATIONS:
        tenant = Tenant.objects.create(slug=slug, name=name)
        EmailDomain.objects.create(tenant=tenant, domain=domain)
        _seed_idp(tenant, todo0)
        for first_name, last_name, email in people:
            _seed_person(tenant, first_name, last_name, email)


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


def _seed_person(tenant: Tenant, first_name: str, last_name: str, email: str) -> None:
    """Enter a person in the directory, and pre-provision their accounts at both apps: the first sign-in binds them."""
    names = {"first_name": first_name, "last_name": last_name, "email": email, "tenant": tenant}
    User.objects.create(
        username=f"idp:{tenant.slug}:{email}",
        realm=Realm.IDP,
        sub=secrets.token_hex(10),
        password=make_password(DEMO_PASSWORD),
        **names,
    )
    wiki_user, todo_user = (
        User.objects.create(
            username=f"{realm}:{tenant.slug}:{email}", realm=realm, password=make_password(None), **names
        )
        for realm in (Realm.WIKI, Realm.TODO)
    )
    todos = [Todo.objects.create(owner=todo_user, task=task, completed=completed) for task, completed in TODOS]
    link = f"{settings.ORIGINS['todo']}/todos/{todos[0].pk}"
    Article.objects.create(
        author=wiki_user,
        title=f"Notes of {first_name}",
        content=(
            "<p>This page links to a todo of mine. Wiki0 shows it as a card, fetched as you look:</p>"
            f'<p><a href="{link}">{link}</a></p>'
            "<p>My colleagues see a plain link here: the todo is not theirs.</p>"
        ),
    )
