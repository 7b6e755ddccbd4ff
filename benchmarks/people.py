"""The people whom requests are about: accounts at the IdP and at both apps, todos, a page, sessions, ID tokens.

Needs Django set up with the environment that the server under test gets.
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
    """Somebody with an account at the IdP and one at each app, all bound as after a first sign-in."""

    idp: User
    wiki: User
    todo: User
    todos: list[int]
    page: int
    cookies: dict[str, str] = field(default_factory=dict)
    """Those of Wiki0, after a sign-in."""


@unrecorded()
def make_people(tenants: Sequence[Tenant], number: int) -> list[Person]:
    """Make people, one at each of `tenants` in turn, with todos and a page that links to them."""
    password, made = make_password(DEMO_PASSWORD), []
    for index in range(number):
        tenant, name = tenants[index % len(tenants)], f"person-{secrets.token_hex(4)}"
        idp_user, wiki_user, todo_user = (
            _account(realm, tenant, name, password) for realm in (Realm.IDP, Realm.WIKI, Realm.TODO)
        )
        wiki_user.sub = todo_user.sub = idp_user.sub
        User.objects.bulk_create([idp_user, wiki_user, todo_user])
        Todo.objects.bulk_create(Todo(owner=todo_user, task=f"Task {each}") for each in range(LINKS))
        todos = list(todo_user.todos.order_by("pk").values_list("pk", flat=True))
        content = "".join(f'<p><a href="{link_to(number)}">{link_to(number)}</a></p>' for number in todos)
        page = Article.objects.create(author=wiki_user, title="Links", content=content)
        made.append(Person(idp_user, wiki_user, todo_user, todos, page.pk))
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
    """Return an ID token for Wiki0 as the IdP of `person` issues it at a sign-in."""
    client = Client.objects.get(server__issuer=person.wiki.issuer, client_id="wiki0")
    expires = timezone.now() + timedelta(minutes=10)
    row = get_id_token_model().objects.create(
        user=person.idp, jti=uuid4(), application=client, expires=expires, scope="openid"
    )
    claims = {"aud": client.client_id, "jti": str(row.jti), "exp": int(expires.timestamp())}
    return signed(person, claims, typ="JWT")


def signed(person: Person, claims: dict[str, Any], *, typ: str) -> str:
    """Return `claims`, and what every token of the IdP of `person` says, signed with the IdP's key."""
    issuer, now = person.wiki.issuer, int(time.time())
    kid, key = _signing_key(issuer)
    common = {"iss": issuer, "sub": person.idp.sub, "iat": now, "auth_time": now - 60, "amr": ["pwd"]}
    return jwt.encode(common | claims, key, algorithm="RS256", headers={"typ": typ, "kid": kid})


@lru_cache(maxsize=1000)
def _signing_key(issuer: str) -> tuple[str, Any]:
    key = SigningKey.objects.get(server__issuer=issuer, status=SigningKey.Status.ACTIVE)
    return key.kid, load_pem_private_key(key.private_pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
