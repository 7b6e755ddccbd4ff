"""Finds the IdP of an email address: "home realm discovery"."""

from tenants.models import EmailDomain, IdPConnection, User


def connection_for(email: str, app: str) -> IdPConnection | None:
    """Return the enabled IdP connection at `app` for the person with `email`, or None.

    The domain decides. For an unknown domain, the address may be that of a pre-provisioned account. For a tenant's
    domain the result does not depend on accounts, so it does not reveal them.
    """
    email = email.strip().lower()
    tenants = list(EmailDomain.objects.filter(domain=email.rpartition("@")[2]).values_list("tenant", flat=True))
    if not tenants:
        accounts = User.objects.with_email(email).filter(realm=app, tenant__isnull=False)
        tenants = list(accounts.values_list("tenant", flat=True).distinct()[:2])
    if len(tenants) != 1:
        return None
    connections = IdPConnection.objects.select_related("tenant")
    return connections.filter(app=app, tenant=tenants[0], enabled=True, tenant__is_active=True).first()
