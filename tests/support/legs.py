"""Both legs of the flow by hand, over HTTP: what Wiki0 does for a person, with one thing changed."""

import base64
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client as Browser

from authserver.models import JWT_BEARER, TOKEN_EXCHANGE
from crossapp.requesting_app.models import ResourceApp
from tenants.models import App, IdPConnection, SubjectTokens, User

ID_JAG_TYPE = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"

WIKI, TODO = "wiki.localhost:8000", "todo.localhost:8000"


def idp_of(slug: str) -> str:
    """Return the host of a tenant's embedded IdP."""
    return f"{slug}.idp.localhost:8000"


def id_token_of(email: str) -> str:
    """Return the ID token that the person's sign-in left at Wiki0."""
    return SubjectTokens.objects.get(user__email=email, user__realm="wiki").id_token


def post_form(host: str, path: str, form: dict[str, Any], client_id: str, secret: str) -> Any:
    """Send a form as an OAuth client does."""
    credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return Browser(headers={"host": host}, raise_request_exception=False).post(
        path,
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"authorization": f"Basic {credentials}"},
    )


def exchange(email: str, *, at: str | None = None, **changes: str) -> Any:
    """Ask the IdP of the person's tenant, or the one of the tenant `at`, for an ID-JAG for Todo0."""
    slug = User.objects.get(email=email, realm="wiki").tenant.slug  # type: ignore[union-attr]
    connection = IdPConnection.objects.get(app=App.WIKI, tenant__slug=at or slug)
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "requested_token_type": ID_JAG_TYPE,
        "subject_token": changes.pop("subject_token", "") or id_token_of(email),
        "subject_token_type": ID_TOKEN_TYPE,
        "audience": settings.ORIGINS["todo"],
        "resource": f"{settings.ORIGINS['todo']}/api",
        "scope": "read",
    } | changes
    return post_form(idp_of(at or slug), "/oauth2/v1/token", form, connection.client_id, connection.client_secret)


def id_jag_of(email: str) -> str:
    """Return a good ID-JAG of the person for Todo0."""
    answer = exchange(email)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["access_token"])


def redeem(id_jag: str, *, at: str = TODO, client_id: str = "", secret: str = "", **changes: str) -> Any:
    """Redeem an ID-JAG as Wiki0, or as another client, at Todo0 or another host."""
    todo0 = ResourceApp.objects.get(key="todo0")
    form = {"grant_type": JWT_BEARER, "assertion": id_jag} | changes
    return post_form(at, "/oauth2/v1/token", form, client_id or todo0.client_id, secret or todo0.client_secret)


def access_token_of(email: str) -> str:
    """Return a good access token of the person for Todo0's API."""
    answer = redeem(id_jag_of(email))
    assert answer.status_code == 200, answer.content
    return str(answer.json()["access_token"])


def call(token: str, path: str = "/api/todos", *, at: str = TODO, method: str = "GET", **extra: Any) -> Any:
    """Call an API with an access token."""
    headers = {"host": at, "authorization": f"Bearer {token}"}
    return Browser(headers=headers, raise_request_exception=False).generic(method, path, **extra)


def is_refused(answer: Any, error: str, status: int = 400) -> bool:
    """Say whether an OAuth endpoint has refused with this code, in JSON that no cache stores."""
    assert answer.status_code == status, answer.content
    assert answer["Cache-Control"] == "no-store"
    assert "access_token" not in answer.json()
    return bool(answer.json()["error"] == error)
