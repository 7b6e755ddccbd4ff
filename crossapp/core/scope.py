"""RFC 6749 section 3.3: the scope of the access token is what all three sides agree on."""

from collections.abc import Sequence

from .oauth_text import is_scope
from .refusals import InvalidScope, shown


def granted_scope(*, requested: str | None, id_jag: tuple[str, ...] | None, client: Sequence[str]) -> list[str]:
    """Return requested ∩ ID-JAG ∩ client's, each once, in the ID-JAG's order; raises InvalidScope.

    Without a request the ID-JAG's count; an ID-JAG without any grants none, whatever is asked.
    """
    if requested and not is_scope(requested):
        raise InvalidScope("scope must be a string of scopes with single spaces between them.", check="scope")
    if not id_jag:
        raise InvalidScope("The ID-JAG has no scope, so there is nothing to grant.", check="scope")
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
