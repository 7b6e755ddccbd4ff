"""The settings of django-oauth-toolkit: this project's classes, short lifetimes, and what RFC 9700 asks for."""

from typing import Any


def toolkit_settings(*, demo: bool) -> dict[str, Any]:
    """Return OAUTH2_PROVIDER. The demo alone may redirect to plain http, which stays on this machine."""
    return {
        "OAUTH2_SERVER_CLASS": "authserver.oauthlib_server.Server",
        "OAUTH2_VALIDATOR_CLASS": "idp.validator.OpenIDValidator",
        "OAUTH2_BACKEND_CLASS": "authserver.oauthlib_request.Backend",
        "SCOPES_BACKEND_CLASS": "authserver.scopes.ServerScopes",
        "CLIENT_SECRET_HASHER": "machine_made_secret",
        "ACCESS_TOKEN_GENERATOR": "authserver.access_tokens.generate_access_token",
        "REFRESH_TOKEN_GENERATOR": "authserver.access_tokens.generate_refresh_token",
        "SCOPES": {"read": "Read", "write": "Write", "openid": "Sign in"},
        "DEFAULT_SCOPES": [],
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
        "ID_TOKEN_EXPIRE_SECONDS": 600,
        "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
        "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "PKCE_REQUIRED": True,
        "OIDC_ENABLED": True,
        "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
        "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"] if demo else ["https"],
        "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
        "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
        "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
        "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
        "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
        "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": not demo,
        "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
        "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    }
