"""What one tenant's IdP has issued, at the doors of another tenant."""

from typing import Any

import jwt
import pytest
from django.conf import settings

from authserver.access_tokens import sign
from authserver.models import AuthorizationServer, Client
from idp.id_jag import TYP
from tenants.models import Realm, Tenant, User
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from tests.support.legs import (
    TODO,
    WIKI,
    access_token_of,
    call,
    exchange,
    id_jag_of,
    id_token_of,
    idp_of,
    is_refused,
    redeem,
)

BOB, JOHN = "bob@tables.fake", "john@tables.fake2"


@pytest.fixture
def both(demo: Demo) -> Demo:
    """Bob of customer1 and John of customer2 have signed in to Wiki0."""
    for person in (BOB, JOHN):
        demo.browser.clients.clear()
        sign_in(demo.browser, "wiki", person)
    return demo


def idp(slug: str) -> AuthorizationServer:
    return AuthorizationServer.objects.get(tenant__slug=slug)


def forged(id_jag: str, *, by: str, **claims: Any) -> str:
    """Return the ID-JAG with other claims, properly signed by the IdP of the tenant `by`."""
    payload = jwt.decode(id_jag, options={"verify_signature": False}) | claims
    return sign(idp(by), {name: value for name, value in payload.items() if value is not None}, typ=TYP)


@pytest.mark.clause("ID-JAG", "4.4.1", "MT-06")
def test_an_id_jag_is_redeemed_at_its_audience_and_at_no_other_token_endpoint(both: Demo) -> None:
    id_jag = id_jag_of(BOB)
    for slug in ("customer1", "customer2"):
        secret = "a-secret-of-a-client-of-that-idp-of-enough-length"
        client, secret = Client.register(
            server=idp(slug), client_id=f"redeemer-{slug}", secret=secret, grants=idp(slug).grant_types
        )
        answer = redeem(id_jag, at=idp_of(slug), client_id=client.client_id, secret=secret)
        assert is_refused(answer, "unsupported_grant_type")
    wiki, secret = Client.register(
        server=AuthorizationServer.objects.get(realm="wiki"),
        client_id="wiki0-at-todo0",
        scope="read",
        grants=["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    )
    assert is_refused(redeem(id_jag, at=WIKI, client_id=wiki.client_id, secret=secret), "invalid_grant")
    assert redeem(id_jag).status_code == 200


@pytest.mark.clause("ID-JAG", "6.1", "MT-06")
def test_an_id_token_of_one_tenant_is_none_at_the_idp_of_another(both: Demo) -> None:
    assert exchange(JOHN).status_code == 200
    assert is_refused(exchange(JOHN, subject_token=id_token_of(BOB)), "invalid_grant")
    assert is_refused(exchange(BOB, at="customer2"), "invalid_grant")


@pytest.mark.parametrize("claim", ["tenant", "aud_tenant"])
@pytest.mark.parametrize("named", ["customer2", "Customer1", "customer1 ", "nobody", "", 1, ["customer1"]])
@pytest.mark.clause("ID-JAG", "6.4", "MT-07")
def test_an_id_jag_that_names_another_tenant_than_its_issuers_is_refused(both: Demo, claim: str, named: Any) -> None:
    id_jag = id_jag_of(BOB)
    assert redeem(forged(id_jag, by="customer1", jti="own", **{claim: "customer1"})).status_code == 200
    refused = redeem(forged(id_jag, by="customer1", jti="other", **{claim: named}))
    assert is_refused(refused, "invalid_grant")
    assert not User.objects.filter(realm=Realm.TODO, tenant__slug="customer2", sub__isnull=False).exists()


@pytest.mark.clause("RFC 7523", "3", "MT-07")
def test_an_idp_cannot_speak_for_another_tenants_people(both: Demo) -> None:
    """Whatever it claims of itself: the issuer of another, or another's key identifier."""
    id_jag, john = id_jag_of(BOB), jwt.decode(id_jag_of(JOHN), options={"verify_signature": False})
    assert redeem(forged(id_jag, by="customer1", jti="control")).status_code == 200
    for claims in ({"iss": john["iss"]}, {"iss": john["iss"], "sub": john["sub"], "email": JOHN}):
        assert is_refused(redeem(forged(id_jag, by="customer1", jti="x", **claims)), "invalid_grant")
    header = {"typ": TYP, "kid": idp("customer2").active_key().kid}
    with_kid = jwt.encode(john | {"jti": "x"}, idp("customer1").active_key().private_pem, "RS256", header)
    assert is_refused(redeem(with_kid), "invalid_grant")
    before = User.objects.get(realm=Realm.TODO, email=JOHN)
    answer = redeem(forged(id_jag, by="customer1", jti="y", sub=john["sub"], email=JOHN, email_verified=True))
    assert answer.status_code == 200  # a new person of customer1: the email is of another tenant's domain
    made = User.objects.get(realm=Realm.TODO, tenant__slug="customer1", sub=john["sub"])
    assert (made.email, call(answer.json()["access_token"]).json()["items"]) == ("", [])
    after = User.objects.get(realm=Realm.TODO, email=JOHN)
    assert (after.pk, after.sub, after.issuer) == (before.pk, before.sub, before.issuer)


@pytest.mark.clause("ID-JAG", "6.2", "MT-08")
def test_a_client_that_is_bound_to_one_tenant_acts_for_its_people_only(both: Demo) -> None:
    Client.objects.filter(client_id="wiki0-at-todo0").update(tenant=Tenant.objects.get(slug="customer1"))
    assert redeem(id_jag_of(BOB)).status_code == 200
    id_jag = id_jag_of(JOHN)
    refused = redeem(id_jag)
    assert is_refused(refused, "invalid_grant")
    assert "customer" not in refused.json()["error_description"]
    Client.objects.filter(client_id="wiki0-at-todo0").update(tenant=None)
    assert redeem(id_jag).status_code == 200, "what was refused is not burnt"


@pytest.mark.clause("RFC 9068", "4", "MT-09")
def test_an_access_token_of_one_tenant_opens_nothing_of_another(both: Demo) -> None:
    bob, john = access_token_of(BOB), access_token_of(JOHN)
    mine, his = (call(token).json()["items"] for token in (bob, john))
    assert len(mine) == len(his) == 3
    for todo in his:
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = {"data": '{"task": "taken", "completed": true}', "content_type": "application/json"}
            assert call(bob, f"/api/todos/{todo['id']}", method=method, **body).status_code in (403, 404)
    assert call(john).json()["items"] == his
    ids = "&".join(f"id={todo['id']}" for todo in his)
    assert call(bob, f"/api/todos?{ids}").json() == {"items": [], "count": 0}


@pytest.mark.clause("RFC 9068", "4", "MT-09")
def test_an_access_token_is_none_at_another_tenants_host(signed_in: Any, other_idp: Any) -> None:
    token = signed_in.tokens()["access_token"]
    assert call(token, "/oauth2/v1/userinfo", at=signed_in.host).status_code == 200
    refused = call(token, "/oauth2/v1/userinfo", at=other_idp.host)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


@pytest.mark.clause("RFC 9068", "4", "MT-09")
def test_an_access_token_of_todo0_is_none_at_any_other_host(both: Demo) -> None:
    token = access_token_of(BOB)
    assert call(token, "/api/users/me", at=TODO).status_code == 200
    places = [(WIKI, "/api/users/me"), *((idp_of(slug), "/oauth2/v1/userinfo") for slug in ("customer1", "customer2"))]
    for host, path in places:
        refused = call(token, path, at=host)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token"), host
    assert settings.ORIGINS["todo"] in jwt.decode(token, options={"verify_signature": False})["aud"]
