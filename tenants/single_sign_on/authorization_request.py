"""OpenID Connect Core 1.0 section 3.1.2.1: the authentication request, with PKCE (RFC 7636 section 4).

Leaves out request objects (section 6) and pushed requests (RFC 9126).
"""

import base64
import hashlib
from urllib.parse import urlencode

from crossapp.core.urls import with_query
from tenants.single_sign_on.attempts import Attempt

SCOPE = "openid profile email offline_access"


def authorization_url(attempt: Attempt, endpoint: str, *, redirect_uri: str, login_hint: str) -> str:
    """Return the address at the IdP's authorization endpoint that the browser is sent to for `attempt`."""
    parameters = {
        "response_type": "code",
        "scope": SCOPE,
        **attempt.wanted,
        "client_id": attempt.connection.client_id,
        "redirect_uri": redirect_uri,
        "login_hint": login_hint,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": code_challenge(attempt.code_verifier),
        "code_challenge_method": "S256",
    }
    return with_query(endpoint, urlencode(parameters))


def code_challenge(code_verifier: str) -> str:
    """Return the challenge for `code_verifier` by the method S256 (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
