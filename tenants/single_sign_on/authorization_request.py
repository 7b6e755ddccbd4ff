"""OpenID Connect Core 1.0 section 3.1.2.1: the authentication request, with PKCE (RFC 7636 section 4).

Leaves out request objects (section 6) and pushed requests (RFC 9126).
"""

import base64
import hashlib
from urllib.parse import urlencode

from crossapp.core.metadata import Metadata
from crossapp.core.urls import with_query
from tenants.single_sign_on.attempts import Attempt

SCOPE = "openid profile email"
OFFLINE_ACCESS = "offline_access"  # OpenID Connect Core 1.0 section 11: for a refresh token


def authorization_url(attempt: Attempt, metadata: Metadata, *, redirect_uri: str, login_hint: str) -> str:
    """Return the address at the IdP's authorization endpoint that the browser is sent to for `attempt`.

    A step-up (`attempt.wanted`) does not replace the prompt of the connection: without it, the IdP might give no
    refresh token this time.
    """
    parameters = {
        "response_type": "code",
        "scope": scope_to_ask_for(attempt.connection.scope, metadata),
        **({"prompt": attempt.connection.prompt} if attempt.connection.prompt else {}),
        **attempt.wanted,
        "client_id": attempt.connection.client_id,
        "redirect_uri": redirect_uri,
        "login_hint": login_hint,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": code_challenge(attempt.code_verifier),
        "code_challenge_method": "S256",
    }
    return with_query(metadata.authorization_endpoint, urlencode(parameters))


def scope_to_ask_for(scope: str, metadata: Metadata) -> str:
    """Return the `scope` of the connection, or else the default one, with offline_access unless the IdP has none.

    Some IdPs refuse every sign-in that asks for it. An IdP that lists no scopes may have it.
    """
    if scope:
        return scope
    may_have_it = metadata.scopes_supported is None or OFFLINE_ACCESS in metadata.scopes_supported
    return f"{SCOPE} {OFFLINE_ACCESS}" if may_have_it else SCOPE


def code_challenge(code_verifier: str) -> str:
    """Return the challenge for `code_verifier` by the method S256 (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
