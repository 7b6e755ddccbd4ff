"""Stores a user's identity assertion for the requesting app: ID and refresh token of the last sign-in, encrypted."""

import logging
from typing import Any

from django.utils import timezone

from base.issuers import keys
from base.recent_rows import recent
from crossapp.core.jwk import KeysUnavailable
from crossapp.core.jws import parse_jws
from crossapp.fields import Undecryptable
from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.subject_tokens import SubjectTokenRefused, SubjectTokens
from tenants.models import IdPConnection, Tenant, User
from tenants.models import SubjectTokens as Stored
from tenants.shared_issuers import NoConnection, check_told_apart
from tenants.single_sign_on.id_token import Expected, IdToken, IdTokenRefused, verify_id_token
from tenants.single_sign_on.provider import revoke

logger = logging.getLogger(__name__)


class SubjectTokenStore:
    """Implements `crossapp.requesting_app.subject_tokens.SubjectTokenStore` with the table `SubjectTokens`."""

    def load(self, user: User) -> SubjectTokens | None:
        """Return the tokens of `user`, or None if there are none for the current IdP connection."""
        stored = _stored(user)
        return _subject_tokens(stored) if stored else None

    def replace(self, user: User, *, id_token: str, refresh_token: str) -> SubjectTokens:
        """Replace the tokens by those of a refresh (OpenID Connect Core 1.0 section 12.2).

        Raises SubjectTokenRefused for another person's ID token, CrossAppError if it cannot be verified now.
        """
        stored = _stored(user)
        if stored is None:
            raise SubjectTokenRefused("the user has signed out, or the IdP connection has changed")
        stored.refresh_token = refresh_token or stored.refresh_token
        try:
            verified = _verified(id_token, stored)
        except KeysUnavailable as error:
            _update(stored)  # the old refresh token may be used up
            raise CrossAppError(
                Cause.UNREACHABLE, f"cannot get the keys of the IdP: {error}", step="refresh"
            ) from error
        stored.id_token, stored.id_token_expires_at = verified.compact, verified.expires_at
        _update(stored)
        return _subject_tokens(stored)

    def discard(self, user: User) -> None:
        Stored.objects.filter(user=user).delete()


def keep(*, user: User, connection: IdPConnection, id_token: IdToken, refresh_token: str) -> None:
    """Store the tokens of a sign-in in place of earlier ones."""
    fields = {
        "connection": connection,
        "id_token": id_token.compact,
        "id_token_expires_at": id_token.expires_at,
        "refresh_token": refresh_token,
    }
    Stored.objects.update_or_create(user=user, defaults=fields)


def end(user: User) -> None:
    """Delete the subject tokens, and revoke them at the IdP (RFC 7009)."""
    stored = taken_from(user)
    if stored and stored.refresh_token:
        revoke(stored.connection, stored.refresh_token)


def taken_from(user: User) -> Stored | None:
    """Delete the subject tokens and return them, if they can be decrypted."""
    try:
        stored = Stored.objects.select_related("connection").filter(user=user).first()
    except Undecryptable:
        stored = None
    Stored.objects.filter(user=user).delete()
    return stored


def _stored(user: User) -> Stored | None:
    """Return the row of `user`, unless its tokens are for another IdP or client than the current connection's."""
    stored = Stored.objects.filter(user=user, user__is_active=True, user__sub=user.sub).first()
    connection = _connection(stored.connection_id) if stored else None
    if stored is None or connection is None or not (connection.enabled and connection.tenant.is_active):
        return None
    stored.user, stored.connection = user, connection
    return stored if _is_for(connection, stored) else None


def _is_for(connection: IdPConnection, stored: Stored) -> bool:
    """Say whether the ID token is of the connection's IdP, tenant and client, and about the row's user."""
    try:
        check_told_apart(connection)
    except NoConnection as error:
        logger.warning("subject tokens not used issuer=%s reason=%s", connection.issuer, error)
        return False
    claims = parse_jws(stored.id_token).unverified_payload  # verified before it was stored
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    same = claims["iss"] == connection.issuer and connection.client_id in audience and connection.is_named_in(claims)
    return same and claims["sub"] == stored.user.sub  # a row copied to another person is not used


@recent(IdPConnection, Tenant)
def _connection(connection_id: int) -> IdPConnection | None:
    return IdPConnection.objects.select_related("tenant").filter(pk=connection_id).first()


def _verified(id_token: str, stored: Stored) -> IdToken:
    connection = stored.connection
    expected = Expected(
        issuer=connection.issuer,
        client_id=connection.client_id,
        nonce=None,
        clock_skew=connection.clock_skew,
        tenant_claim=connection.tenant_claim,
        tenant_value=connection.tenant_value,
    )
    keys().forget(expected.issuer, fetched_before=connection.keys_fetched_since)
    try:
        verified = verify_id_token(id_token, expected=expected, key_for=keys().key_for)
    except IdTokenRefused as error:
        raise SubjectTokenRefused(error.detail) from error
    if verified.subject != stored.user.sub:
        raise SubjectTokenRefused("sub of the refreshed ID token is another person's")
    nonce = parse_jws(stored.id_token).unverified_payload.get("nonce")
    if verified.claims.get("nonce", nonce) != nonce:
        raise SubjectTokenRefused("nonce of the refreshed ID token is another sign-in's")
    return verified


def _update(stored: Stored) -> None:
    """Save the tokens, unless the user has signed out meanwhile."""
    fields: dict[str, Any] = {
        "id_token": stored.id_token,
        "id_token_expires_at": stored.id_token_expires_at,
        "refresh_token": stored.refresh_token,
        "updated_at": timezone.now(),
    }
    if not Stored.objects.filter(pk=stored.pk).update(**fields):
        raise SubjectTokenRefused("the user has signed out meanwhile")


def _subject_tokens(stored: Stored) -> SubjectTokens:
    return SubjectTokens(
        issuer=stored.connection.issuer,
        client_id=stored.connection.client_id,
        client_secret=stored.connection.client_secret,
        auth_method=stored.connection.auth_method,
        id_token=stored.id_token,
        id_token_expires_at=stored.id_token_expires_at,
        refresh_token=stored.refresh_token,
    )
