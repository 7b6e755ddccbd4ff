"""RFC 8414, OpenID Connect Discovery 1.0 and RFC 9728: metadata of an authorization server and its API."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from authserver.current_server import server_for
from authserver.models import JWT_BEARER, TOKEN_EXCHANGE, AuthorizationServer
from authserver.views.documents import document
from crossapp.core.algorithms import ALGORITHMS
from crossapp.core.client_authentication import AuthMethod
from tenants.models import Realm

ID_JAG_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id-jag"  # ID-JAG -04 section 4.3
ID_JAG_PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"  # ID-JAG -04 section 7.2


@document
def authorization_server_metadata(request: HttpRequest) -> HttpResponse:
    """RFC 8414 section 2, and the same document for OpenID Connect Discovery section 3."""
    return JsonResponse(metadata_of(server_for(request)))


def metadata_of(server: AuthorizationServer) -> dict[str, Any]:
    """Return the metadata of `server`, with supported features only."""
    endpoint = f"{server.issuer}/oauth2/v1"
    auth_methods = [method.value for method in AuthMethod]
    algorithms = list(ALGORITHMS)  # for client assertions
    metadata: dict[str, Any] = {
        "issuer": server.issuer,
        "authorization_endpoint": f"{endpoint}/authorize",  # some clients ignore the metadata without it
        "token_endpoint": server.token_endpoint,
        "jwks_uri": f"{endpoint}/keys",
        "introspection_endpoint": f"{endpoint}/introspect",
        "revocation_endpoint": f"{endpoint}/revoke",
        "scopes_supported": server.scopes,
        "grant_types_supported": server.grant_types,
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": auth_methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": auth_methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": auth_methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    }
    if JWT_BEARER in server.grant_types:
        metadata["authorization_grant_profiles_supported"] = [ID_JAG_PROFILE]
        metadata["protected_resources"] = [server.resource]  # RFC 9728 section 4
    if TOKEN_EXCHANGE in server.grant_types:
        metadata["identity_chaining_requested_token_types_supported"] = [ID_JAG_TOKEN_TYPE]
    if server.realm == Realm.IDP:
        metadata |= _openid_metadata(endpoint)
    return metadata


def _openid_metadata(endpoint: str) -> dict[str, Any]:
    return {
        "userinfo_endpoint": f"{endpoint}/userinfo",
        "end_session_endpoint": f"{endpoint}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "amr",
            "name", "given_name", "family_name", "preferred_username", "email", "email_verified",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }  # fmt: skip


@document
def protected_resource_metadata(request: HttpRequest) -> HttpResponse:
    """RFC 9728 section 2: the authorization server that issues tokens for this host's API."""
    server = server_for(request)
    return JsonResponse(
        {
            "resource": server.resource,
            "resource_name": f"{request.site.name} API",
            "authorization_servers": [server.issuer],
            "scopes_supported": server.scopes,
            "bearer_methods_supported": ["header"],
            "resource_documentation": f"{server.resource}/docs",
        }
    )
