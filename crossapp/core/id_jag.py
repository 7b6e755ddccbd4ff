"""A verified ID-JAG, and the way to it: ID-JAG -04 section 4.4.1, with RFC 7523 section 3 and RFC 8725.

`id_jag_checks` has the checks. The grant does the rest: the subject's account, scope and resource, `cnf` and
`authorization_details` (RFC 9396), and the replay check.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from .claims import BadClaim
from .id_jag_checks import CHECKS, Case, Expected, IssuerRefused, TrustedIssuer, as_list
from .jws import MalformedJws, UnverifiedJws, parse_jws
from .refusals import InvalidGrant, Refused

__all__ = ["CHECKS", "Expected", "IdJag", "IssuerRefused", "TrustedIssuer", "parse_id_jag", "verify_id_jag"]


@dataclass(frozen=True)
class IdJag:
    """A verified ID-JAG. Absent or null claims are "" or (), but `scope` is None. `claims` has all of them."""

    issuer: str
    subject: str
    audience: str
    client_id: str
    jti: str
    issued_at: datetime
    expires_at: datetime
    scope: tuple[str, ...] | None
    resource: tuple[str, ...]
    email: str
    email_verified: bool
    name: str
    tenant: str
    claims: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def delegation(self) -> dict[str, Any]:
        """Return the claims `act` and `sub_profile`, as far as there are any, for the access token and the audit.

        ID-JAG -04 section 9.7: the actor is not the subject, so neither of them says whose token it is.
        """
        profile = self.claims.get("sub_profile")
        said = {"act": self.claims.get("act"), "sub_profile": profile if isinstance(profile, str) else None}
        return {name: value for name, value in said.items() if value}


def parse_id_jag(assertion: str) -> UnverifiedJws:
    """Decode the `assertion` parameter; raises InvalidGrant."""
    try:
        return parse_jws(assertion)
    except MalformedJws as error:
        raise InvalidGrant(f"The assertion is not a compact JWT: {error}.", check="jws") from error


def verify_id_jag(
    jws: UnverifiedJws, expected: Expected, passed: Callable[[str], None] = lambda name: None
) -> tuple[TrustedIssuer, IdJag]:
    """Run every check on `jws`; return its trusted issuer and its claims, verified. Raises Refused.

    `passed` is called with the name of each check that passes.
    """
    case = Case(jws, expected)
    for check in CHECKS:
        try:
            check.run(case)
        except BadClaim as bad:
            raise InvalidGrant(f"{bad.name} in the ID-JAG {bad.problem}.", check=check.name) from bad
        except Refused as refused:
            refused.check = check.name
            raise
        passed(check.name)
    return case.trusted, _id_jag(case.payload)


def _id_jag(payload: Mapping[str, Any]) -> IdJag:
    """Build the verified ID-JAG from claims that passed every check."""
    return IdJag(
        issuer=payload["iss"],
        subject=payload["sub"],
        audience=as_list(payload["aud"])[0],
        client_id=payload["client_id"],
        jti=payload["jti"],
        issued_at=datetime.fromtimestamp(payload["iat"], UTC),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        scope=tuple(payload["scope"].split()) if "scope" in payload else None,
        resource=tuple(as_list(payload["resource"])) if "resource" in payload else (),
        email=payload.get("email") or "",
        email_verified=payload.get("email_verified", False),
        name=payload.get("name") or "",
        tenant=payload.get("tenant") or "",
        claims=MappingProxyType(dict(payload)),
    )
