"""Two tenants sign in at one issuer: the ID token names the tenant, at the sign-in and at a refresh."""

from typing import Any

import pytest

from audit.models import Act, AuditEvent, Outcome
from crossapp.requesting_app.subject_tokens import SubjectTokenRefused
from tenants.models import IdPConnection, SubjectTokens, User
from tenants.subject_tokens import SubjectTokenStore
from tests.support.fake_idp import CLIENT_ID, CLIENT_SECRET, ISSUER, FakeIdp, id_token_claims, sign
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

pytestmark = pytest.mark.clause("ID-JAG", "6.1", "MT-34")

STORE = SubjectTokenStore()
BOBS = {"tables": ("bob@tables.example", "1"), "other": ("bob@other.example", "2")}  # both are `u-bob` of one issuer


@pytest.fixture
def shared(connection: IdPConnection, other_connection: IdPConnection) -> None:
    """Both tenants have one issuer and one client there."""
    IdPConnection.objects.filter(pk=connection.pk).update(tenant_claim="tid", tenant_value="1")
    fields = {"issuer": ISSUER, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    other_connection.tenant_claim, other_connection.tenant_value = "tid", "2"
    for name, value in fields.items():
        setattr(other_connection, name, value)
    other_connection.full_clean()
    other_connection.save()


@pytest.fixture
def browser(shared: None, idp: FakeIdp) -> Browser:
    return Browser(idp)


def signed_in(browser: Browser, slug: str) -> User:
    """Sign Bob of this tenant in, and return his account."""
    email, value = BOBS[slug]
    browser.idp.claims |= {"email": email, "tid": value}
    browser.sign_in(email=email)
    assert browser.user is not None
    return browser.user


def refusal() -> AuditEvent:
    return AuditEvent.objects.filter(act=Act.SIGN_IN, outcome=Outcome.REFUSED).latest("pk")


@pytest.mark.clause("ID-JAG", "6.3", "MT-34: (iss, tenant, sub) is the person")
def test_one_subject_of_two_tenants_is_two_people(browser: Browser) -> None:
    for _ in range(2):
        for slug, (email, _value) in BOBS.items():
            user = signed_in(browser, slug)
            assert (user.tenant.slug, user.sub, user.issuer, user.email) == (slug, "u-bob", ISSUER, email)  # type: ignore[union-attr]
            assert AuditEvent.objects.filter(act=Act.SIGN_IN).latest("pk").tenant == slug
            browser.client.post("/sign-out")
    assert User.objects.count() == 2


@pytest.mark.parametrize("said", [None, "2", "", 1, ["1"], ["1", "2"], "1 "], ids=str)
def test_an_id_token_of_another_tenant_is_refused(browser: Browser, said: Any) -> None:
    browser.idp.claims["tid"] = said
    browser.start("bob@tables.example")
    refused(browser, browser.come_back(), 502, "sent an invalid answer")
    assert (refusal().tenant, refusal().detail) == ("tables", "tid is not '1', the value of the connection's tenant")
    assert not User.objects.exists()
    signed_in(browser, "tables")


def test_a_connection_that_is_alone_requires_its_claim_too(browser: Browser, other_connection: IdPConnection) -> None:
    other_connection.delete()
    browser.start("bob@tables.example")
    refused(browser, browser.come_back(), 502, "sent an invalid answer")
    signed_in(browser, "tables")


@pytest.mark.parametrize(("claim", "value"), [("", ""), ("hd", "other.example")], ids=["none", "another"])
def test_sign_in_is_refused_while_two_tenants_are_not_told_apart(
    browser: Browser, other_connection: IdPConnection, claim: str, value: str
) -> None:
    IdPConnection.objects.filter(pk=other_connection.pk).update(tenant_claim=claim, tenant_value=value)
    for slug, (email, tid) in BOBS.items():
        browser.idp.claims |= {"email": email, "tid": tid, "hd": "other.example"}
        browser.start(email)
        refused(browser, browser.come_back(), 502, "set up correctly")
        assert (refusal().tenant, refusal().failed_check) == (slug, "configuration")
        assert refusal().detail == "The tenants other, tables share this issuer, and no one claim tells them apart."
    assert not browser.idp.to("/token"), "the code is not spent"
    IdPConnection.objects.filter(pk=other_connection.pk).update(tenant_claim="tid", tenant_value="2")
    assert signed_in(browser, "tables") != signed_in(browser, "other")


@pytest.mark.parametrize("said", [None, "2", 1], ids=str)
@pytest.mark.clause("OpenID Connect Core", "12.2", "MT-34: the refreshed ID token is of the same tenant")
def test_a_refreshed_id_token_of_another_tenant_is_refused(browser: Browser, said: Any) -> None:
    user = signed_in(browser, "tables")
    before = STORE.load(user)
    with pytest.raises(SubjectTokenRefused) as caught:
        STORE.replace(user, id_token=sign(id_token_claims(nonce=None, tid=said)), refresh_token="refresh-2")
    assert caught.value.detail == "tid is not '1', the value of the connection's tenant"
    assert STORE.load(user) == before
    new = sign(id_token_claims(nonce=None, tid="1"))
    assert STORE.replace(user, id_token=new, refresh_token="refresh-2").id_token == new


def test_stored_tokens_of_another_tenant_are_of_no_use(browser: Browser, connection: IdPConnection) -> None:
    user, there = signed_in(browser, "tables"), IdPConnection.objects.filter(pk=connection.pk)
    assert STORE.load(user)
    there.update(tenant_value="3")
    assert STORE.load(user) is None
    there.update(tenant_value="1")
    SubjectTokens.objects.update(id_token=sign(id_token_claims(tid="2")))
    assert STORE.load(user) is None


def test_stored_tokens_are_of_no_use_while_two_tenants_are_not_told_apart(
    browser: Browser, other_connection: IdPConnection
) -> None:
    user, there = signed_in(browser, "tables"), IdPConnection.objects.filter(pk=other_connection.pk)
    there.update(tenant_claim="", tenant_value="")
    assert STORE.load(user) is None
    there.update(tenant_claim="tid", tenant_value="2")
    assert STORE.load(user)
