"""RFC 6750 and RFC 9068 section 4: authenticates API calls by bearer token or by session."""

import hashlib
import json
import logging
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja.utils import check_csrf
from oauth2_provider.models import get_access_token_model

from authserver.current_server import server_for
from authserver.models import AuthorizationServer, Client
from base.limits import API
from base.prepared_queries import prepared
from base.recent_rows import recent
from tenants.models import IdPConnection, Realm, Tenant, User

log = logging.getLogger("idjag_demo.authserver.bearer")

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_NOT_IN_A_HEADER = str.maketrans('"\\', "''")


@dataclass(frozen=True)
class Caller:
    """The caller and the allowed scopes; `client` is None for a person on the app's own pages."""

    user: User
    scopes: frozenset[str]
    client: Client | None


class BearerError(Exception):
    """A refused API call. `error` is a code of RFC 6750 section 3.1, or empty if there were no credentials."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


@dataclass(frozen=True)
class BearerOrSession:
    """Allows an API operation (ninja's `auth`) for an access token with `scope`, or for a session.

    A session comes from the app's own pages, where the person has all scopes.
    """

    scope: str = ""
    csrf: ClassVar[bool] = True  # tells the documentation page to send the token

    def __call__(self, request: HttpRequest) -> Caller:
        """Return the caller. Raises `BearerError`."""
        caller = caller_of(request)
        if self.scope and self.scope not in caller.scopes:  # RFC 6750 section 3.1
            raise BearerError(403, "insufficient_scope", f"This call needs the scope {self.scope}.")
        return caller


class SessionOnly:
    """Allows an API operation for a session only, because an access token acts for a client."""

    def __call__(self, request: HttpRequest) -> Caller:
        """Return the caller. Raises `BearerError`."""
        caller = caller_of(request)
        if caller.client is not None:
            raise BearerError(403, "forbidden", "This call takes a session, not a bearer token.")
        return caller


def caller_of(request: HttpRequest) -> Caller:
    """Return the caller of `request`: by bearer token if there is an Authorization header, otherwise by session.

    Raises `BearerError`.
    """
    if "HTTP_AUTHORIZATION" in request.META:
        return caller_by_token(request)
    if not request.user.is_authenticated:
        raise BearerError(401, "", "Authentication is required: a bearer token, or a session of this site.")
    if check_csrf(request, lambda: None):
        raise BearerError(
            403, "csrf_failed", "A session call that changes data must come from this site, with X-CSRFToken."
        )
    API.count(request.user.pk, "session")
    return Caller(request.user, frozenset(server_for(request).scopes), None)


def caller_by_token(request: HttpRequest) -> Caller:
    """Return the caller that the bearer token of `request` represents, checked at every call. Raises `BearerError`."""
    row = _row_of(bearer_token(request), server_for(request))
    API.count(row.user_id, row.application_id, user=row.user, client_id=row.application.client_id)
    return Caller(row.user, frozenset(scopes_of(row)), row.application)


def bearer_token(request: HttpRequest) -> str:
    """Return the one token of `request`, from the header only (RFC 6750 section 2.1).

    Raises `BearerError`.
    """
    scheme, _, token = request.META["HTTP_AUTHORIZATION"].partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BearerError(401, "", "The Authorization header must be Bearer and an access token.")
    if not _TOKEN.fullmatch(token):  # two such headers arrive as one, joined by a comma
        raise BearerError(400, "invalid_request", "The Authorization header must hold one access token.")
    in_form = request.content_type == "application/x-www-form-urlencoded" and "access_token" in request.POST
    in_query = request.META.get("QUERY_STRING") and "access_token" in request.GET
    if in_form or in_query:  # RFC 6750 section 3.1: more than one method
        raise BearerError(400, "invalid_request", "Send the access token in the Authorization header only.")
    return token


def _row_of(token: str, server: AuthorizationServer) -> Any:
    """Return the row of a token; the reason of a refusal is logged, without the token."""
    try:
        return usable_access_token(token, server)
    except BearerError as error:
        facts = {"issuer": server.issuer, "token_sha256": _checksum(token)[:16], "detail": error.description}
        log.info("access token refused %s", json.dumps(facts))
        raise


def usable_access_token(token: str, server: AuthorizationServer) -> Any:
    """Return the row of an access token that is valid now. Raises `BearerError`.

    The row must belong to a client of this server, be for its resource and not be expired. User and client must be
    active, and the client not bound to another tenant since.
    """
    row = _find(token, server)
    if row is None or row.application is None or row.application.server_id != server.pk:
        raise BearerError(401, "invalid_token", "This server does not know the access token.")
    if row.expires <= timezone.now():
        raise BearerError(401, "invalid_token", "The access token has expired.")
    if row.resource != [server.resource]:  # RFC 8707 section 2, RFC 9068 section 4
        raise BearerError(401, "invalid_token", "The access token is for another resource.")
    if not (row.application.is_active and _may_act(row.user)) or _is_bound_elsewhere(row.application, row.user):
        raise BearerError(401, "invalid_token", "The access token is no longer valid.")
    return row


def scopes_of(row: Any) -> list[str]:
    """Return the scopes that the access token of `row` has now: those that its client may still have.

    RFC 6749 section 3.3: the server may narrow the scope, also when the client loses a scope after the issue.
    """
    registered = row.application.scope.split()
    return [scope for scope in row.scope.split() if scope in registered]


def _find(token: str, server: AuthorizationServer) -> Any:
    """Return the row of an access token; at an app only while the tenant's IdP connection accepts ID-JAGs."""
    row: Any = next(iter(_access_tokens(_checksum(token))), None)
    if row is None:
        return None
    row.application = _client(row.application_id)
    if server.realm != Realm.IDP and row.user is not None:
        connection = _connection(server.realm, row.user.tenant_id)
        if connection is None or not (connection.enabled and connection.accepts_id_jags):
            return None
        row.user.tenant = connection.tenant
    return row


@prepared("token_checksum")
def _access_tokens() -> QuerySet[Model]:
    rows: QuerySet[Model] = get_access_token_model().objects.select_related("user")
    return rows


@recent(Client, AuthorizationServer, Tenant)
def _client(pk: int) -> Client | None:
    return Client.objects.select_related("server", "tenant").filter(pk=pk).first()


@recent(IdPConnection, Tenant)
def _connection(app: str, tenant_id: int) -> IdPConnection | None:
    return IdPConnection.objects.select_related("tenant").filter(app=app, tenant=tenant_id).first()


def _checksum(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _may_act(user: User | None) -> bool:
    return user is not None and user.is_active and user.tenant is not None and user.tenant.is_active


def _is_bound_elsewhere(client: Client, user: User) -> bool:
    return client.tenant_id not in (None, user.tenant_id)


def bearer_error_response(request: HttpRequest, error: BearerError) -> HttpResponse:
    """Render a refusal with the challenge of RFC 6750 section 3 and the pointer of RFC 9728 section 5.1."""
    code = error.error or "unauthorized"
    response = JsonResponse({"error": code, "error_description": error.description}, status=error.status)
    if error.status == 401 or code == "insufficient_scope":
        description = error.description.translate(_NOT_IN_A_HEADER)
        parts = [f'realm="{request.site.name}"']
        if error.error:
            parts += [f'error="{error.error}"', f'error_description="{description}"']
        if request.site.realm != "idp":
            metadata_url = f"{request.site.origin}/.well-known/oauth-protected-resource/api"
            parts.append(f'resource_metadata="{metadata_url}"')
        response["WWW-Authenticate"] = "Bearer " + ", ".join(parts)
    response["Cache-Control"] = "no-store"
    return response
