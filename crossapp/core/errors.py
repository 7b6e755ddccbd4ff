"""The errors in exchanges with a peer: an authorization server, an identity provider or an API."""

from collections.abc import Mapping


class PeerError(Exception):
    """An error in an exchange with a peer. `detail` is for the log and holds no token or secret."""

    code = ""  # the OAuth error code and its description, if the peer sent them
    description = ""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unreachable(PeerError):
    """No answer in time, or 429 or 5xx, perhaps with the seconds to wait and an OAuth error."""

    def __init__(self, detail: str, *, retry_after: int | None = None, code: str = "", description: str = "") -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.code = code
        self.description = description


class BadAnswer(PeerError):
    """An answer that violates the protocol or does not match the request."""


class NotOffered(BadAnswer):
    """The peer has no such endpoint."""


class OAuthError(PeerError):
    """An error response of a token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, code: str, description: str = "", sign_in_parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.sign_in_parameters = dict(sign_in_parameters or {})
