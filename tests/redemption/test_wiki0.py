"""Wiki0's token endpoint is strict in the same ways: the first case of each family there."""

from typing import Any

import pytest

from tests.redemption.conftest import TokenEndpoint
from tests.redemption.test_clients import NOT_AUTHENTICATED, STRANGERS
from tests.resource_app.broken_id_jags import FAMILIES, Case, Family, parameters
from tests.resource_app.broken_keys import METADATA, METADATA_ANSWERS
from tests.resource_app.fakes import ABSENT, AUDIENCE, World

FIRST = [Family(family.name, family.clause, family.cases[:1]) for family in FAMILIES]


@pytest.mark.parametrize("case", parameters(FIRST))
def test_an_id_jag_with_one_thing_wrong_is_refused_and_mended_it_is_redeemed(wiki0: TokenEndpoint, case: Case) -> None:
    description = case.description.replace(f"server is '{AUDIENCE}'", f"server is '{wiki0.server.issuer}'")
    wiki0.assert_refused(wiki0.redeem(case.make(wiki0.mint)), "invalid_grant", description, case.check)
    wiki0.assert_redeemed(wiki0.redeem())


@pytest.mark.parametrize("sent", list(STRANGERS.values())[:4], ids=list(STRANGERS)[:4])
@pytest.mark.clause("RFC 6749", "5.2", "invalid_client")
def test_who_does_not_authenticate_is_refused(wiki0: TokenEndpoint, sent: dict[str, Any]) -> None:
    wiki0.assert_refused(wiki0.redeem(**sent), *NOT_AUTHENTICATED, status=401)
    wiki0.assert_redeemed(wiki0.redeem())


@pytest.mark.parametrize(
    ("claims", "sent", "error", "check"),
    [
        ({"scope": ABSENT}, {}, "invalid_grant", "scope"),
        ({}, {"scope": "admin"}, "invalid_scope", "scope"),
        ({"resource": "https://todo.example/api"}, {}, "invalid_grant", "resource"),
        ({}, {"resource": "https://todo.example/api"}, "invalid_target", "resource"),
        ({"cnf": {"jkt": "x"}}, {}, "invalid_grant", "cnf"),
        ({"sub": "bob "}, {}, "invalid_grant", "subject"),
        ({}, {"client_id": "another"}, "invalid_request", "client"),
    ],
    ids=str,
)
@pytest.mark.clause("RFC 6749", "5.2", "the registered codes")
def test_what_can_not_be_granted_is_refused(
    wiki0: TokenEndpoint, claims: dict[str, Any], sent: dict[str, Any], error: str, check: str
) -> None:
    response = wiki0.redeem(wiki0.mint(**claims), **sent)
    wiki0.assert_refused(response, error, response.json()["error_description"], check)
    wiki0.assert_redeemed(wiki0.redeem())


@pytest.mark.clause("P7", "JWKS outage", "503 temporarily_unavailable")
def test_an_outage_of_the_idp_is_503(wiki0: TokenEndpoint, idp: World) -> None:
    idp.session.answers[METADATA] = METADATA_ANSWERS["timeout"]
    description = "The issuer's keys are unavailable. Try again later."
    wiki0.assert_refused(wiki0.redeem(), "temporarily_unavailable", description, "key", status=503)


@pytest.mark.clause("RFC 7523", "3", "(7) an ID-JAG is redeemed once, and each app has clients and accounts of its own")
def test_an_id_jag_is_redeemed_once_and_at_one_app(wiki0: TokenEndpoint, todo0: TokenEndpoint) -> None:
    wiki0.assert_redeemed(wiki0.redeem())
    assert wiki0.redeem().json()["error"] == "invalid_grant"
    todo0.client.delete()
    assert todo0.redeem().status_code == 401
