"""RFC 6749 section 3.3: the scope of the access token.

A claim that does not fit is invalid_grant (MCP Enterprise-Managed Authorization section 7.6.2): the IdP has to mend it.
A parameter that does not fit is invalid_scope (RFC 6749 section 5.2): the client has to mend it.
"""

from collections.abc import Sequence

from .oauth_text import is_scope
from .refusals import InvalidGrant, InvalidScope, shown


def granted_scope(*, requested: str | None, id_jag: tuple[str, ...] | None, client: Sequence[str]) -> list[str]:
    """Return requested ∩ ID-JAG ∩ client's, each once, in the ID-JAG's order. Without a request the ID-JAG's count.

    Raises InvalidGrant if the ID-JAG has no scope, or none that the client may have, whatever is requested. Raises
    InvalidScope if the request is malformed, or asks for nothing that is left.
    """
    if requested and not is_scope(requested):
        raise InvalidScope("scope must be a string of scopes with single spaces between them.", check="scope")
    if not id_jag:
        raise InvalidGrant("The ID-JAG has no scope, so there is nothing to grant.", check="scope")
    if not set(id_jag) & set(client):
        raise InvalidGrant(f"scope in the ID-JAG is {_list(id_jag)}, which this client may not have.", check="scope")
    asked = requested.split() if requested else id_jag
    in_id_jag = [scope for scope in dict.fromkeys(id_jag) if scope in asked]
    if not in_id_jag:
        raise InvalidScope(f"None of the requested scopes is in the ID-JAG, which has {_list(id_jag)}.", check="scope")
    granted = [scope for scope in in_id_jag if scope in client]
    if not granted:
        raise InvalidScope(f"This client may not have {_list(in_id_jag)}.", check="scope")
    return granted


def _list(scopes: Sequence[str]) -> str:
    return shown(" ".join(scopes))
