"""RFC 8414 section 2, ID-JAG -04 section 7.2: compares a resource app's authorization server with the flow's needs."""

from ..core import jwt_bearer
from ..core.comparisons import Comparison, compare, compare_client_authentication
from ..core.discovery import find_metadata
from ..core.metadata import Kind, Metadata
from .conf import http_session

ID_JAG_PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"


def fetched_metadata(audience: str) -> Metadata:
    """Return the metadata of the authorization server `audience`, fetched now; raises `Unreachable` or `BadAnswer`.

    Call it outside database transactions.
    """
    return find_metadata(audience, first=Kind.OAUTH, session=http_session())


def compare_with_server(metadata: Metadata, *, auth_method: str) -> list[Comparison]:
    """Compare `metadata` with the jwt-bearer grant, the ID-JAG profile and this project's authentication there."""
    remedy = "The server does not say that it takes ID-JAGs: ask its operator, if it refuses them."
    return [
        compare_client_authentication(auth_method, metadata.token_endpoint_auth_methods_supported),
        compare(
            "jwt-bearer grant",
            [jwt_bearer.GRANT_TYPE],
            metadata.grant_types_supported,
            default=["authorization_code", "implicit"],
            remedy=remedy,
        ),
        compare("ID-JAG", [ID_JAG_PROFILE], metadata.authorization_grant_profiles_supported, remedy=remedy),
    ]
