"""RFC 9470 section 4: the parameters that an IdP requires of a person's next sign-in.

They are stored in the browser's session and sent with one authorization request only, so that an IdP that cannot
fulfil its own requirement does not lock the person out.
"""

from collections.abc import Mapping

from django.http import HttpRequest

from tenants.models import IdPConnection

SESSION_KEY = "next_sign_in"


def remember(request: HttpRequest, parameters: Mapping[str, str]) -> None:
    """Store `parameters` (max_age, acr_values), if any, for the next sign-in in this browser."""
    if parameters and request.session.get(SESSION_KEY) != parameters:
        request.session[SESSION_KEY] = dict(parameters)


def take_up(request: HttpRequest, connection: IdPConnection) -> dict[str, str]:
    """Return and remove the parameters for the authorization request; only the IdP that required them gets them."""
    parameters: dict[str, str] = request.session.pop(SESSION_KEY, {})
    user = request.user
    return parameters if user.is_authenticated and user.tenant_id == connection.tenant_id else {}
