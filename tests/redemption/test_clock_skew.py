"""The difference of clocks that a connection accepts in its ID-JAGs; the audit says by how much a time is off."""

from collections.abc import Callable

import pytest

from audit.models import AuditEvent
from tenants.models import IdPConnection
from tests.redemption.conftest import TokenEndpoint
from tests.resource_app.broken_id_jags import NOW

TIMES: dict[str, Callable[[int], dict[str, float]]] = {
    "exp": lambda off: {"iat": NOW - 200, "exp": NOW - off},
    "iat": lambda off: {"iat": NOW + off, "exp": NOW + off + 60},
    "nbf": lambda off: {"nbf": NOW + off},
}


def detail() -> str:
    return AuditEvent.objects.filter(act="redemption").latest("pk").detail


@pytest.mark.parametrize("claim", TIMES)
@pytest.mark.clause("RFC 7523", "3", "LIM-13 (4) to (6): the connection's skew, and by how much a time is off")
def test_the_accepted_difference_of_clocks_is_the_connections(todo0: TokenEndpoint, claim: str) -> None:
    descriptions = {"exp": "The ID-JAG has expired."}
    description = descriptions.get(claim, f"{claim} in the ID-JAG is in the future.")
    assertion = todo0.mint(**TIMES[claim](95))
    todo0.assert_refused(todo0.redeem(assertion), "invalid_grant", description, claim)
    assert detail().endswith("by 95 s; 30 s are accepted: compare the clocks")
    IdPConnection.objects.update(clock_skew=94)
    assert todo0.redeem(assertion).json()["error_description"] == description
    assert detail().endswith("by 95 s; 94 s are accepted: compare the clocks")
    IdPConnection.objects.update(clock_skew=96)
    todo0.assert_redeemed(todo0.redeem(assertion))
