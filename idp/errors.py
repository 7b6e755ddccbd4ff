"""The errors of the token exchange: the class is the OAuth error code, the description says what to correct."""

from typing import Any

from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError as InvalidRequest
from oauthlib.oauth2.rfc6749.errors import InvalidScopeError as InvalidScope

from authserver.oauthlib_server import InvalidTarget

__all__ = [
    "AccessDenied",
    "InsufficientUserAuthentication",
    "InvalidAuthorizationDetails",
    "InvalidDPoPProof",
    "InvalidGrant",
    "InvalidRequest",
    "InvalidScope",
    "InvalidTarget",
]


class InvalidGrant(InvalidGrantError):
    """The subject token is invalid. `detail` is for the audit, not for the client."""

    def __init__(self, description: str, *, detail: str = "") -> None:
        super().__init__(description)
        self.detail = f"{description} {detail}".strip()


class AccessDenied(OAuth2Error):
    """The request is sound and the tenant's policy says no: an honest client can tell it from a broken grant.

    ID-JAG branch access_denied_error section 4.3.4.3.
    """

    error = "access_denied"
    status_code = 400


class InsufficientUserAuthentication(OAuth2Error):
    """The person's sign-in is too old for that audience (RFC 9470 section 3, ID-JAG -04 section 9.2)."""

    error = "insufficient_user_authentication"
    status_code = 400

    def __init__(self, max_age: int) -> None:
        super().__init__("The user must sign in again: the policy requires a more recent authentication.")
        self.max_age = max_age

    @property
    def twotuples(self) -> list[tuple[str, Any]]:
        return [*super().twotuples, ("max_age", self.max_age)]


class InvalidAuthorizationDetails(OAuth2Error):
    """This server does not support rich authorization requests (RFC 9396 section 5)."""

    error = "invalid_authorization_details"
    status_code = 400


class InvalidDPoPProof(OAuth2Error):
    """A DPoP proof, which this server does not support and must not ignore (RFC 9449 section 5)."""

    error = "invalid_dpop_proof"
    status_code = 400
