"""What `connectidp` prints: the stored values of an IdP connection, and what to register at the IdP."""

from typing import Any

from django.conf import settings

from tenants.models import App, IdPConnection


def facts_of(connection: IdPConnection) -> dict[str, Any]:
    """Return the stored values and what to register at the IdP, without secrets."""
    origin = settings.ORIGINS[connection.app]
    return {
        "tenant": connection.tenant.slug,
        "name": connection.tenant.name,
        "domains": sorted(connection.tenant.email_domains.values_list("domain", flat=True)),
        "app": connection.app,
        "issuer": connection.issuer,
        "client_id": connection.client_id,
        "auth_method": connection.auth_method,
        "jit": connection.provisions_users,
        "id_jags": connection.accepts_id_jags,
        "single_use": connection.single_use,
        "tells_access_denied": connection.tells_access_denied,
        "requires_resource": connection.requires_resource,
        "enabled": connection.enabled,
        "redirect_uri": f"{origin}/sign-in/callback",
        "post_logout_redirect_uri": f"{origin}/signed-out",
        "audience": origin,
        "resource": f"{origin}/api",
    }


def describe(facts: dict[str, Any]) -> str:
    """Return the facts as text."""
    app = App(facts["app"]).label
    state = "enabled" if facts["enabled"] else "disabled"
    lines = [
        f"{facts['name']} ({facts['tenant']}) signs in to {app} at {facts['issuer']} ({state}).",
        f"  email domains             {', '.join(facts['domains']) or 'none: only known addresses sign in'}",
        f"  client identifier         {facts['client_id']} ({facts['auth_method']})",
        f"  unknown people            {'get an account' if facts['jit'] else 'are refused'}",
        f"  an ID-JAG of this IdP     {_good(facts)}",
        f"  a deactivated account     {'is told (access_denied)' if facts['tells_access_denied'] else 'is not told'}",
        "Register at the IdP:",
        f"  redirect URI              {facts['redirect_uri']}",
        f"  post-logout redirect URI  {facts['post_logout_redirect_uri']}",
    ]
    if facts["app"] == App.TODO:
        lines += [
            f"To let another app act at {app}, allow an ID-JAG there for:",
            f"  audience                  {facts['audience']}",
            f"  resource                  {facts['resource']}",
        ]
    return "\n".join(lines)


def _good(facts: dict[str, Any]) -> str:
    """Say how often an ID-JAG of this IdP is good at the app, and which is."""
    if not facts["id_jags"]:
        return "is refused: the connection is for sign-in only"
    often = "is good once" if facts["single_use"] else "is good until it expires"
    return f"{often}, if it names its resource" if facts["requires_resource"] else often
