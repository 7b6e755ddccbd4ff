"""The requests, as bytes, of some people of the demo. Needs Django set up as `people` does."""

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote_plus, urlencode

from django.conf import settings

from authserver.models import JWT_BEARER, TOKEN_EXCHANGE
from benchmarks.load import Flow
from benchmarks.people import Person, link_to, signed
from benchmarks.wire import http_request
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tenants.models import IdPConnection, Realm

LISTED = 20  # todos on a page of the list


class World:
    """Some people, and what they and their apps ask for."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people
        self.todo0 = ResourceApp.objects.get()

    def health(self) -> Flow:
        return [http_request("GET", f"{settings.ORIGINS['staff']}/healthz")]

    def redemption(self, person: Person) -> bytes:
        """A jwt-bearer request of Wiki0 at Todo0 with an ID-JAG of its own."""
        claims = {
            "aud": self.todo0.audience,
            "client_id": self.todo0.client_id,
            "jti": secrets.token_urlsafe(18),
            "exp": int(time.time()) + 300,
            "resource": self.todo0.resource,
            "scope": "read",
            "email": person.idp.email,
            "email_verified": True,
        }
        id_jag = signed(person, claims, typ="oauth-id-jag+jwt")
        form = {"grant_type": JWT_BEARER, "assertion": id_jag, "scope": "read", "resource": self.todo0.resource}
        return _token_request(self.todo0.audience, form, self.todo0.client_id, self.todo0.client_secret)

    def exchange(self, person: Person, id_token: str) -> bytes:
        """A token exchange of Wiki0 at the IdP of `person`."""
        wiki0 = IdPConnection.objects.get(tenant=person.wiki.tenant, app=Realm.WIKI)
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            "subject_token": id_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "audience": self.todo0.audience,
            "resource": self.todo0.resource,
            "scope": "read",
        }
        return _token_request(wiki0.issuer, form, wiki0.client_id, wiki0.client_secret)

    def todo_read(self, person: Person, token: str) -> bytes:
        url = f"{self.todo0.resource}/todos/{secrets.choice(person.todos)}"
        return http_request("GET", url, Authorization=f"Bearer {token}")

    def todo_list(self, token: str) -> bytes:
        url = f"{self.todo0.resource}/todos?page_size={LISTED}"
        return http_request("GET", url, Authorization=f"Bearer {token}")

    def unfurl(self, person: Person, links: int = 1) -> bytes:
        """The request for cards that a page of Wiki0 makes."""
        origin = settings.ORIGINS["wiki"]
        return http_request(
            "POST",
            f"{origin}/api/articles/unfurl",
            body=json.dumps({"urls": [link_to(todo) for todo in person.todos[:links]]}).encode(),
            Cookie=_cookies(person),
            Origin=origin,
            Content_Type="application/json",
            X_CSRFToken=person.cookies[settings.CSRF_COOKIE_NAME],
        )

    def page(self, person: Person) -> bytes:
        return http_request("GET", f"{settings.ORIGINS['wiki']}/pages/{person.page}", Cookie=_cookies(person))

    def forget_stored_tokens(self) -> None:
        """Let Wiki0 hold no access token for any of these people."""
        StoredAccessToken.objects.filter(user__in=[person.wiki for person in self.people]).delete()


def _token_request(issuer: str, form: dict[str, str], client_id: str, secret: str) -> bytes:
    basic = b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
    return http_request(
        "POST",
        f"{issuer}/oauth2/v1/token",
        body=urlencode(form).encode(),
        Authorization=f"Basic {basic}",
        Content_Type="application/x-www-form-urlencoded",
    )


def _cookies(person: Person) -> str:
    return "; ".join(f"{name}={value}" for name, value in person.cookies.items())
