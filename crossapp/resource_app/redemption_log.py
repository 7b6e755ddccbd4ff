"""What is known of a redemption, noted in the facts of its request and told: one structured line and one signal.

Never the ID-JAG itself.
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
    """Takes one request's ID-JAG before and after it is verified; `granted` or `refused` tells what came of it."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.facts = RequestFacts.of(request)
        self._jws: UnverifiedJws | None = None
        self._id_jag: IdJag | None = None
        self._trusted: TrustedIssuer | None = None

    def claimed(self, jws: UnverifiedJws) -> None:
        """Note what the ID-JAG claims to be."""
        self._jws = jws
        names = {"issuer": "iss", "sub": "sub", "jti": "jti"}
        self.facts["unverified"] = {name: jws.unverified_payload.get(claim) for name, claim in names.items()}

    def verified(self, trusted: TrustedIssuer, id_jag: IdJag) -> None:
        """Note what the ID-JAG is, and whose."""
        self._trusted, self._id_jag = trusted, id_jag
        del self.facts["unverified"]
        self.facts |= {"issuer": id_jag.issuer, "sub": id_jag.subject, "jti": id_jag.jti}
        said = id_jag.delegation
        self.facts |= {
            "actor": json.dumps(said["act"]) if "act" in said else "",
            "sub_profile": said.get("sub_profile", ""),
        }

    def issued(self) -> None:
        """Tell that a token is issued, in the transaction that does it; raises what a receiver raises to prevent it."""
        redemption_granted.send(type(self), **self._told())

    def granted(self) -> None:
        """Write that a token was issued."""
        request = self._request
        user = str(getattr(request.user, "pk", request.user))
        self._write("granted", user=user, scope_granted=" ".join(request.scopes), resource=list(request.resource))

    def refused(self, error: str, description: str) -> None:
        """Write and tell that none was, and which check said so."""
        check, detail = self.facts.failed, self.facts["detail"]
        self._write("refused", error=error, check=check, description=description, detail=detail[:_MAX_TEXT])
        why = {"error": error, "check": check, "detail": detail or description}
        redemption_refused.send_robust(type(self), **self._told(), **why, unverified=self._jws)

    def _told(self) -> dict[str, Any]:
        """Return what receivers of both signals get."""
        facts = {**self._line(), "ms": self.facts.ms}
        return {"request": self._request, "facts": facts, "id_jag": self._id_jag, "trusted": self._trusted}

    def _line(self) -> dict[str, Any]:
        """Return the facts that the log may have: of a `jti` the fingerprint, of the person nothing."""
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
