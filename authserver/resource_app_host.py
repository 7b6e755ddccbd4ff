"""Plugs `crossapp.resource_app` into this project: trusted issuers, resources, accounts of subjects."""

from collections.abc import Mapping, Sequence
from typing import Any

from authserver.current_server import server_of
from base.issuers import keys
from crossapp.core.id_jag import IdJag
from crossapp.resource_app.host import IssuerRefused, SubjectDenied, SubjectRefused, TrustedIssuer
from tenants import shared_issuers, subjects
from tenants.models import IdPConnection, User


class ResourceAppHost:
    """Implements `crossapp.resource_app.host.Host`."""

    def audience(self, request: Any) -> str:
        return server_of(request).issuer

    def resources(self, request: Any) -> Sequence[str]:
        return [server_of(request).resource]

    def trusted_issuer(self, request: Any, issuer: str, unverified_claims: Mapping[str, Any]) -> TrustedIssuer:
        """Return the connection whose IdP is `issuer`, if this app has one and the client may act for its tenant.

        If several tenants share the issuer, the claims say which. Raises IssuerRefused.
        """
        try:
            connection = shared_issuers.connection_of(server_of(request).realm, issuer, unverified_claims)
        except shared_issuers.NoConnection as error:
            raise IssuerRefused(str(error)) from error
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
        request.facts["tenant"] = trusted.connection.tenant.slug
        _check_tenant(trusted.connection, id_jag)
        try:
            return subjects.resolve_subject(connection=trusted.connection, claims=subjects.read_claims(id_jag.claims))
        except subjects.SubjectDenied as error:
            raise SubjectDenied(error.detail) from error
        except subjects.SubjectRefused as error:
            raise SubjectRefused(error.detail) from error


def _check_tenant(connection: IdPConnection, id_jag: IdJag) -> None:
    """ID-JAG -04 section 6.4: the tenant claim has the connection's value; `tenant` and `aud_tenant` else our slug."""
    slug, claims = connection.tenant.slug, id_jag.claims
    if not connection.is_named_in(claims):
        raise SubjectRefused(f"{connection.tenant_claim} in the ID-JAG is not the value of the tenant {slug}")
    for name in {"tenant", "aud_tenant"} - {connection.tenant_claim}:
        if claims.get(name) not in (None, slug):
            raise SubjectRefused("the tenant in the ID-JAG is not the tenant of its issuer")
