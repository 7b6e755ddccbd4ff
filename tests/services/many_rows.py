"""A database after some time: thousands of rows in every table that grows, and statistics that say so."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from django.contrib.sessions.models import Session
from django.db import connection, models
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_id_token_model, get_refresh_token_model

from audit.models import AuditEvent
from authserver.models import TOKEN_EXCHANGE, AuthorizationServer, Client, SigningKey, UsedCode
from crossapp.requesting_app.models import Lease, ResourceApp, StoredAccessToken
from crossapp.resource_app.models import ConsumedJti
from idp.models import CrossAppPolicy, FamilyIdToken, GrantedAuthentication
from tenants.models import App, EmailDomain, FormerSlug, IdPConnection, Realm, SubjectTokens, Tenant, User
from todo.models import Todo
from wiki.debug_console import KEPT_PER_USER, SURPLUS
from wiki.models import Article, RecordedStep

TENANTS, PEOPLE, EXPIRED = 1200, 1200, 20
NOW = timezone.now()


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


A_JTI = _hash("7")  # of one event


def fill(of: Tenant) -> None:
    """Add thousands of tenants with an IdP each, thousands of people to the tenant `of`, and what all of them left."""
    slugs = [f"tenant{number}" for number in range(TENANTS)]
    tenants = _add(Tenant(slug=slug, name=slug) for slug in slugs)
    _add(FormerSlug(slug=f"former-{slug}") for slug in slugs)
    _add(EmailDomain(tenant=tenant, domain=f"{tenant.slug}.example") for tenant in tenants)
    servers = _add(
        AuthorizationServer(realm=Realm.IDP, tenant=tenant, issuer=f"https://{tenant.slug}.idp.example")
        for tenant in tenants
    )
    _add(
        SigningKey(server=server, kid=_hash(server.issuer)[:43], private_pem="pem", status=SigningKey.Status.ACTIVE)
        for server in servers
    )
    clients = _add(
        Client(server=server, client_id=name, grants=[TOKEN_EXCHANGE], scope="openid", client_secret="s")
        for server in servers
        for name in ("wiki0", "todo0")
    )
    connections = _add(
        IdPConnection(tenant=server.tenant, app=app, issuer=server.issuer, client_id="wiki0", client_secret="s")
        for server in servers
        for app in App
    )
    _add(
        CrossAppPolicy(
            server=client.server,
            client=client,
            audience="https://todo.example",
            resource="https://todo.example/api",
            scope="read",
            client_id_at_audience="wiki0",
        )
        for client in clients
    )
    one_each = _accounts((tenant, f"bob@{tenant.slug}.example") for tenant in tenants)
    colleagues = _accounts((of, f"person{number}@tables.fake") for number in range(PEOPLE))
    _tokens(one_each + colleagues, clients[0], connections[0])
    _products(one_each + colleagues)
    bob = User.objects.get(email="bob@tables.fake", realm=Realm.WIKI)
    _add(RecordedStep(user=bob, kind="api", at=NOW) for _ in range(KEPT_PER_USER + SURPLUS))
    _traces(clients[0])
    analyze()


def analyze() -> None:
    """Let MariaDB count, as it does by itself now and then."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {', '.join(connection.introspection.table_names(cursor))}")


def _accounts(people: Iterable[tuple[Tenant, str]]) -> list[User]:
    return _add(
        User(username=f"{realm}:{tenant.slug}:{email}", email=email, realm=realm, tenant=tenant, sub=_hash(email)[:20])
        for tenant, email in people
        for realm in (Realm.IDP, Realm.WIKI, Realm.TODO)
    )


def _tokens(people: Sequence[User], client: Client, connection: IdPConnection) -> None:
    """Everybody has one token of each kind; of every kind a few have expired."""
    resource_app = ResourceApp.objects.get()
    times = [_expiry(number) for number in range(len(people))]
    id_tokens = _add(
        get_id_token_model()(user=user, application=client, jti=uuid4(), expires=expires)
        for user, expires in zip(people, times, strict=True)
    )
    access_tokens = _add(
        get_access_token_model()(
            user=id_token.user, application=client, expires=id_token.expires, id_token=id_token, **_secret()
        )
        for id_token in id_tokens
    )
    refresh_tokens = _add(
        get_refresh_token_model()(
            user=token.user, application=client, access_token=token, token_family=uuid4(), **_secret()
        )
        for token in access_tokens[EXPIRED:]
    )
    families = [token.token_family for token in refresh_tokens] + [uuid4() for _ in range(EXPIRED)]
    granted = _add(GrantedAuthentication(token_family=family, auth_time=1) for family in families)
    _add(FamilyIdToken(granted=each, id_token=number) for number, each in enumerate(granted))
    _add(
        get_grant_model()(user=user, application=client, code=secrets.token_hex(), expires=expires)
        for user, expires in zip(people, times, strict=True)
    )
    wiki = [(user, expires) for user, expires in zip(people, times, strict=True) if user.realm == Realm.WIKI]
    _add(
        SubjectTokens(user=user, connection=connection, id_token="t", id_token_expires_at=expires, updated_at=NOW)
        for user, expires in wiki
    )
    _add(
        StoredAccessToken(user=user, resource_app=resource_app, sealed_access_token="t", expires_at=expires)
        for user, expires in wiki
    )


def _products(people: Sequence[User]) -> None:
    _add(Todo(owner=user, task="a") for user in people if user.realm == Realm.TODO)
    authors = [user for user in people if user.realm == Realm.WIKI]
    _add(Article(author=user, tenant=user.tenant, title="a", content="<p>a</p>") for user in authors[: TENANTS + 50])
    _add(
        RecordedStep(user=user, kind="api", at=_expiry(number, future=timedelta()))
        for number, user in enumerate(people)
        if user.realm == Realm.WIKI
    )


def _traces(client: Client) -> None:
    """Add the rows without an owner: spent ID-JAGs and codes, leases, sessions, the audit."""
    numbered = [(str(number), _expiry(number)) for number in range(3000)]
    _add(ConsumedJti(issuer_hash=_hash("issuer"), jti_hash=_hash(name), expires_at=at) for name, at in numbered)
    _add(
        UsedCode(code_hash=_hash(name), client=client, access_token_checksum="c", expires_at=at)
        for name, at in numbered
    )
    _add(Lease(name=name, expires_at=at) for name, at in numbered)
    _add(Session(session_key=_hash(name)[:32], session_data="x", expire_date=at) for name, at in numbered)
    _add(
        AuditEvent(at=at, act="redemption", outcome="done", tenant=f"tenant{name}", client_id="wiki0", jti=_hash(name))
        for name, at in numbered
    )


def _expiry(number: int, future: timedelta = timedelta(hours=1)) -> datetime:
    return NOW - timedelta(days=400) if number < EXPIRED else NOW + future


def _secret() -> dict[str, str]:
    token = secrets.token_hex()
    return {"token": token, "token_checksum": _hash(token)}


def _add(rows: Iterable[models.Model]) -> list:
    made = list(rows)
    models.QuerySet(type(made[0])).bulk_create(made, batch_size=500)
    return made
