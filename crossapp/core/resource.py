"""RFC 8707 section 2, ID-JAG -04 section 4.4.1: the API of the access token, compared byte for byte."""

from collections.abc import Sequence

from .refusals import InvalidGrant, InvalidTarget, shown


def granted_resource(*, requested: Sequence[str], id_jag: Sequence[str], ours: Sequence[str]) -> list[str]:
    """Return the granted resources: the requested ones, or the ID-JAG's, or this server's first.

    Raises InvalidGrant if the ID-JAG names one of another server; InvalidTarget if the request names one of another
    server or, if the ID-JAG names any, one that the ID-JAG does not name.
    """
    for resource in id_jag:
        if resource not in ours:
            raise InvalidGrant(f"resource in the ID-JAG is {shown(resource)}, but {_governed(ours)}.", check="resource")
    for resource in requested:
        if resource not in ours:
            raise InvalidTarget(f"resource is {shown(resource)}, but {_governed(ours)}.", check="resource")
        if id_jag and resource not in id_jag:
            raise InvalidTarget(f"The ID-JAG is not for the requested resource {shown(resource)}.", check="resource")
    return list(dict.fromkeys(requested or id_jag or ours[:1]))


def _governed(ours: Sequence[str]) -> str:
    return f"this authorization server governs {', '.join(map(shown, ours))}"
