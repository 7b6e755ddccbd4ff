"""Where the user's identity assertion comes from: the one thing the host product has to supply.

The dotted path in `CROSSAPP_REQUESTING_APP["SUBJECT_TOKEN_STORE"]` names a class without constructor arguments that
implements `SubjectTokenStore`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ..core.client_authentication import OwnClient


@dataclass(frozen=True)
class SubjectTokens:
    """What single sign-on left for a user, with the client of ours that it was issued to."""

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
    """The ID token of a refresh is not good. `detail` says why, for the log, without the token."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SubjectTokenStore(Protocol):
    """Loads and keeps the subject tokens of a user."""

    def load(self, user: Any) -> SubjectTokens | None:
        """Return the tokens of `user`, or None when there are none (or none that may still be used)."""

    def replace(self, user: Any, *, id_token: str, refresh_token: str) -> SubjectTokens:
        """Verify `id_token` as at sign-in, keep both instead of the old ones, and return them.

        Raises `SubjectTokenRefused`, whereupon the caller discards them all, or `CrossAppError` if that cannot be told
        now.
        """

    def discard(self, user: Any) -> None:
        """Forget the tokens of `user`: they will not work again."""
