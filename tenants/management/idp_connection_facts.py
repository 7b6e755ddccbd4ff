"""What `connectidp` prints: the stored values of an IdP connection, and what to register at the IdP."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from django.conf import settings

from crossapp.core.comparisons import CLIENT_AUTHENTICATION, Comparison, Severity
from tenants.models import App, IdPConnection

UNLESS_DEFAULT = {  # columns, with how each one's value is told
    "scope": "  scopes at sign-in         {}",
    "prompt": "  prompt at sign-in         {}",
    "clock_skew": "  clock skew                {} seconds",
    "trusts_absent_email_verified": "  no email_verified         counts as true for the tenant's domains",
    "trusts_false_email_verified": "  email_verified: false     counts as true for the tenant's domains",
    "tenant_claim": "  the tenant's claim        {}",
    "tenant_value": "  the value of that claim   {}",
}


def facts_of(connection: IdPConnection, comparisons: Collection[Comparison]) -> dict[str, Any]:
    """Return the stored values, the comparisons with the IdP's metadata and what to register there, without secrets."""
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
        "comparisons": [asdict(comparison) for comparison in comparisons],
        **{name: getattr(connection, name) for name in UNLESS_DEFAULT},
    }


def describe(facts: dict[str, Any]) -> str:
    """Return the facts as text; columns of `UNLESS_DEFAULT` only if they differ from their default."""
    defaults = IdPConnection()
    special = [name for name in UNLESS_DEFAULT if facts[name] != getattr(defaults, name)]
    app = App(facts["app"]).label
    state = "enabled" if facts["enabled"] else "disabled"
    lines = [
        f"{facts['name']} ({facts['tenant']}) signs in to {app} at {facts['issuer']} ({state}).",
        f"  email domains             {', '.join(facts['domains']) or 'none: only known addresses sign in'}",
        f"  client identifier         {facts['client_id']} ({_authentication(facts)})",
        f"  unknown people            {'get an account' if facts['jit'] else 'are refused'}",
        f"  an ID-JAG of this IdP     {_good(facts)}",
        f"  a deactivated account     {'is told (access_denied)' if facts['tells_access_denied'] else 'is not told'}",
        *(UNLESS_DEFAULT[name].format(facts[name]) for name in special),
        *_differences(facts),
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


def _authentication(facts: dict[str, Any]) -> str:
    """Return the client's method, with what the IdP takes, unless its metadata were not read."""
    taken = [each["found"] for each in facts["comparisons"] if each["name"] == CLIENT_AUTHENTICATION]
    return "; the IdP takes ".join([facts["auth_method"], *taken])


def _differences(facts: dict[str, Any]) -> list[str]:
    differences = [Comparison(**each) for each in facts["comparisons"] if each["severity"] != Severity.PASS]
    return (
        ["The IdP's metadata differ from what the app needs:", *(f"  {each}" for each in differences)]
        if differences
        else []
    )


def _good(facts: dict[str, Any]) -> str:
    """Say how often an ID-JAG of this IdP is good at the app, and which is."""
    if not facts["id_jags"]:
        return "is refused: the connection is for sign-in only"
    often = "is good once" if facts["single_use"] else "is good until it expires"
    return f"{often}, if it names its resource" if facts["requires_resource"] else often
