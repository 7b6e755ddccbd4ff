"""Every broken ID-JAG that the verification refuses, over HTTP: the same words, and nothing comes of the request."""

from typing import Any

import pytest

from audit.models import AuditEvent
from authserver.models import JWT_BEARER, Client
from tenants.models import IdPConnection
from tests.redemption.conftest import TokenEndpoint
from tests.resource_app.broken_id_jags import FAMILIES, GOOD, WRONG_AT, Case, parameters, wrong_from
from tests.resource_app.broken_keys import KEYS, METADATA
from tests.resource_app.fakes import World


@pytest.mark.parametrize("case", parameters(FAMILIES))
def test_an_id_jag_with_one_thing_wrong_is_refused_and_mended_it_is_redeemed(
    todo0: TokenEndpoint, idp: World, case: Case
) -> None:
    response = todo0.redeem(case.make(todo0.mint))
    todo0.assert_refused(response, "invalid_grant", case.description, case.check)
    assert set(idp.session.requested) <= {METADATA, KEYS}
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
@pytest.mark.clause("ID-JAG", "3.1", "P4 what honest peers send, at its limits")
def test_what_honest_peers_send_is_redeemed(todo0: TokenEndpoint, idp: World, changes: dict[str, Any]) -> None:
    scope = changes.get("scope", "read write")
    todo0.assert_redeemed(todo0.redeem(todo0.mint(**changes)), scope=scope)
    assert idp.session.requested == [METADATA, KEYS]  # and no address that the header brings


@pytest.mark.clause("RFC 7523", "3.1", "the order of the checks, from the request to the replay")
def test_the_checks_run_in_their_order(todo0: TokenEndpoint) -> None:
    """With everything wrong at once the first check speaks; with it mended, the next."""
    todo0.assert_redeemed(todo0.redeem())  # so that its `jti` is used
    IdPConnection.objects.update(provisions_users=False)
    steps = [
        *WRONG_AT,
        ("subject", {"sub": "eve"}),
        ("scope", {"scope": "admin"}),
        ("resource", {"resource": "x"}),
        ("cnf", {"cnf": {}}),
        ("authorization_details", {"authorization_details": [{"type": "todo"}]}),
        ("replay", {}),
    ]
    todo0.redeem("x", headers={"DPoP": "x"}, authorization_details="x", x=["1", "2"])
    todo0.redeem("x", headers={"DPoP": "x"}, authorization_details="x")
    todo0.redeem("x", headers={"DPoP": "x"})
    todo0.redeem("x", headers={})
    Client.objects.update(grants=[])
    todo0.redeem("x")
    Client.objects.update(grants=[JWT_BEARER])
    todo0.redeem("x")
    for number in range(len(steps)):
        todo0.redeem(todo0.mint(**wrong_from(steps[number:])))
    refused = AuditEvent.objects.filter(act="redemption", outcome="refused").order_by("pk")
    before = ["request", "authorization_details", "dpop", "client", "grant_type", "jws"]
    checks = [*before, *(name for name, _ in steps)]
    assert list(refused.values_list("failed_check", flat=True)) == checks
