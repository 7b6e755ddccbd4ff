"""What the audit gets to know of a token exchange: who asked for what in whose name, and how it ended."""

import time
from typing import Any

from audit import log
from audit.clients import unverified_client
from audit.models import Act
from authserver.models import AuthorizationServer
from idp.cross_app_policy import Permission
from idp.errors import OAuth2Error, TemporarilyUnavailable
from idp.subject_tokens import Subject

_CHECKS = {
    "invalid_client": "client",
    "unauthorized_client": "grant_type",
    "invalid_grant": "subject_token",
    "invalid_target": "target",
    "access_denied": "policy",
    "insufficient_user_authentication": "authentication_age",
    "invalid_scope": "scope",
    "temporarily_unavailable": "audit",
}


class ExchangeRecord:
    """What is known of one request so far; `issued` or `refused` records it."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._started = time.monotonic()
        self._facts: log.Facts = {
            "audience": getattr(request, "audience", None) or "",
            "resource": getattr(request, "resource", None) or "",
            "scope_asked": request.scope or "",
        }

    def authenticated(self) -> None:
        """Note the client, which has proved who it is."""
        self._facts["client_id"] = self._request.client.client_id

    def verified(self, subject: Subject) -> None:
        """Note in whose name it asks."""
        server: AuthorizationServer = self._request.headers["X_SERVER"]
        self._facts |= {"user": subject.user, "sub": subject.user.sub or "", "issuer": server.issuer}

    def issued(self, permission: Permission, jti: str) -> None:
        """Record that an ID-JAG is issued; raises TemporarilyUnavailable if it may not be, for want of a record."""
        self._facts |= {"resource": permission.resource, "scope_granted": " ".join(permission.scopes), "jti": jti}
        try:
            log.done(Act.TOKEN_EXCHANGE, {**self._facts, "ms": self._milliseconds()})
        except log.NotRecorded as error:
            raise TemporarilyUnavailable("The server is busy. Try again later.") from error

    def refused(self, error: OAuth2Error) -> None:
        """Record that none is, and why: in the words for the client, and what is behind them."""
        if "client_id" not in self._facts:
            self._facts["unverified"] = {"client_id": unverified_client(self._request)}
        behind = getattr(error, "detail", "") or (type(error.__cause__).__name__ if error.__cause__ else "")
        self._facts["detail"] = f"{error.description or ''} {behind}".strip()
        check = _CHECKS.get(error.error, "request")
        self._facts["ms"] = self._milliseconds()
        log.refused(Act.TOKEN_EXCHANGE, self._facts, check=check, error=error.error)

    def _milliseconds(self) -> float:
        return (time.monotonic() - self._started) * 1000
