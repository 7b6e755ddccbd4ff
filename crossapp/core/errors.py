"""What can go wrong between us and a peer: an authorization server, an identity provider or an API."""

from collections.abc import Mapping


class PeerError(Exception):
    """Something went wrong between us and a peer. `detail` is for the log and holds no token or secret."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unreachable(PeerError):
    """No answer in time, or one that says to come back later (429, 5xx), perhaps with the seconds until then."""

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BadAnswer(PeerError):
    """An answer that the protocol does not allow, or that is not what was asked for."""


class OAuthError(PeerError):
    """An error response of a token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, code: str, description: str = "", sign_in_parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.sign_in_parameters = dict(sign_in_parameters or {})
