"""RFC 9470 section 4: what an IdP wants of a person's next sign-in, because it refused something without it.

It waits in the session of the browser that was refused, and goes with one authorization request: an IdP that cannot
fulfil what it wants itself locks nobody out.
"""

from collections.abc import Mapping

from django.http import HttpRequest

from tenants.models import IdPConnection

SESSION_KEY = "next_sign_in"


def remember(request: HttpRequest, parameters: Mapping[str, str]) -> None:
    """Let the next sign-in in this browser carry `parameters` (max_age, acr_values), if there are any."""
    if parameters and request.session.get(SESSION_KEY) != parameters:
        request.session[SESSION_KEY] = dict(parameters)


def take_up(request: HttpRequest, connection: IdPConnection) -> dict[str, str]:
    """Return the parameters for the authorization request that is about to be made; no other IdP gets them."""
    parameters: dict[str, str] = request.session.pop(SESSION_KEY, {})
    user = request.user
    return parameters if user.is_authenticated and user.tenant_id == connection.tenant_id else {}
