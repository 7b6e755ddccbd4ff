"""RFC 9068 sections 2.1 and 2.2: access tokens as JWTs.

The token's database row (a hash) decides whether it is valid, so that it can be revoked. The claims are for people and
for external resource servers.
"""

import secrets
import time
from typing import Any

import jwt

from authserver.current_server import server_of
from authserver.models import AuthorizationServer
from crossapp.core.id_jag import IdJag
from tenants.models import Realm, User


def generate_access_token(request: Any) -> str:
    """Return a signed `at+jwt` for the user, client, scopes and resource that the grant has set on `request`.

    A token for an ID-JAG also says who acts for the subject (`act`, RFC 8693 section 4.1) and what the subject is
    (`sub_profile`), as the ID-JAG does. Its subject is the user all the same.
    """
    server = server_of(request)
    now = int(time.time())
    resource = request.resource if isinstance(request.resource, list) and request.resource else [server.resource]
    id_jag: IdJag | None = vars(request).get("id_jag")  # a parameter of that name is no attribute of its own
    claims = {
        **(id_jag.delegation if id_jag else {}),
        "iss": server.issuer,
        "sub": subject_at(server, request.user),
        "aud": resource[0] if len(resource) == 1 else resource,
        "client_id": request.client.client_id,
        "scope": " ".join(request.scopes),
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + request.expires_in,
    }
    return sign(server, claims, typ="at+jwt")


def generate_refresh_token(request: Any) -> str:
    """Return an opaque refresh token of 256 bits."""
    return secrets.token_urlsafe(32)


def subject_at(server: AuthorizationServer, user: User) -> str:
    """Return the subject of `user` at `server`: an IdP uses its `sub`, an app its own account number."""
    return user.sub if server.realm == Realm.IDP and user.sub else str(user.pk)


def sign(server: AuthorizationServer, claims: dict[str, Any], *, typ: str) -> str:
    """Return `claims` as a compact JWS of the type `typ`, signed with the server's active key."""
    key = server.active_key()
    return jwt.encode(claims, key.private_key, algorithm=key.algorithm, headers={"typ": typ, "kid": key.kid})
