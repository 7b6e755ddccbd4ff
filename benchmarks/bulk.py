"""Many rows soon: tenants as real ones are, access tokens, todos. Needs Django set up."""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from jwcrypto.jwk import JWK
from oauth2_provider.models import get_access_token_model

from authserver.models import TOKEN_EXCHANGE, AuthorizationServer, Client, SigningKey
from benchmarks.terminal import Progress
from crossapp.requesting_app.models import ResourceApp
from idp.models import CrossAppPolicy
from tenants.models import EmailDomain, IdPConnection, Realm, Tenant, User
from todo.models import Todo

KEY_PAIRS = 200
"""So many are made, because ten thousand would take an hour: the first tenants have one each, further ones share them.

A shared one has another `kid` with each tenant, which is not its thumbprint: no sign-in, but every grant works with it.
"""
BATCH = 2000


def add_tenants(number: int, title: str) -> None:
    """Add tenants until there are `number`: each with its IdP, key, clients, connections, policy and a person."""
    count = Tenant.objects.count()
    if count >= number:
        return
    todo0 = ResourceApp.objects.get()
    progress = Progress(title, number)
    for start in range(count, number, BATCH):
        numbers = range(start, min(start + BATCH, number))
        with transaction.atomic():
            _add_tenants(numbers, todo0)
        progress.reached(numbers.stop)


def _add_tenants(numbers: Sequence[int], todo0: ResourceApp) -> None:
    tenants = Tenant.objects.bulk_create(Tenant(slug=f"bulk{number}", name=f"Bulk {number}") for number in numbers)
    EmailDomain.objects.bulk_create(EmailDomain(tenant=each, domain=f"{each.slug}.fake") for each in tenants)
    servers = AuthorizationServer.objects.bulk_create(
        AuthorizationServer(realm=Realm.IDP, tenant=each, issuer=settings.ORIGINS["idp"].format(tenant=each.slug))
        for each in tenants
    )
    SigningKey.objects.bulk_create(_key(server, number) for server, number in zip(servers, numbers, strict=True))
    clients: dict[str, list[Client]] = {}
    for realm, client_id in ((Realm.WIKI, "wiki0"), (Realm.TODO, "todo0")):
        made = [_client(server, realm, client_id) for server in servers]
        given = [client.client_secret for client in made]  # hashed as they are saved
        clients[realm] = Client.objects.bulk_create(made)
        IdPConnection.objects.bulk_create(
            IdPConnection(
                tenant=server.tenant, app=realm, issuer=server.issuer, client_id=client_id, client_secret=secret
            )
            for server, secret in zip(servers, given, strict=True)
        )
    CrossAppPolicy.objects.bulk_create(
        CrossAppPolicy(
            server=server,
            client=client,
            audience=todo0.audience,
            resource=todo0.resource,
            scope="read write",
            client_id_at_audience=todo0.client_id,
        )
        for server, client in zip(servers, clients[Realm.WIKI], strict=True)
    )
    User.objects.bulk_create(
        User(
            username=f"{realm}:{tenant.slug}:one",
            realm=realm,
            tenant=tenant,
            email=f"one@{tenant.slug}.fake",
            sub=secrets.token_hex(10),
            issuer="" if realm == Realm.IDP else server.issuer,
            password="!",
        )
        for server, tenant in zip(servers, tenants, strict=True)
        for realm in (Realm.IDP, Realm.WIKI, Realm.TODO)
    )


def _client(server: AuthorizationServer, realm: Realm, client_id: str) -> Client:
    origin = settings.ORIGINS[realm]
    exchange = [TOKEN_EXCHANGE] if realm == Realm.WIKI else []
    return Client(
        server=server,
        client_id=client_id,
        client_secret=secrets.token_urlsafe(48),
        client_type=Client.CLIENT_CONFIDENTIAL,
        algorithm=Client.RS256_ALGORITHM,
        skip_authorization=True,
        name=realm.label,
        grants=["authorization_code", "refresh_token", *exchange],
        scope="openid profile email offline_access",
        redirect_uris=f"{origin}/sign-in/callback",
        post_logout_redirect_uris=f"{origin}/signed-out",
    )


def _key(server: AuthorizationServer, number: int) -> SigningKey:
    thumbprint, pem = _key_pairs()[number % KEY_PAIRS]
    kid = thumbprint if number < KEY_PAIRS else secrets.token_urlsafe(32)
    active = SigningKey.Status.ACTIVE
    return SigningKey(server=server, kid=kid, private_pem=pem, status=active, activated_at=timezone.now())


@cache
def _key_pairs() -> list[tuple[str, str]]:
    """Return new RSA keys: the thumbprint and the PEM text of each."""
    progress, made = Progress("key pairs", KEY_PAIRS), []

    def make(_: int) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    with ThreadPoolExecutor(2) as pool:  # outside of Python's lock
        for key in pool.map(make, range(KEY_PAIRS)):
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            made.append((JWK.from_pyca(key).thumbprint(), pem))
            progress.reached(len(made))
    return made


def add_todos(number: int, title: str) -> None:
    """Add todos until there are `number`, of people that nobody measures."""
    owners = _owners()
    template = Todo(owner_id=owners[0], task="Water the office avocado")
    count = number - Todo.objects.count()
    _insert(template, ({"owner_id": owners[each % len(owners)]} for each in range(count)), count, title)


def add_access_tokens(number: int, title: str) -> None:
    """Add access tokens of Wiki0 at Todo0 until there are `number`, of people that nobody measures."""
    model, owners, todo0 = get_access_token_model(), _owners(), ResourceApp.objects.get()
    template = model(
        user_id=owners[0],
        application=Client.objects.get(server__issuer=todo0.audience, client_id=todo0.client_id),
        expires=timezone.now() + timedelta(hours=1),
        scope="read",
        resource=[todo0.resource],
    )
    count = number - model.objects.count()
    rows = (
        {"user_id": owners[each % len(owners)], "token_checksum": hashlib.sha256(secrets.token_bytes(16)).hexdigest()}
        for each in range(count)
    )
    _insert(template, rows, count, title)


def _owners() -> list[int]:
    return list(User.objects.filter(realm=Realm.TODO, username__endswith=":one").values_list("pk", flat=True))


def _insert(template: models.Model, rows: Iterator[dict[str, Any]], count: int, title: str) -> None:
    """Insert `count` rows that are like `template` but for the columns that `rows` give.

    Without a model instance for each of a million rows, which would take minutes.
    """
    fields = [field for field in template._meta.local_concrete_fields if not field.primary_key]
    values = [field.get_db_prep_save(field.pre_save(template, True), connection) for field in fields]
    places = {str(field.attname): index for index, field in enumerate(fields)}
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    sql = (
        f"INSERT INTO {quote(template._meta.db_table)} ({columns}) "  # noqa: S608 (names of our own tables)
        f"VALUES ({', '.join(['%s'] * len(fields))})"
    )

    def values_of(row: dict[str, Any]) -> list[Any]:
        changed = list(values)
        for name, value in row.items():
            changed[places[name]] = value
        return changed

    progress, done = Progress(title, count), 0
    while batch := [values_of(row) for row in islice(rows, 10 * BATCH)]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(sql, batch)
        done += len(batch)
        progress.reached(done)
