"""RFC 8693 section 2.1 and ID-JAG -04 section 4.3.3: whose token is it that a client wants to exchange?

An ID token must be from this server, unexpired and issued to the requesting client. The same holds for a refresh token,
which is not used up. Other tokens (ID-JAGs, access tokens, tokens of another tenant's IdP) are refused.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from django.db.models import Model, QuerySet
from oauth2_provider.models import get_id_token_model

from authserver.current_server import server_of
from authserver.models import AuthorizationServer, Client, SigningKey
from base.prepared_queries import prepared
from base.recent_rows import recent
from idp.errors import InvalidGrant
from idp.validator import may_sign_in
from tenants.models import Realm, User

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # RFC 8693 section 3
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
SUBJECT_TOKEN_TYPES = (ID_TOKEN, REFRESH_TOKEN)

_LONGEST_ID_TOKEN = 16 * 1024
_NOBODY = "Its person was deleted, is not active, or is not in this directory."
_REQUIRED_CLAIMS = ["sub", "aud", "exp", "iat", "jti", "auth_time"]  # and `iss`, by naming the issuer


@dataclass(frozen=True)
class Subject:
    """A person of this IdP's directory and the time of authentication (seconds since the epoch)."""

    user: User
    auth_time: int


def subject_of(token: str, token_type: str, request: Any, validator: Any) -> Subject:
    """Return the subject of a subject token sent by the authenticated client of `request`. Raises `InvalidGrant`."""
    if token_type == ID_TOKEN:
        return subject_of_id_token(token, server=server_of(request), client=request.client)
    return _subject_of_refresh_token(token, request, validator)


def subject_of_id_token(token: str, *, server: AuthorizationServer, client: Client) -> Subject:
    """Return the subject of an ID token that `server` issued to `client`. Raises `InvalidGrant`."""
    claims = verify_own_id_token(token, server=server)
    if claims["aud"] not in (client.client_id, [client.client_id]):  # ID-JAG -04 section 4.3.3
        raise InvalidGrant("The subject token was not issued to this client.")
    if claims.get("azp", client.client_id) != client.client_id:  # OpenID Connect Core section 3.1.3.7 (5)
        raise InvalidGrant("The subject token was not issued to this client.")
    row = _issued_id_token(claims["jti"], client)
    if row is None:
        raise InvalidGrant("The subject token is not valid.", detail="This server did not issue it, or it was revoked.")
    if not _is_person_of(row.user, server) or row.user.sub != claims["sub"]:
        raise InvalidGrant("The subject token is not valid.", detail=_NOBODY)
    return Subject(user=row.user, auth_time=int(claims["auth_time"]))


def _issued_id_token(jti: str, client: Client) -> Any:
    """Return the row of an ID token that is still valid, or None."""
    try:
        return next(iter(_id_tokens(UUID(jti), client.pk)), None)
    except ValueError:
        return None


@prepared("jti", "application")
def _id_tokens() -> QuerySet[Model]:
    rows: QuerySet[Model] = get_id_token_model().objects.select_related("user__tenant")
    return rows


def verify_own_id_token(token: str, *, server: AuthorizationServer, verify_exp: bool = True) -> dict[str, Any]:
    """Return the claims of an ID token signed by `server` (OpenID Connect Core section 3.1.3.7). Raises `InvalidGrant`.

    The key is one of the server's own, found by `kid`; algorithms and keys in the header are not used (RFC 8725 section
    3.1). The type must be that of an ID token, so an ID-JAG or access token of this IdP is refused (RFC 8725 section
    3.12).
    """
    try:
        if len(token) > _LONGEST_ID_TOKEN:
            raise InvalidGrant("The subject token is too long.")
        unverified_header = jwt.get_unverified_header(f"{token.partition('.')[0]}..")  # decode() below reads the rest
        if unverified_header.get("typ") != "JWT":
            raise InvalidGrant("The subject token is not an ID token.")
        kid = unverified_header.get("kid")
        key = _verifying_key(server.pk, kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidGrant("The subject token is not signed by this server.")
        return jwt.decode(
            token,
            key.private_key.public_key(),
            algorithms=["RS256"],
            issuer=server.issuer,
            options={"require": _REQUIRED_CLAIMS, "verify_aud": False, "verify_exp": verify_exp},
        )
    except jwt.ExpiredSignatureError as error:
        raise InvalidGrant("The subject token has expired.") from error
    except jwt.PyJWTError as error:
        raise InvalidGrant("The subject token is not valid.", detail=type(error).__name__) from error


@recent(SigningKey)
def _verifying_key(server_id: int, kid: str) -> SigningKey | None:
    """Return the server's active or retired key with this `kid`."""
    return SigningKey.objects.filter(server=server_id, kid=kid).exclude(status=SigningKey.Status.NEXT).first()


def _subject_of_refresh_token(token: str, request: Any, validator: Any) -> Subject:
    """Validate as the refresh grant would, without rotating (ID-JAG -04 section 4.3.3, second rule)."""
    if not validator.validate_refresh_token(token, request.client, request):
        detail = "It is unknown, another client's, used or revoked, or its person may not sign in."
        raise InvalidGrant("The subject token is not valid.", detail=detail)
    if "openid" not in request.refresh_token_instance.access_token.scope.split():
        raise InvalidGrant("The subject token does not come from a sign-in: its grant lacks the scope openid.")
    if not _is_person_of(request.user, server_of(request)):
        raise InvalidGrant("The subject token is not valid.", detail=_NOBODY)
    return Subject(user=request.user, auth_time=request.auth_time)


def _is_person_of(user: User | None, server: AuthorizationServer) -> bool:
    """Say whether `user` is in the directory of this tenant's IdP, and active."""
    return user is not None and user.realm == Realm.IDP and user.tenant_id == server.tenant_id and may_sign_in(user)
