"""What the access token may do, and where."""

from typing import Any

import pytest

from crossapp.core.refusals import Refused
from crossapp.core.resource import granted_resource
from crossapp.core.scope import granted_scope
from tests.resource_app.refused_grants import API, NOT_OURS, SCOPES

REPORTS = "https://todo.example/reports"
OURS = [API, REPORTS]
GOVERNED = f"this authorization server governs '{API}', '{REPORTS}'"


@pytest.mark.parametrize(
    ("requested", "id_jag", "client", "granted"),
    [
        (None, ("read", "write"), ["read", "write"], "read write"),
        ("", ("read",), ["read", "write"], "read"),
        ("read", ("read", "write"), ["read", "write"], "read"),
        ("write read", ("read", "write"), ["read", "write"], "read write"),
        ("read write admin", ("read", "write"), ["read", "write", "admin"], "read write"),
        ("read write", ("read", "write"), ["read"], "read"),
        (None, ("read", "write", "admin"), ["write"], "write"),
        ("read read", ("read", "read"), ["read", "read"], "read"),
    ],
)
@pytest.mark.clause("ID-JAG", "4.4.1", "scope granted is requested ∩ ID-JAG ∩ client's; omitted means the ID-JAG's")
def test_the_scope_is_what_all_three_agree_on(
    requested: str | None, id_jag: tuple[str, ...], client: list[str], granted: str
) -> None:
    assert granted_scope(requested=requested, id_jag=id_jag, client=client) == granted.split()


@pytest.mark.parametrize(
    ("requested", "id_jag", "client", "error", "description"),
    SCOPES,
)
@pytest.mark.clause("MCP EMA", "7.6.2", "a scope claim that does not fit is invalid_grant")
@pytest.mark.clause("RFC 6749", "5.2", "invalid_scope")
def test_nothing_left_is_refused_with_the_code_of_what_does_not_fit(
    requested: str | None, id_jag: tuple[str, ...] | None, client: list[str], error: str, description: str
) -> None:
    with pytest.raises(Refused) as refused:
        granted_scope(requested=requested, id_jag=id_jag, client=client)
    assert (refused.value.error, refused.value.check) == (error, "scope")
    assert refused.value.description == description


@pytest.mark.parametrize(
    ("requested", "id_jag", "granted"),
    [
        ([], [], [API]),
        ([API], [], [API]),
        ([REPORTS], [], [REPORTS]),
        ([], [REPORTS], [REPORTS]),
        ([], [REPORTS, API], [REPORTS, API]),
        ([API], [API], [API]),
        ([API], [REPORTS, API], [API]),
        ([API, REPORTS], [REPORTS, API], [API, REPORTS]),
        ([API, API], [API, API], [API]),
    ],
)
@pytest.mark.clause("RFC 8707", "2", "resource granted: the requested, else the ID-JAG's, else the server's")
def test_the_resource_is_the_requested_one_else_the_id_jags_else_ours(
    requested: list[str], id_jag: list[str], granted: list[str]
) -> None:
    assert granted_resource(requested=requested, id_jag=id_jag, ours=OURS) == granted


def refusal(requested: list[str], id_jag: list[str]) -> tuple[Any, ...]:
    with pytest.raises(Refused) as refused:
        granted_resource(requested=requested, id_jag=id_jag, ours=OURS)
    return refused.value.check, refused.value.error, refused.value.description


@pytest.mark.parametrize("resource", NOT_OURS)
@pytest.mark.clause("RFC 8707", "2", "a requested resource that is not ours is invalid_target")
def test_a_requested_resource_that_is_not_ours_is_invalid_target(resource: str) -> None:
    description = f"resource is '{resource}', but {GOVERNED}."
    assert refusal([resource], []) == ("resource", "invalid_target", description)
    assert refusal([API, resource], [API]) == ("resource", "invalid_target", description)


@pytest.mark.parametrize("resource", NOT_OURS)
@pytest.mark.clause("MCP EMA", "7.6.2", "an ID-JAG for a resource that is not ours is invalid_grant")
def test_an_id_jag_for_a_resource_that_is_not_ours_is_invalid_grant(resource: str) -> None:
    description = f"resource in the ID-JAG is '{resource}', but {GOVERNED}."
    assert refusal([], [resource]) == ("resource", "invalid_grant", description)
    assert refusal([API], [API, resource]) == ("resource", "invalid_grant", description)


@pytest.mark.parametrize(("requested", "id_jag"), [([REPORTS], [API]), ([API, REPORTS], [API])])
@pytest.mark.clause("RFC 8707", "2", "a request does not widen the ID-JAG's resource")
def test_a_requested_resource_that_the_id_jag_does_not_name_is_invalid_target(
    requested: list[str], id_jag: list[str]
) -> None:
    description = f"The ID-JAG is not for the requested resource '{REPORTS}'."
    assert refusal(requested, id_jag) == ("resource", "invalid_target", description)
