"""Several tenants behind one issuer: which connection a token belongs to (ID-JAG -04 section 6.1).

The connections of one app that share an issuer name the same claim, each with a value of its own. `IdPConnection`
checks that when it is validated, and the database refuses two equal values. Two saves at once can get past the
validation: what they leave is refused here, for all its tenants, until an operator mends it.
"""

from collections.abc import Mapping
from typing import Any

from base.recent_rows import recent
from crossapp.core.refusals import shown
from tenants.models import IdPConnection, Tenant


class NoConnection(Exception):
    """No connection is the token's. The text is the reason, for the log only."""


def connection_of(app: str, issuer: str, unverified_claims: Mapping[str, Any]) -> IdPConnection:
    """Return the connection of `app` that a token of `issuer` with these claims belongs to; raises NoConnection.

    The token is verified afterwards, with the keys of the issuer, and then its claim again.
    """
    sharing = _told_apart(app, issuer)
    if not sharing:
        raise NoConnection("No IdP connection has this issuer.")
    for connection in sharing:
        if connection.is_named_in(unverified_claims):
            return connection
    claim = sharing[0].tenant_claim
    said = shown(unverified_claims[claim]) if claim in unverified_claims else "missing"
    raise NoConnection(f"No IdP connection of this issuer is for the tenant in the token: {claim} is {said}.")


def check_told_apart(connection: IdPConnection) -> None:
    """Raise NoConnection if another tenant's connection has the same issuer and no claim tells the two apart."""
    _told_apart(connection.app, connection.issuer)


def _told_apart(app: str, issuer: str) -> tuple[IdPConnection, ...]:
    """Return the connections of `app` with `issuer`; raises NoConnection if a token could belong to two of them."""
    sharing = _sharing(app, issuer) or ()
    claims, values = {each.tenant_claim for each in sharing}, {each.tenant_value for each in sharing}
    if len(sharing) > 1 and (len(claims) > 1 or "" in claims or len(values) < len(sharing)):
        slugs = ", ".join(sorted(each.tenant.slug for each in sharing))
        raise NoConnection(f"The tenants {slugs} share this issuer, and no one claim tells them apart.")
    return sharing


@recent(IdPConnection, Tenant)
def _sharing(app: str, issuer: str) -> tuple[IdPConnection, ...] | None:
    connections = IdPConnection.objects.defer("client_secret").select_related("tenant")
    return tuple(connections.filter(app=app, issuer=issuer)) or None
