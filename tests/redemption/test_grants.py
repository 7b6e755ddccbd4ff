"""What an ID-JAG is redeemed for: scope and resource that all agree on, without proof of possession, and once."""

import threading
from typing import Any

import pytest
from django.db import connection
from oauth2_provider.models import get_access_token_model

from authserver.models import Client
from authserver.resource_app_host import ResourceAppHost
from crossapp.core.refusals import AccessDenied
from crossapp.resource_app.models import ConsumedJti
from tenants.models import IdPConnection, Tenant, User
from tests.redemption.conftest import TokenEndpoint, connect, outside
from tests.resource_app.broken_id_jags import NOW
from tests.resource_app.fakes import ABSENT, World, basic, jwks
from tests.resource_app.refused_grants import API, NOT_OURS, SCOPES

GOVERNED = f"this authorization server governs '{API}'"
REPLAYED = ("invalid_grant", "The ID-JAG has been redeemed before. Get a new one from the IdP.")


# --- Scope -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("requested", "claimed", "client", "error", "description"), SCOPES)
@pytest.mark.clause("MCP EMA", "7.6.2", "a scope claim that does not fit is invalid_grant")
@pytest.mark.clause("RFC 6749", "5.2", "P8 without a scope in the ID-JAG nothing is granted")
def test_nothing_left_is_refused_with_the_code_of_what_does_not_fit(
    todo0: TokenEndpoint,
    requested: str | None,
    claimed: tuple[str, ...] | None,
    client: list[str],
    error: str,
    description: str,
) -> None:
    Client.objects.update(scope=" ".join(client))
    id_jag = todo0.mint(scope=ABSENT if claimed is None else " ".join(claimed))
    todo0.assert_refused(todo0.redeem(id_jag, scope=requested), error, description, "scope")
    Client.objects.update(scope="read write")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("scope", ["read\0", "read\u202e", "x" * 5000, "read,write", "read+write"], ids=ascii)
@pytest.mark.clause("RFC 6749", "5.2", "invalid_scope")
def test_an_odd_scope_is_invalid_scope(todo0: TokenEndpoint, scope: str) -> None:
    response = todo0.redeem(scope=scope)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    todo0.assert_refused(response, "invalid_scope", response.json()["error_description"], "scope")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize(
    ("requested", "claimed", "client", "granted"),
    [
        (None, "read write", "read write", "read write"),
        (None, "read", "read write", "read"),
        ("read", "read write", "read write", "read"),
        ("write read", "read write", "read write", "read write"),
        ("read write", "read", "read write", "read"),
        ("read write", "read write", "write", "write"),
        ("read admin", "read admin", "read write", "read"),
        ("read read", "read", "read", "read"),
    ],
)
@pytest.mark.clause("ID-JAG", "4.4.1", "control: requested, ID-JAG and client agree; the answer says the scope")
def test_the_scope_is_what_all_three_agree_on(
    todo0: TokenEndpoint, requested: str | None, claimed: str, client: str, granted: str
) -> None:
    Client.objects.update(scope=client)
    todo0.assert_redeemed(todo0.redeem(todo0.mint(scope=claimed), scope=requested), scope=granted)
    assert get_access_token_model().objects.get().scope == granted


# --- Resource --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", NOT_OURS)
@pytest.mark.parametrize("with_ours", [False, True], ids=["alone", "with ours"])
@pytest.mark.clause("MCP EMA", "7.6.2", "an ID-JAG for a resource that is not ours is invalid_grant")
def test_an_id_jag_for_another_resource_is_refused(todo0: TokenEndpoint, resource: str, with_ours: bool) -> None:
    claimed: Any = [API, resource] if with_ours else resource
    description = f"resource in the ID-JAG is '{resource}', but {GOVERNED}."
    todo0.assert_refused(todo0.redeem(todo0.mint(resource=claimed)), "invalid_grant", description, "resource")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("resource", NOT_OURS)
@pytest.mark.parametrize("with_ours", [False, True], ids=["alone", "with ours"])
@pytest.mark.clause("RFC 8707", "2", "a requested resource that is not ours is invalid_target")
def test_a_request_for_another_resource_is_refused(todo0: TokenEndpoint, resource: str, with_ours: bool) -> None:
    requested = [API, resource] if with_ours else [resource]
    description = f"resource is '{resource}', but {GOVERNED}."
    response = todo0.redeem(resource=requested)
    todo0.assert_refused(response, "invalid_target", description, "resource")
    assert outside(response) == outside(todo0.redeem(todo0.mint(resource=ABSENT), resource=requested))
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize(
    ("claimed", "requested"),
    [(API, None), (ABSENT, None), (ABSENT, API), (API, API), ([API], API), ([API], [API, API]), ([API, API], None)],
    ids=str,
)
@pytest.mark.clause("RFC 8707", "2", "control: the token is bound to the one resource, from the claim or the parameter")
def test_the_token_is_bound_to_the_resource(todo0: TokenEndpoint, claimed: Any, requested: Any) -> None:
    body = todo0.assert_redeemed(todo0.redeem(todo0.mint(resource=claimed), resource=requested))
    assert get_access_token_model().objects.get().resource == [API]
    assert todo0.is_good(body["access_token"])


# --- Proof of possession, policy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"jwk": {}}, {"x5t#S256": "x"}, {"new": 1}, {}, None, "x"], ids=str)
@pytest.mark.clause("ID-JAG", "9.8.1.2.2", "an ID-JAG with cnf is not good without proof of possession")
def test_an_id_jag_bound_to_a_key_is_refused(todo0: TokenEndpoint, cnf: Any) -> None:
    description = "The ID-JAG is bound to a key (cnf), and proof of possession is not supported here."
    todo0.assert_refused(todo0.redeem(todo0.mint(cnf=cnf)), "invalid_grant", description, "cnf")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("cnf", [ABSENT, {"jkt": "x"}], ids=["not bound", "bound"])
@pytest.mark.clause("RFC 9449", "5", "TE-75 a proof of possession is refused, never ignored")
def test_a_proof_of_possession_is_refused(todo0: TokenEndpoint, cnf: Any) -> None:
    response = todo0.redeem(todo0.mint(cnf=cnf), headers=basic() | {"DPoP": "x.y.z"})
    description = "This server does not bind access tokens to a key: send no DPoP header."
    todo0.assert_refused(response, "invalid_dpop_proof", description, "dpop")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.parametrize("details", ["[]", '[{"type": "todo"}]', "x"])
@pytest.mark.clause("RFC 9396", "5", "authorization_details in the request are refused, never ignored")
def test_a_rich_request_is_refused(todo0: TokenEndpoint, details: str) -> None:
    description = "No type of authorization_details is supported here."
    response = todo0.redeem(authorization_details=details)
    todo0.assert_refused(response, "invalid_authorization_details", description, "authorization_details")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.4.1", "the claim resource may be required")
def test_an_id_jag_without_a_resource_is_refused_where_the_connection_requires_one(todo0: TokenEndpoint) -> None:
    IdPConnection.objects.update(requires_resource=True)
    response = todo0.redeem(todo0.mint(resource=ABSENT), resource=todo0.server.resource)
    todo0.assert_refused(response, "invalid_grant", "resource in the ID-JAG is missing.", "resource")
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.4.1", "without the claim: the API, by default")
def test_an_id_jag_without_a_resource_is_good_for_the_api_elsewhere(todo0: TokenEndpoint) -> None:
    todo0.assert_redeemed(todo0.redeem(todo0.mint(resource=ABSENT)))


@pytest.mark.clause("ID-JAG", "4.4.1", "authorization_details in the ID-JAG are refused, never ignored")
def test_an_id_jag_with_authorization_details_is_refused(todo0: TokenEndpoint) -> None:
    description = "The ID-JAG has authorization_details, and no type of them is supported here."
    response = todo0.redeem(todo0.mint(authorization_details=[{"type": "todo", "actions": ["read"]}]))
    todo0.assert_refused(response, "invalid_grant", description, "authorization_details")
    todo0.assert_redeemed(todo0.redeem())


class Closed(ResourceAppHost):
    """Todo0 with a rule of its own."""

    def subject(self, request: Any, trusted: Any, id_jag: Any) -> Any:
        super().subject(request, trusted, id_jag)
        raise AccessDenied("Your organisation does not allow this at night.", check="office hours", detail="02:13")


@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "a denial by policy says access_denied")
def test_a_denial_by_policy_is_access_denied(todo0: TokenEndpoint, settings: Any) -> None:
    ours = settings.CROSSAPP_RESOURCE_APP
    settings.CROSSAPP_RESOURCE_APP = {**ours, "HOST": "tests.redemption.test_grants.Closed"}
    description = "Your organisation does not allow this at night."
    response = todo0.redeem(todo0.mint(sub="somebody new", email=ABSENT))
    todo0.assert_refused(response, "access_denied", description, "office hours")
    settings.CROSSAPP_RESOURCE_APP = ours
    todo0.assert_redeemed(todo0.redeem())


# --- Once ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{}, {"alg": "ES256"}, {"scope": "read"}, {"exp": NOW + 200}, {"sub": "somebody new", "email": ABSENT}],
    ids=str,
)
@pytest.mark.clause("RFC 7523", "3", "P1 (7) a jti is redeemed once, whatever else the ID-JAG says")
def test_an_id_jag_is_redeemed_once(todo0: TokenEndpoint, changes: dict[str, Any]) -> None:
    todo0.assert_redeemed(todo0.redeem())
    for _ in range(2):
        response = todo0.redeem(todo0.mint(**changes))
        assert (response.status_code, tuple(response.json().values())) == (400, REPLAYED)
        assert response["Cache-Control"] == "no-store"
    assert get_access_token_model().objects.count() == ConsumedJti.objects.count() == User.objects.count() == 1
    assert todo0.redeem(todo0.mint(jti="two")).status_code == 200


@pytest.mark.clause("RFC 7519", "4.1.7", "a jti is its issuer's")
def test_the_same_jti_of_another_issuer_is_another(todo0: TokenEndpoint, idp: World) -> None:
    other = "https://other-idp.example"
    connect(Tenant.objects.create(slug="other", name="Other"), "todo", other)
    idp.session.publish(jwks(), issuer=other)
    todo0.assert_redeemed(todo0.redeem())
    assert todo0.redeem(todo0.mint(iss=other, email=ABSENT)).status_code == 200
    assert ConsumedJti.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("RFC 7523", "3", "(7) of many at once, one is first")
def test_of_five_requests_at_once_one_gets_a_token(todo0: TokenEndpoint) -> None:
    id_jag, barrier, answers = todo0.mint(), threading.Barrier(5), []
    assert todo0.redeem(todo0.mint(jti="the keys are fetched")).status_code == 200

    def run() -> None:
        barrier.wait()
        try:
            answers.append(todo0.redeem(id_jag))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 4
    assert len({outside(answer) for answer in answers if answer.status_code == 400}) == 1
    assert get_access_token_model().objects.count() == ConsumedJti.objects.count() == 2


# --- The token -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("ID-JAG", "4.3.4", "an ID-JAG is no access token")
def test_an_id_jag_is_no_bearer_token(todo0: TokenEndpoint) -> None:
    id_jag = todo0.mint()
    assert not todo0.is_good(id_jag)
    body = todo0.assert_redeemed(todo0.redeem(id_jag))
    assert not todo0.is_good(id_jag)
    assert todo0.is_good(body["access_token"])


@pytest.mark.clause("ID-JAG", "4.4.1", "an access token is no ID-JAG")
def test_an_access_token_is_no_assertion(todo0: TokenEndpoint) -> None:
    token = todo0.assert_redeemed(todo0.redeem())["access_token"]
    response = todo0.redeem(token)
    assert response.json()["error_description"] == "typ in the header of the ID-JAG must be 'oauth-id-jag+jwt'."
    assert get_access_token_model().objects.count() == ConsumedJti.objects.count() == 1
