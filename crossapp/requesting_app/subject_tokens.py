"""The store of users' identity assertions, which the host product supplies.

The dotted path in `CROSSAPP_REQUESTING_APP["SUBJECT_TOKEN_STORE"]` names a class without constructor arguments that
implements `SubjectTokenStore`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ..core.client_authentication import OwnClient


@dataclass(frozen=True)
class SubjectTokens:
    """The tokens of a user's single sign-on, with the client that they were issued to."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    auth_method: str
    id_token: str = field(repr=False)
    id_token_expires_at: datetime
    refresh_token: str = field(default="", repr=False)

    @property
    def client(self) -> OwnClient:
        return OwnClient(self.issuer, self.client_id, self.client_secret, self.auth_method)


class SubjectTokenRefused(Exception):
    """The ID token of a refresh is refused. `detail` is the reason for the log, without the token."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SubjectTokenStore(Protocol):
    """Loads and stores the subject tokens of a user."""

    def load(self, user: Any) -> SubjectTokens | None:
        """Return the tokens of `user`, or None if there are none that may be used."""

    def replace(self, user: Any, *, id_token: str, refresh_token: str) -> SubjectTokens:
        """Verify `id_token` as at sign-in, store both tokens in place of the old ones, and return them.

        Raises `SubjectTokenRefused`, and then the caller discards them all, or `CrossAppError` if it cannot be verified
        now.
        """

    def discard(self, user: Any) -> None:
        """Delete the tokens of `user`, which no longer work."""
