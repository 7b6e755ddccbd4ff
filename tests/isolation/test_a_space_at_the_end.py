"""Names that differ in a space at the end are two names, in every database: "a" is not "a "."""

from typing import Any

import pytest

from crossapp.requesting_app.models import ResourceApp
from crossapp.resource_app.models import ConsumedJti
from tenants.models import User
from tests.isolation.test_mix_ups import forged
from tests.support.demo import Demo
from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP
from tests.support.in_process import sign_in
from tests.support.legs import exchange, id_jag_of, idp_of, is_refused, redeem

BOB = "bob@tables.fake"


@pytest.fixture
def todo0(demo: Demo) -> ResourceApp:
    """Todo0 as Wiki0 knows it, in a demo where Bob has signed in to Wiki0 and an ID-JAG of his is good."""
    sign_in(demo.browser, "wiki", BOB)
    assert redeemed_with().status_code == 200
    return ResourceApp.objects.get()


def redeemed_with(**changes: Any) -> Any:
    """Redeem an ID-JAG that Bob's IdP has signed with these claims instead of its own."""
    return redeem(forged(id_jag_of(BOB), by="customer1", **changes))


@pytest.mark.clause("RFC 7523", "3", "(1) the issuer, byte for byte")
def test_an_issuer_with_a_space_is_not_the_trusted_one(todo0: ResourceApp) -> None:
    assert is_refused(redeemed_with(iss=f"http://{idp_of('customer1')} "), "invalid_grant")


@pytest.mark.clause("OpenID Connect Core", "2", "sub is compared as it is")
def test_a_subject_with_a_trailing_space_matches_no_account(todo0: ResourceApp) -> None:
    sub = User.objects.get(email=BOB, realm="idp").sub
    assert redeemed_with(sub=sub).status_code == 200
    assert is_refused(redeemed_with(sub=f"{sub} "), "invalid_grant")


@pytest.mark.clause("RFC 7523", "3", "(7) the jti, byte for byte")
def test_a_jti_with_a_space_is_another_one_that_is_good_once_as_well(todo0: ResourceApp) -> None:
    before = ConsumedJti.objects.count()
    for jti in ("one", "one ", "one  "):
        assert redeemed_with(jti=jti).status_code == 200
        assert is_refused(redeemed_with(jti=jti), "invalid_grant")
    assert ConsumedJti.objects.count() == before + 3


@pytest.mark.clause("RFC 7523", "3", "(3) the audience, byte for byte")
@pytest.mark.parametrize(("claim", "column"), [("aud", "audience"), ("client_id", "client_id")])
def test_an_id_jag_for_a_name_with_a_trailing_space_is_refused(todo0: ResourceApp, claim: str, column: str) -> None:
    assert is_refused(redeemed_with(**{claim: f"{getattr(todo0, column)} "}), "invalid_grant")


@pytest.mark.clause("RFC 8693", "2.2.2", "invalid_target")
@pytest.mark.parametrize("name", ["audience", "resource"])
def test_no_policy_is_for_a_target_with_a_space(todo0: ResourceApp, name: str) -> None:
    assert is_refused(exchange(BOB, **{name: f"{getattr(todo0, name)} "}), "invalid_target")


@pytest.mark.clause("RFC 6749", "2.3.1", "client_id, byte for byte")
def test_a_client_with_a_space_is_unknown_at_the_token_endpoint(todo0: ResourceApp) -> None:
    answer = redeem(id_jag_of(BOB), client_id=f"{todo0.client_id} ", secret=todo0.client_secret)
    assert is_refused(answer, "invalid_client", 401)


@pytest.mark.clause("RFC 6749", "4.1.2.1", "client_id, byte for byte")
def test_a_client_with_a_space_is_unknown_at_the_authorization_endpoint(signed_in: EmbeddedIdP) -> None:
    assert signed_in.authorize(client_id="wiki0").status_code == 302
    assert signed_in.authorize(client_id="wiki0 ").status_code == 400


@pytest.mark.clause("RFC 6749", "4.1.3", "the code, byte for byte")
def test_a_code_with_a_space_is_no_code_and_spends_none(signed_in: EmbeddedIdP) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    code = signed_in.code()
    assert is_refused(signed_in.token(form | {"code": f"{code} "}), "invalid_grant")
    assert signed_in.token(form | {"code": code}).status_code == 200
