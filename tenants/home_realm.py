"""Which IdP an email address signs in at: "home realm discovery"."""

from tenants.models import EmailDomain, IdPConnection, User


def connection_for(email: str, app: str) -> IdPConnection | None:
    """Return the enabled IdP connection at `app` for the person with `email`, or None.

    The domain decides; a domain of no tenant leaves the address of a pre-provisioned account. Whether a person of a
    tenant's domain is known plays no part, so the answer gives nobody away.
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
