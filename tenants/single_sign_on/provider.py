"""The app's requests to a tenant's IdP at sign-in and sign-out.

Metadata (OpenID Connect Discovery 1.0 section 4), the code for tokens (RFC 6749 section 4.1.3), revocation (RFC 7009).
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from base.issuers import discovery
from base.outgoing import session
from crossapp.client_key import client_key
from crossapp.core.client_authentication import OwnClient
from crossapp.core.errors import OAuthError, PeerError, Unreachable
from crossapp.core.http import Answer, send
from crossapp.core.masking import Masker, telling_members
from crossapp.core.metadata import Kind, Metadata
from crossapp.core.token_response import read_token_response
from tenants.models import IdPConnection
from tenants.single_sign_on.errors import Reason, SignInRefused

logger = logging.getLogger(__name__)


def metadata_of(connection: IdPConnection) -> Metadata:
    """Return the metadata of the connection's issuer, with an authorization endpoint; raises SignInRefused."""
    try:
        found = discovery.metadata(connection.issuer, Kind.OPENID)
    except PeerError as error:
        raise _refused(error) from error
    if not found.authorization_endpoint:
        raise SignInRefused(Reason.NOT_ACCEPTED, detail="the metadata name no authorization_endpoint", status=502)
    return found


def redeem(connection: IdPConnection, endpoint: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Exchange a code for tokens and return the token response; raises SignInRefused."""
    try:
        answer = _post(connection, endpoint, form)
        return read_token_response(answer.status, answer.headers, answer.body)
    except PeerError as error:
        raise _refused(error, [connection.client_secret, *telling_members(form)]) from error


def revoke(connection: IdPConnection, refresh_token: str) -> None:
    """Revoke a refresh token at the IdP (RFC 7009 section 2.1), if it has the endpoint; a failure is only logged."""
    try:
        endpoint = discovery.metadata(connection.issuer, Kind.OPENID).revocation_endpoint
        if endpoint:
            answer = _post(connection, endpoint, {"token": refresh_token, "token_type_hint": "refresh_token"})
            if answer.status != 200:
                logger.warning("refresh token not revoked issuer=%s status=%s", connection.issuer, answer.status)
    except PeerError as error:
        logger.warning("refresh token not revoked issuer=%s reason=%s", connection.issuer, error.detail)


def end_session_endpoint(connection: IdPConnection) -> str:
    """Return the IdP's end_session_endpoint (OpenID Connect RP-Initiated Logout 1.0 section 2.1), or ""."""
    try:
        return discovery.metadata(connection.issuer, Kind.OPENID).end_session_endpoint
    except PeerError as error:
        logger.warning("no metadata issuer=%s reason=%s", connection.issuer, error.detail)
        return ""


def _post(connection: IdPConnection, endpoint: str, form: Mapping[str, str]) -> Answer:
    client = OwnClient(connection.issuer, connection.client_id, connection.client_secret, connection.auth_method)
    ours = client.credentials(client_key)
    return send("POST", endpoint, session=session(), headers=ours.headers, form={**form, **ours.form})


def _refused(error: PeerError, secrets: Iterable[str] = ()) -> SignInRefused:
    mask = Masker(secrets)
    reason = Reason.NO_ANSWER if isinstance(error, Unreachable) else Reason.NOT_ACCEPTED
    expired = isinstance(error, OAuthError) and error.code == "invalid_grant"
    return SignInRefused(
        reason,
        detail=mask.text(error.detail),
        status=400 if expired else 502,
        code=mask.text(error.code),
        unverified={"error_description": mask.text(error.description)},
    )
