"""The people whose requests are measured: accounts at the IdP and at both apps, todos, a page, sessions, ID tokens.

Needs Django set up with the environment of the server under test.
"""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from oauth2_provider.models import get_id_token_model

from audit.changes import unrecorded
from authserver.models import Client, SigningKey
from idjag_demo.demo.seed import DEMO_PASSWORD
from tenants.models import Realm, SubjectTokens, Tenant, User
from tests.support.in_process import sign_in as walk_in
from tests.support.over_http import HttpBrowser
from todo.models import Todo
from wiki.models import Article

LINKS = 30  # on a page, to a todo each


@dataclass
class Person:
    """A person with an account at the IdP and one at each app, all bound as after a first sign-in."""

    idp: User
    wiki: User
    todo: User
    todos: list[int]
    page: int
    cookies: dict[str, str] = field(default_factory=dict)
    """Cookies of Wiki0, after a sign-in."""


@unrecorded()
def make_people(tenants: Sequence[Tenant], number: int) -> list[Person]:
    """Make people, one at each of `tenants` in turn, with todos and a page that links to them."""
    password, made = make_password(DEMO_PASSWORD), []
    for index in range(number):
        tenant, name = tenants[index % len(tenants)], f"person-{secrets.token_hex(4)}"
        idp, wiki, todo = (_account(realm, tenant, name, password) for realm in (Realm.IDP, Realm.WIKI, Realm.TODO))
        wiki.sub = todo.sub = idp.sub
        User.objects.bulk_create([idp, wiki, todo])
        Todo.objects.bulk_create(Todo(owner=todo, task=f"Task {each}") for each in range(LINKS))
        todos = list(todo.todos.order_by("pk").values_list("pk", flat=True))
        content = "".join(f'<p><a href="{link_to(pk)}">{link_to(pk)}</a></p>' for pk in todos)
        page = Article.objects.create(author=wiki, title="Links", content=content)
        made.append(Person(idp, wiki, todo, todos, page.pk))
    return made


def _account(realm: Realm, tenant: Tenant, name: str, password: str) -> User:
    return User(
        username=f"{realm}:{tenant.slug}:{name}",
        realm=realm,
        tenant=tenant,
        email=f"{name}@{tenant.email_domains.get().domain}",
        first_name=name,
        sub=secrets.token_hex(10),
        issuer="" if realm == Realm.IDP else settings.ORIGINS["idp"].format(tenant=tenant.slug),
        password=password if realm == Realm.IDP else "!",
    )


def link_to(todo: int) -> str:
    return f"{settings.ORIGINS['todo']}/todos/{todo}"


def sign_in(people: Iterable[Person]) -> None:
    """Sign `people` in to Wiki0 at their IdP, through the running server."""
    for person in people:
        browser = HttpBrowser()
        walk_in(browser, "wiki", person.wiki.email, DEMO_PASSWORD)
        browser.get(f"{settings.ORIGINS['wiki']}/pages/")
        host = str(urlsplit(settings.ORIGINS["wiki"]).hostname)
        names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
        person.cookies = {name: browser.cookie(host, name) for name in names}
        browser.session.close()


def id_token(person: Person) -> str:
    """Return the ID token that the sign-in of `person` left at Wiki0."""
    return SubjectTokens.objects.get(user=person.wiki).id_token


def mint_id_token(person: Person) -> str:
    """Return an ID token for Wiki0 like one that the IdP of `person` issues at a sign-in."""
    client = Client.objects.get(server__issuer=person.wiki.issuer, client_id="wiki0")
    expires = timezone.now() + timedelta(minutes=10)
    row = get_id_token_model().objects.create(
        user=person.idp, jti=uuid4(), application=client, expires=expires, scope="openid"
    )
    claims = {"aud": client.client_id, "jti": str(row.jti), "exp": int(expires.timestamp())}
    return signed(person, claims, typ="JWT")


def signed(person: Person, claims: dict[str, Any], *, typ: str) -> str:
    """Return `claims`, with the claims of every token of the IdP of `person`, signed with the IdP's key."""
    issuer, now = person.wiki.issuer, int(time.time())
    kid, key = _signing_key(issuer)
    common = {"iss": issuer, "sub": person.idp.sub, "iat": now, "auth_time": now - 60, "amr": ["pwd"]}
    return jwt.encode(common | claims, key, algorithm="RS256", headers={"typ": typ, "kid": kid})


@lru_cache(maxsize=1000)
def _signing_key(issuer: str) -> tuple[str, Any]:
    key = SigningKey.objects.get(server__issuer=issuer, status=SigningKey.Status.ACTIVE)
    return key.kid, load_pem_private_key(key.private_pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
