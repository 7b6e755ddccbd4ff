"""django-oauth-toolkit's validator for several servers: clients, tokens and keys belong to one authorization server."""

import hashlib
from typing import Any
from uuid import UUID

import jwt
from django.contrib.auth.hashers import get_hasher
from django.db import router, transaction
from jwcrypto.jwk import JWK
from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from authserver import client_assertion, oauth_audit, used_codes
from authserver.current_server import server_of
from authserver.models import JWT_BEARER, AuthorizationServer, Client, SigningKey
from authserver.oauthlib_server import InvalidTarget
from authserver.throttling import throttled
from base.recent_rows import recent
from crossapp.core.client_authentication import AuthMethod
from tenants.models import Tenant

_NO_SECRET = get_hasher("machine_made_secret").encode("no client has this secret", "-")


class ClientRefused(errors.InvalidClientError):
    """RFC 6749 section 5.2: client authentication failed. `detail` is the reason, for the audit and never for the peer.

    oauthlib's own grants answer with this error and keep it to themselves: the facts have the detail as well.
    """

    def __init__(self, detail: str, request: Any) -> None:
        super().__init__(request=request)
        self.detail = request.facts["detail"] = detail


def _method_used(request: Any) -> str:
    """Return the client's authentication method; raises InvalidRequestError for two methods at once."""
    in_header = request.headers.get("HTTP_AUTHORIZATION") is not None
    in_body = getattr(request, "client_secret", None) is not None
    by_assertion = any(
        getattr(request, name, None) is not None for name in ("client_assertion", "client_assertion_type")
    )
    if in_header + in_body + by_assertion > 1:
        description = "Use one authentication method: Authorization header, client_secret or client_assertion."
        raise errors.InvalidRequestError(description, request=request)
    if by_assertion:
        return AuthMethod.PRIVATE_KEY_JWT
    return AuthMethod.CLIENT_SECRET_BASIC if in_header else AuthMethod.CLIENT_SECRET_POST


def _why_refused(request: Any, method: str) -> str:
    """Return the reason, for the operator, why authentication with a secret failed."""
    if method == AuthMethod.CLIENT_SECRET_POST and not getattr(request, "client_secret", None):
        return "The credentials are missing."
    if request.client is None:
        return getattr(request, "client_refused", "The Authorization header is malformed.")
    if not request.client.accepts(method):
        return f"The client is registered for {request.client.auth_method} and used {method}."
    return "The secret is wrong."


def _lock_unspent(request: Any) -> None:
    """Lock the refresh token of `request`; raises InvalidGrantError if another request has used it meanwhile."""
    tokens = get_refresh_token_model().objects.select_for_update()
    if tokens.filter(pk=request.refresh_token_instance.pk, revoked=None).first() is None:
        raise errors.InvalidGrantError(request=request)


@recent(Client, AuthorizationServer, Tenant)
def _client(server_id: int, client_id: str) -> Client | None:
    clients = Client.objects.select_related("server__tenant", "tenant")
    return clients.filter(server=server_id, client_id=client_id).first()


class Validator(OAuth2Validator):
    """Client authentication (RFC 6749 section 2.3), grants and token storage for several servers.

    There are no public clients: every client authenticates, with a method that it is registered for.
    """

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        return True

    def authenticate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        return False

    @throttled
    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Authenticate by secret in the header, secret in the body or assertion, never two (RFC 6749 section 2.3).

        Raises OAuth2Error; the peer gets the same answer for every `ClientRefused`.
        """
        body_client_id = request.client_id
        method = _method_used(request)
        if method == AuthMethod.PRIVATE_KEY_JWT:
            authenticated = self._authenticate_assertion(request)
        elif method == AuthMethod.CLIENT_SECRET_BASIC:
            authenticated = self._authenticate_basic_auth(request)
        else:
            authenticated = self._authenticate_request_body(request)
        if authenticated and body_client_id and body_client_id != request.client.client_id:
            raise errors.InvalidRequestError("client_id is not that of the authenticated client.", request=request)
        if not authenticated or not request.client.accepts(method):
            raise ClientRefused(_why_refused(request, method), request)
        request.facts["client_id"] = request.client.client_id
        return True

    def _authenticate_assertion(self, request: Any) -> bool:
        try:
            client_assertion.authenticate(
                getattr(request, "client_assertion_type", None),
                getattr(request, "client_assertion", None),
                server=server_of(request),
                find_client=lambda client_id: self._load_application(client_id, request),
                passed=request.facts.passed.append,
            )
        except client_assertion.Refused as refused:
            raise ClientRefused(str(refused), request) from refused
        return True

    def _extract_basic_auth(self, request: Any) -> str | None:
        """RFC 9110 section 11.1: the scheme's name is case-insensitive, which the stock method ignores."""
        scheme, _, credentials = (request.headers.get("HTTP_AUTHORIZATION") or "").partition(" ")
        return credentials if scheme.lower() == "basic" else None

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        return get_hasher("machine_made_secret").verify(provided_secret, stored_secret)

    def _load_application(self, client_id: str, request: Any) -> Client | None:
        """Find the client of the requested server; the same identifier at another server is another client."""
        server = server_of(request)
        # A parameter called `client` arrives as `request.client`, because oauthlib uses one namespace for both.
        if not isinstance(request.client, Client) or request.client.client_id != client_id:
            found = _client(server.pk, client_id or "")
            request.client = found if found and found.is_active else None
            if request.client is None:
                request.client_refused = "The client is disabled." if found else "This server has no such client."
                self._check_secret("", _NO_SECRET)  # an unknown client takes as long as a wrong secret
        client: Client | None = request.client
        return client

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type in client.server.grant_types and client.allows_grant_type(grant_type)

    def validate_response_type(
        self, client_id: str, response_type: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if response_type != "code":
            raise errors.UnsupportedResponseTypeError(request=request)
        return client.allows_grant_type("authorization_code")

    def validate_code(self, client_id: str, code: str, client: Client, request: Any, *args: Any, **kwargs: Any) -> bool:
        if super().validate_code(client_id, code, client, request, *args, **kwargs):
            return True
        self._end_what_was_issued(code, client)
        return False

    def validate_refresh_token(
        self, refresh_token: str, client: Client, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """RFC 9700 section 4.14.2: a token used again ends its family. Another client's attempt ends nothing."""
        checksum = hashlib.sha256(refresh_token.encode("utf-8", "replace")).hexdigest()
        rows = get_refresh_token_model().objects.filter(token_checksum=checksum, application=client)
        if not (families := set(rows.values_list("token_family", flat=True))):
            return False
        if super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            return True
        if not rows.filter(revoked=None).exists():
            for family in families:
                self.end_family(family)
        return False

    def end_family(self, token_family: UUID | None) -> None:
        """Revoke the refresh tokens of a family, and delete its access tokens."""
        get_refresh_token_model().revoke_family(token_family)

    def _end_what_was_issued(self, code: str, client: Client) -> None:
        with transaction.atomic():
            if family := used_codes.revoke_what_was_issued(code, client=client):
                self.end_family(family)

    def save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Save in a transaction. Inside a redemption's transaction no savepoint is needed: it rolls back as a whole."""
        savepoint = request.grant_type != JWT_BEARER
        try:
            with transaction.atomic(using=router.db_for_write(get_access_token_model()), savepoint=savepoint):
                self._save_bearer_token(token, request, *args, **kwargs)
        except errors.InvalidGrantError:  # another request has spent the code or refresh token meanwhile
            if request.grant_type == "authorization_code":
                self._end_what_was_issued(request.code, request.client)
            elif request.grant_type == "refresh_token":
                self.end_family(request.refresh_token_instance.token_family)
            raise

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Store the tokens and, in the same transaction, spend the code or refresh token and record the grant.

        Of two concurrent requests one gets tokens, and the other one ends them.
        """
        if request.grant_type == "refresh_token":
            _lock_unspent(request)
        super()._save_bearer_token(token, request, *args, **kwargs)
        if request.grant_type == "authorization_code":
            super().invalidate_authorization_code(request.client_id, request.code, request)
            used_codes.remember(request.code, client=request.client, access_token=token["access_token"])
        oauth_audit.issued(request, token.get("scope", ""))

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing: `_save_bearer_token` has used up the code."""

    def get_oidc_issuer_endpoint(self, request: Any) -> str:
        return server_of(request).issuer

    def is_origin_allowed(self, client_id: str, origin: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        return False

    def _check_and_set_request_resource(self, request: Any) -> None:
        """Bind every token to this server's resource (RFC 8707 section 2): an unbound one would be valid everywhere."""
        server = server_of(request)
        if request.resource == [server.resource]:
            return  # the grant has set it
        super()._check_and_set_request_resource(request)
        if not request.resource:
            request.resource = [server.resource]
        if request.resource != [server.resource]:
            raise InvalidTarget(f"This server issues tokens for {server.resource} only.", request=request)

    def _get_key_for_token(self, token: str) -> JWK | None:
        """Return the key named by the still unverified token's `kid`; retired keys verify too."""
        key = SigningKey.objects.filter(kid=jwt.get_unverified_header(token).get("kid")).first()
        return key.jwk if key else None
