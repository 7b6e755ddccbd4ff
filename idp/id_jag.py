"""ID-JAG -04 section 3.1: building and signing an ID-JAG."""

import secrets
import time

from authserver.access_tokens import sign
from authserver.models import AuthorizationServer
from idp.cross_app_policy import Permission
from idp.subject_tokens import Subject
from idp.validator import AUTHENTICATION_METHODS, email_of

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id-jag"  # ID-JAG -04 section 4.3
TYP = "oauth-id-jag+jwt"
LIFETIME = 300  # seconds


def build_id_jag(*, server: AuthorizationServer, subject: Subject, permission: Permission) -> tuple[str, str]:
    """Return a signed ID-JAG and its `jti`. Raises an `OAuth2Error` (503) if no key can sign.

    `client_id` is the client's identifier at the audience, not the one it has here; `sub` is what both apps see in
    their own ID tokens. The policy decides about the email: MCP Enterprise-Managed Authorization section 7.4.3 wants no
    personal data that is not needed, ID-JAG -04 section 3.1 recommends it for just-in-time provisioning.
    """
    now = int(time.time())
    claims = {
        "iss": server.issuer,
        "sub": subject.user.sub,
        "aud": permission.audience,
        "client_id": permission.client_id_at_audience,
        "jti": secrets.token_urlsafe(18),
        "iat": now,
        "exp": now + LIFETIME,
        "resource": permission.resource,
        "scope": " ".join(permission.scopes),
        **(email_of(subject.user) if permission.includes_email else {}),
        "auth_time": subject.auth_time,
        "amr": AUTHENTICATION_METHODS,
    }
    return sign(server, claims, typ=TYP), str(claims["jti"])
