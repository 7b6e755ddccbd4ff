"""Two tenants of one issuer at the token endpoint: the ID-JAG names the tenant, or it is refused."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from oauth2_provider.models import get_access_token_model

from audit.models import AuditEvent
from authserver.models import Client
from authserver.resource_app_host import ResourceAppHost
from crossapp.core.facts import RequestFacts
from crossapp.core.id_jag import IdJag
from crossapp.resource_app.host import SubjectRefused, TrustedIssuer
from tenants.models import IdPConnection, Tenant, User
from tests.redemption.conftest import TokenEndpoint, connect, outside
from tests.resource_app.fakes import ABSENT, ISSUER, World, jwks

pytestmark = pytest.mark.clause("ID-JAG", "6.1", "MT-34")
UNTRUSTED = ("invalid_grant", "The issuer of the ID-JAG is not trusted for this client.", "iss")
NO_ACCESS = ("invalid_grant", "The subject of the ID-JAG has no access to this app.", "subject")


@pytest.fixture
def shared(todo0: TokenEndpoint) -> TokenEndpoint:
    """Bob's tenant acme, and another tenant of the same issuer with a Bob of the same subject."""
    IdPConnection.objects.filter(pk=todo0.connection.pk).update(tenant_claim="tid", tenant_value="1")
    todo0.connection.refresh_from_db()
    other = Tenant.objects.create(slug="other", name="Other")
    connect(other, "todo", ISSUER, tenant_claim="tid", tenant_value="2")
    fields = {"realm": "todo", "issuer": ISSUER, "sub": "bob"}
    User.objects.create(username="todo:other-bob", tenant=other, **fields)
    return todo0


def row() -> AuditEvent:
    return AuditEvent.objects.filter(act="redemption").latest("pk")


@pytest.mark.clause("ID-JAG", "6.3", "MT-34: (iss, tenant, sub) is the person")
def test_one_subject_of_two_tenants_is_two_people(shared: TokenEndpoint) -> None:
    got = {}
    for tid, slug in (("1", "acme"), ("2", "other")):
        response = shared.redeem(shared.mint(tid=tid, jti=tid, email=ABSENT))
        assert response.status_code == 200, response.content
        token = get_access_token_model().objects.latest("pk")
        got[slug] = token.user
        assert (token.user.tenant.slug, token.user.sub) == (slug, "bob")
        assert (row().tenant, row().user) == (slug, token.user.username)
    assert got["acme"] == shared.bob != got["other"]
    assert User.objects.filter(realm="todo").count() == 2


@pytest.mark.parametrize("said", [ABSENT, "3", "", None, 1, ["1"], ["1", "2"], {"1": 1}, "1 ", "acme"], ids=str)
def test_an_id_jag_of_no_known_tenant_is_refused(shared: TokenEndpoint, idp: World, said: Any) -> None:
    response = shared.redeem(shared.mint(tid=said))
    shared.assert_refused(response, *UNTRUSTED, accounts=2)
    assert row().detail.startswith("No IdP connection of this issuer is for the tenant in the token: tid is ")
    assert idp.session.requested == []
    assert outside(response) == outside(shared.redeem(shared.mint(iss="https://evil.example")))
    shared.assert_redeemed(shared.redeem(shared.mint(tid="1")))


@pytest.mark.parametrize("said", [ABSENT, "2", 1], ids=str)
def test_a_connection_that_is_alone_requires_its_claim_too(todo0: TokenEndpoint, said: Any) -> None:
    IdPConnection.objects.update(tenant_claim="tid", tenant_value="1")
    todo0.assert_refused(todo0.redeem(todo0.mint(tid=said)), *UNTRUSTED)
    todo0.assert_redeemed(todo0.redeem(todo0.mint(tid="1")))


@pytest.mark.parametrize(
    ("claim", "value"), [("", ""), ("hd", "2"), ("hd", "acme.example")], ids=["none", "another", "another of its own"]
)
def test_connections_that_are_not_told_apart_are_refused_and_not_guessed(
    shared: TokenEndpoint, claim: str, value: str
) -> None:
    IdPConnection.objects.exclude(pk=shared.connection.pk).update(tenant_claim=claim, tenant_value=value)
    for said in ({}, {"tid": "1"}, {"hd": value}, {"tid": "1", "hd": value}):
        assert shared.redeem(shared.mint(**said)).json()["error_description"] == UNTRUSTED[1]
        assert row().detail == "The tenants acme, other share this issuer, and no one claim tells them apart."
    IdPConnection.objects.exclude(pk=shared.connection.pk).update(tenant_claim="tid", tenant_value="2")
    shared.assert_redeemed(shared.redeem(shared.mint(tid="1")))


@pytest.mark.clause("RFC 7523", "3", "(9) the tenant is chosen before the signature is checked, and believed after it")
def test_a_tenant_that_is_changed_after_signing_is_refused(shared: TokenEndpoint, idp: World) -> None:
    header, _, signature = shared.mint(tid="1").split(".")
    _, payload, _ = shared.mint(tid="2").split(".")
    response = shared.redeem(f"{header}.{payload}.{signature}")
    shared.assert_refused(response, "invalid_grant", "The signature of the ID-JAG is wrong.", "signature", accounts=2)
    shared.assert_redeemed(shared.redeem(shared.mint(tid="2")))


@pytest.mark.parametrize("switch", [{"enabled": False}, {"accepts_id_jags": False}], ids=str)
def test_what_is_off_for_one_tenant_is_on_for_the_other(shared: TokenEndpoint, switch: dict[str, bool]) -> None:
    IdPConnection.objects.filter(tenant__slug="other").update(**switch)
    shared.assert_refused(shared.redeem(shared.mint(tid="2")), *UNTRUSTED, accounts=2)
    shared.assert_redeemed(shared.redeem(shared.mint(tid="1")))


@pytest.mark.clause("ID-JAG", "6.2", "MT-08")
def test_a_client_of_one_tenant_acts_for_no_other_of_its_issuer(shared: TokenEndpoint) -> None:
    Client.objects.update(tenant=shared.connection.tenant)
    shared.assert_refused(shared.redeem(shared.mint(tid="2")), *UNTRUSTED, accounts=2)
    shared.assert_redeemed(shared.redeem(shared.mint(tid="1")))


@pytest.mark.clause("RFC 7523", "3", "(7) a jti is one issuer's, whatever the tenant")
def test_a_jti_is_good_once_for_all_tenants_of_the_issuer(shared: TokenEndpoint) -> None:
    shared.assert_redeemed(shared.redeem(shared.mint(tid="1")))
    refused = shared.redeem(shared.mint(tid="2")).json()
    assert refused["error_description"] == "The ID-JAG has been redeemed before. Get a new one from the IdP."


@pytest.mark.parametrize("claim", ["tenant", "aud_tenant"])
@pytest.mark.clause("ID-JAG", "6.4", "MT-07")
def test_the_claim_of_the_connection_has_its_value_and_else_our_slug(shared: TokenEndpoint, claim: str) -> None:
    good = shared.mint(**{"tid": "1", claim: "acme"})
    shared.assert_refused(shared.redeem(shared.mint(**{"tid": "1", claim: "1"})), *NO_ACCESS, accounts=2)
    assert shared.redeem(good).status_code == 200
    IdPConnection.objects.update(tenant_claim=claim)
    for said, status in (("acme", 400), ("1", 200), ("2", 200)):
        response = shared.redeem(shared.mint(**{claim: said, "jti": f"{claim} {said}", "email": ABSENT}))
        assert response.status_code == status, response.content
    users = get_access_token_model().objects.order_by("pk").values_list("user__tenant__slug", flat=True)
    assert list(users) == ["acme", "acme", "other"]
    both = {"tenant": "1", "aud_tenant": "1", "jti": "both"}
    assert shared.redeem(shared.mint(**both)).json()["error_description"] == NO_ACCESS[1]


def test_the_host_compares_the_verified_value_too(shared: TokenEndpoint) -> None:
    """`trusted_issuer` has chosen by an unverified value."""
    trusted = TrustedIssuer(ISSUER, connection=shared.connection)
    request = SimpleNamespace(facts=RequestFacts())
    for claims in ({}, {"tid": "2"}):
        id_jag = IdJag(
            ISSUER, "bob", "a", "c", "j", datetime.now(UTC), datetime.now(UTC), (), (), "", False, "", "", claims
        )
        with pytest.raises(SubjectRefused, match="tid in the ID-JAG is not the value of the tenant acme"):
            ResourceAppHost().subject(request, trusted, id_jag)


@pytest.mark.clause("RFC 7517", "5", "MT-23")
def test_a_key_that_one_tenant_reports_as_withdrawn_is_withdrawn_for_the_other(
    shared: TokenEndpoint, idp: World
) -> None:
    assert shared.redeem(shared.mint(tid="2")).status_code == 200
    idp.session.publish([key for key in jwks() if key["kid"] != "rsa"])
    assert shared.redeem(shared.mint(tid="2", jti="two")).status_code == 200, "the keys are still kept"
    shared.connection.forget_keys()
    response = shared.redeem(shared.mint(tid="2", jti="three"))
    assert response.json()["error_description"] == "The issuer publishes no usable key 'rsa' for RS256."
