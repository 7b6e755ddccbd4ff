"""One structured line and one signal per redemption: who asked for what with which ID-JAG, and what came of it.

Never the ID-JAG itself.
"""

import json
import logging
import time
from collections.abc import Sequence
from typing import Any

from ..core.id_jag import IdJag
from ..core.jws import UnverifiedJws
from .host import TrustedIssuer
from .replay import fingerprint
from .signals import redemption_granted, redemption_refused

logger = logging.getLogger("crossapp.resource_app.redemption")

_MAX_TEXT = 255


class RedemptionLog:
    """What is known of one request so far; `granted` or `refused` writes it, as JSON and as `record.redemption`."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._started = time.monotonic()
        self._fields: dict[str, Any] = {}
        self._unverified: UnverifiedJws | None = None
        self._id_jag: IdJag | None = None
        self._trusted: TrustedIssuer | None = None

    def asked(self, *, client_id: str, audience: str, scope: str | None) -> None:
        """Note what the authenticated client wants."""
        self._fields |= {"client_id": client_id, "audience": audience, "scope_asked": _short(scope)}

    def unverified(self, jws: UnverifiedJws) -> None:
        """Note what the ID-JAG claims to be, under names that say so."""
        self._unverified = jws
        claims = jws.unverified_payload
        self._fields |= {
            "unverified_issuer": _short(claims.get("iss")),
            "unverified_jti": fingerprint(claims.get("jti")),
        }

    def verified(self, id_jag: IdJag, trusted: TrustedIssuer) -> None:
        """Note what the ID-JAG is, and whose."""
        self._id_jag, self._trusted = id_jag, trusted
        del self._fields["unverified_issuer"], self._fields["unverified_jti"]
        self._fields |= {
            "issuer": id_jag.issuer,
            "jti": fingerprint(id_jag.jti),
            "scope_id_jag": " ".join(id_jag.scope or ()),
        }

    def issued(self) -> None:
        """Tell that a token is issued, in the transaction that does it; raises what a receiver raises to prevent it."""
        redemption_granted.send(type(self), **self._known())

    def granted(self, *, user: Any, scope: Sequence[str], resource: Sequence[str]) -> None:
        """Write that a token was issued."""
        user_id = str(getattr(user, "pk", user))
        self._write("granted", user=user_id, scope_granted=" ".join(scope), resource=list(resource))

    def refused(self, error: str, description: str, *, check: str, detail: str) -> None:
        """Write and tell that none was, and which check said so."""
        self._write("refused", error=error, check=check, description=description, detail=_short(detail))
        told = {"error": error, "check": check, "detail": detail or description, "unverified": self._unverified}
        redemption_refused.send_robust(type(self), **self._known(), **told)

    def _known(self) -> dict[str, Any]:
        """Return what receivers of both signals get."""
        facts = {**self._fields, "ms": self._milliseconds()}
        return {"request": self._request, "facts": facts, "id_jag": self._id_jag, "trusted": self._trusted}

    def _milliseconds(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)

    def _write(self, decision: str, **more: Any) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {"decision": decision, **self._fields, **more, "ms": self._milliseconds()}
        logger.info("redemption %s", json.dumps(fields), extra={"redemption": fields})


def _short(value: Any) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) else None
