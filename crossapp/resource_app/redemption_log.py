"""Notes a redemption in the facts of its request, and reports it: one structured log line and one signal.

The ID-JAG itself is never included.
"""

import json
import logging
from typing import Any

from ..core.facts import RequestFacts
from ..core.id_jag import IdJag, TrustedIssuer
from ..core.jws import UnverifiedJws
from .replay import fingerprint
from .signals import redemption_granted, redemption_refused

logger = logging.getLogger("crossapp.resource_app.redemption")

_MAX_TEXT = 255


class RedemptionLog:
    """Notes a request's ID-JAG before and after verification; `granted` or `refused` reports the outcome."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.facts = RequestFacts.of(request)
        self._jws: UnverifiedJws | None = None
        self._id_jag: IdJag | None = None
        self._trusted: TrustedIssuer | None = None

    def claimed(self, jws: UnverifiedJws) -> None:
        """Note the unverified claims of the ID-JAG."""
        self._jws = jws
        names = {"issuer": "iss", "sub": "sub", "jti": "jti"}
        self.facts["unverified"] = {name: jws.unverified_payload.get(claim) for name, claim in names.items()}

    def verified(self, trusted: TrustedIssuer, id_jag: IdJag) -> None:
        """Note the verified ID-JAG."""
        self._trusted, self._id_jag = trusted, id_jag
        del self.facts["unverified"]
        self.facts |= {"issuer": id_jag.issuer, "sub": id_jag.subject, "jti": id_jag.jti}
        said = id_jag.delegation
        self.facts |= {
            "actor": json.dumps(said["act"]) if "act" in said else "",
            "sub_profile": said.get("sub_profile", ""),
        }

    def issued(self) -> None:
        """Send `redemption_granted` in the transaction of the token; a receiver's exception prevents the issue."""
        redemption_granted.send(type(self), **self._told())

    def granted(self) -> None:
        """Log that a token was issued."""
        request = self._request
        user = str(getattr(request.user, "pk", request.user))
        self._write("granted", user=user, scope_granted=" ".join(request.scopes), resource=list(request.resource))

    def refused(self, error: str, description: str) -> None:
        """Log the refusal with its check, and send `redemption_refused`."""
        check, detail = self.facts.failed, self.facts["detail"]
        self._write("refused", error=error, check=check, description=description, detail=detail[:_MAX_TEXT])
        why = {"error": error, "check": check, "detail": detail or description}
        redemption_refused.send_robust(type(self), **self._told(), **why, unverified=self._jws)

    def _told(self) -> dict[str, Any]:
        """Return the common arguments of both signals."""
        facts = {**self._line(), "ms": self.facts.ms}
        return {"request": self._request, "facts": facts, "id_jag": self._id_jag, "trusted": self._trusted}

    def _line(self) -> dict[str, Any]:
        """Return the facts for the log: the fingerprint of the `jti`, and no data of the person."""
        line = {name: self.facts[name] for name in ("client_id", "audience", "scope_asked") if name in self.facts}
        if self._id_jag:
            line |= {"issuer": self._id_jag.issuer, "jti": fingerprint(self._id_jag.jti)}
            line["scope_id_jag"] = " ".join(self._id_jag.scope or ())
        elif self._jws:
            claims = self._jws.unverified_payload
            line |= {"unverified_issuer": claims.get("iss"), "unverified_jti": fingerprint(claims.get("jti"))}
        short = {name: value[:_MAX_TEXT] if isinstance(value, str) else None for name, value in line.items()}
        return {**short, "checks_passed": list(self.facts.passed)}

    def _write(self, decision: str, **more: Any) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {"decision": decision, **self._line(), **more, "ms": self.facts.ms}
        logger.info("redemption %s", json.dumps(fields), extra={"redemption": fields})
