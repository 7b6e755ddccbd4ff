"""Plugs `crossapp.resource_app` into this project: trusted issuers, resources, accounts of subjects."""

from collections.abc import Sequence
from typing import Any

from authserver.current_server import server_of
from base.issuers import keys
from base.recent_rows import recent
from crossapp.core.id_jag import IdJag
from crossapp.resource_app.host import IssuerRefused, SubjectDenied, SubjectRefused, TrustedIssuer
from tenants import subjects
from tenants.models import IdPConnection, Tenant, User


@recent(IdPConnection, Tenant)
def _connection(app: str, issuer: str) -> IdPConnection | None:
    """Return the one connection that `app` has with `issuer`."""
    return IdPConnection.objects.select_related("tenant").filter(app=app, issuer=issuer).first()


class ResourceAppHost:
    """Implements `crossapp.resource_app.host.Host`."""

    def audience(self, request: Any) -> str:
        return server_of(request).issuer

    def resources(self, request: Any) -> Sequence[str]:
        return [server_of(request).resource]

    def trusted_issuer(self, request: Any, issuer: str) -> TrustedIssuer:
        """Return the connection whose IdP is `issuer`, if this app has one and the client may act for its tenant.

        Raises IssuerRefused.
        """
        connection = _connection(server_of(request).realm, issuer)
        if connection is None:
            raise IssuerRefused("No IdP connection has this issuer.")
        if not connection.enabled:
            raise IssuerRefused(f"The connection of {connection.tenant.slug} is disabled.")
        if not connection.accepts_id_jags:
            raise IssuerRefused(f"The connection of {connection.tenant.slug} is for sign-in only.")
        if not connection.tenant.is_active:
            raise IssuerRefused(f"The tenant {connection.tenant.slug} is not active.")
        if request.client.tenant_id not in (None, connection.tenant_id):
            raise IssuerRefused(f"The client is bound to another tenant than {connection.tenant.slug}.")
        keys().forget(issuer, fetched_before=connection.keys_fetched_since)
        return TrustedIssuer(
            issuer=connection.issuer,
            connection=connection,
            single_use=connection.single_use,
            tells_access_denied=connection.tells_access_denied,
            requires_resource=connection.requires_resource,
            clock_skew=connection.clock_skew,
        )

    def client_scopes(self, request: Any) -> Sequence[str]:
        scopes: list[str] = request.client.scope.split()
        return scopes

    def subject(self, request: Any, trusted: TrustedIssuer, id_jag: IdJag) -> User:
        """Return the account of the ID-JAG's subject in the tenant of its issuer. Raises `SubjectRefused`.

        Raises `SubjectDenied` if that account is deactivated.
        """
        ours = request.facts["tenant"] = trusted.connection.tenant.slug
        if (id_jag.tenant or ours, id_jag.claims.get("aud_tenant", ours)) != (ours, ours):  # ID-JAG -04 section 6.4
            raise SubjectRefused("the tenant in the ID-JAG is not the tenant of its issuer")
        try:
            return subjects.resolve_subject(connection=trusted.connection, claims=subjects.read_claims(id_jag.claims))
        except subjects.SubjectDenied as error:
            raise SubjectDenied(error.detail) from error
        except subjects.SubjectRefused as error:
            raise SubjectRefused(error.detail) from error
