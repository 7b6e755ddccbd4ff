"""Whose token it is: the account of (issuer, tenant, sub) that may act. No answer tells who exists."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from oauth2_provider.models import get_access_token_model

from audit.log import user_name
from audit.models import AuditEvent
from authserver.models import Client
from tenants.models import EmailDomain, IdPConnection, Tenant, User
from tests.redemption.conftest import TokenEndpoint, connect, outside
from tests.resource_app.fakes import ABSENT, ISSUER, World, jwks

NO_ACCESS = ("invalid_grant", "The subject of the ID-JAG has no access to this app.", "subject")
OTHER_ISSUER = "https://other-idp.example"


def account(todo0: TokenEndpoint, name: str, **fields: Any) -> User:
    """Make another account of Bob's tenant at Todo0."""
    values = {"realm": "todo", "tenant": todo0.bob.tenant, "issuer": ISSUER, "sub": name, "username": name}
    return User.objects.create(**values | fields)


@pytest.fixture
def no_provisioning(todo0: TokenEndpoint) -> None:
    IdPConnection.objects.update(provisions_users=False)


@pytest.mark.parametrize(
    "sub",
    ["eve", "BOB", "Bob", "bob ", " bob", "bob@tables.fake", "7", "bøb", "todo:bob", "b\u200dob", "\u202ebob"],
    ids=ascii,
)
@pytest.mark.clause("RFC 7523", "3", "(2) a subject is compared byte for byte")
def test_an_unknown_subject_is_refused(todo0: TokenEndpoint, no_provisioning: None, sub: str) -> None:
    response = todo0.redeem(todo0.mint(sub=sub))
    todo0.assert_refused(response, *NO_ACCESS)
    todo0.assert_redeemed(todo0.redeem())


REFUSED_ACCOUNTS: dict[str, dict[str, Any]] = {
    "deactivated": {"is_active": False},
    "known to another issuer": {"issuer": OTHER_ISSUER},
    "known at the other app": {"realm": "wiki"},
    "known at the IdP itself": {"realm": "idp"},
    "never bound to a subject": {"sub": None, "issuer": ""},
}


@pytest.mark.parametrize("fields", REFUSED_ACCOUNTS.values(), ids=REFUSED_ACCOUNTS.keys())
@pytest.mark.clause("RFC 7523", "3", "(2) the answer does not tell whether the subject exists")
def test_an_account_that_may_not_act_reads_like_none(
    todo0: TokenEndpoint, no_provisioning: None, fields: dict[str, Any]
) -> None:
    eve = account(todo0, "eve", **fields)
    here = User.objects.filter(realm="todo").count()
    response = todo0.redeem(todo0.mint(sub="eve", email=ABSENT))
    todo0.assert_refused(response, *NO_ACCESS, accounts=here)
    assert outside(response) == outside(todo0.redeem(todo0.mint(sub="nobody", email=ABSENT)))
    User.objects.filter(pk=eve.pk).update(is_active=True, issuer=ISSUER, realm="todo", sub="eve")
    todo0.assert_redeemed(todo0.redeem(todo0.mint(sub="eve", email=ABSENT)))


@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "a known subject without access is access_denied")
def test_a_deactivated_account_is_told_apart_where_the_connection_says_so(
    todo0: TokenEndpoint, no_provisioning: None
) -> None:
    IdPConnection.objects.update(tells_access_denied=True)
    eve = account(todo0, "eve", is_active=False)
    description = "The subject of the ID-JAG is known here and has no access."
    todo0.assert_refused(todo0.redeem(todo0.mint(sub="eve")), "access_denied", description, "subject", accounts=2)
    User.objects.filter(pk=eve.pk).update(is_active=True)
    todo0.assert_redeemed(todo0.redeem(todo0.mint(sub="eve")))


@pytest.mark.parametrize("fields", [fields for name, fields in REFUSED_ACCOUNTS.items() if name != "deactivated"])
@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "an unknown subject stays invalid_grant")
def test_who_is_unknown_is_not_told_apart_by_that(
    todo0: TokenEndpoint, no_provisioning: None, fields: dict[str, Any]
) -> None:
    IdPConnection.objects.update(tells_access_denied=True)
    account(todo0, "eve", **fields)
    here = User.objects.filter(realm="todo").count()
    todo0.assert_refused(todo0.redeem(todo0.mint(sub="eve", email=ABSENT)), *NO_ACCESS, accounts=here)


REFUSED_EMAILS: dict[str, dict[str, Any]] = {
    "not verified": {"email": "new@tables.fake"},
    "verified false": {"email": "new@tables.fake", "email_verified": False},
    "of an account that has a subject": {"email": "bob@tables.fake", "email_verified": True},
    "of such an account, in capitals": {"email": "BOB@TABLES.FAKE", "email_verified": True},
}
LEFT_OUT: dict[str, dict[str, Any]] = {
    "of another tenant's domain": {"email": "new@other.fake", "email_verified": True},
    "of an unknown domain": {"email": "new@nobodys.fake", "email_verified": True},
    "of a domain below the tenant's": {"email": "new@sub.tables.fake", "email_verified": True},
    "of a domain that ends like the tenant's": {"email": "new@eviltables.fake", "email_verified": True},
    "no address": {"email": "tables.fake", "email_verified": True},
    "two addresses": {"email": "new@evil.fake,new@tables.fake", "email_verified": True},
}


@pytest.mark.parametrize("claims", REFUSED_EMAILS.values(), ids=REFUSED_EMAILS.keys())
@pytest.mark.clause("OIDC Core", "5.7", "an email links only if it is verified and of the tenant's domain")
def test_an_email_that_does_not_link_gives_no_account(todo0: TokenEndpoint, claims: dict[str, Any]) -> None:
    other = Tenant.objects.create(slug="other", name="Other")
    EmailDomain.objects.create(tenant=other, domain="other.fake")
    waiting = account(todo0, "waiting", sub=None, issuer="", email="new@tables.fake")
    response = todo0.redeem(todo0.mint(sub="new", **claims))
    todo0.assert_refused(response, *NO_ACCESS, accounts=2)
    waiting.refresh_from_db()
    assert (waiting.sub, waiting.issuer) == (None, "")
    good = todo0.mint(sub="new", email="new@tables.fake", email_verified=True)
    todo0.assert_redeemed(todo0.redeem(good))
    waiting.refresh_from_db()
    assert (waiting.sub, waiting.issuer) == ("new", ISSUER)


@pytest.mark.parametrize(
    ("switch", "verified"), [("trusts_absent_email_verified", ABSENT), ("trusts_false_email_verified", False)]
)
@pytest.mark.clause("OIDC Core", "5.7", "a switch of the connection counts an email of the tenant's domain as verified")
def test_with_the_switch_an_email_that_is_not_verified_links_an_account_once(
    todo0: TokenEndpoint, switch: str, verified: Any
) -> None:
    waiting = account(todo0, "waiting", sub=None, issuer="", email="new@tables.fake")
    elsewhere = account(todo0, "elsewhere", sub=None, issuer="", email="new@nobodys.fake")

    def redeemed_by(sub: str, email: str = "new@tables.fake", **changes: Any) -> Any:
        claims = {"sub": sub, "email": email, "email_verified": verified, "jti": f"{sub} {email}"}
        return todo0.redeem(todo0.mint(**claims | changes))

    todo0.assert_refused(redeemed_by("new"), *NO_ACCESS, accounts=3)
    setattr(todo0.connection, switch, True)
    todo0.connection.save()
    todo0.assert_redeemed(redeemed_by("new"))
    for refused in (redeemed_by("mallory"), redeemed_by("mallory", "new@nobodys.fake")):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    text = redeemed_by("bob", email_verified=str(verified).lower())
    assert text.json()["error_description"] == "email_verified in the ID-JAG must be true or false."
    waiting.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (waiting.sub, waiting.issuer, elsewhere.sub) == ("new", ISSUER, None)


@pytest.mark.parametrize("claims", LEFT_OUT.values(), ids=LEFT_OUT.keys())
@pytest.mark.clause("OIDC Core", "5.7", "an email outside the tenant's domains links nothing and is left out")
def test_an_email_outside_the_tenants_domains_links_nothing_and_is_left_out(
    todo0: TokenEndpoint, claims: dict[str, Any]
) -> None:
    other = Tenant.objects.create(slug="other", name="Other")
    EmailDomain.objects.create(tenant=other, domain="other.fake")
    waiting = account(todo0, "waiting", sub=None, issuer="", email="new@tables.fake")
    there = account(todo0, "there", sub=None, issuer="", email="new@other.fake", tenant=other)
    todo0.assert_redeemed(todo0.redeem(todo0.mint(sub="new", **claims)))
    new = User.objects.get(sub="new")
    assert (new.tenant, new.issuer, new.email) == (todo0.bob.tenant, ISSUER, "")
    row = AuditEvent.objects.get(act="account_change", detail__startswith="The email was left out")
    assert (row.tenant, row.user) == ("acme", new.username)
    for each in (waiting, there):
        each.refresh_from_db()
        assert (each.sub, each.issuer) == (None, "")


@pytest.mark.clause("OIDC Core", "5.7", "no account, and no row of its email, without the token")
def test_an_account_without_its_email_comes_with_the_token_only(todo0: TokenEndpoint) -> None:
    claims = {"sub": "new", "email": "new@elsewhere.fake", "email_verified": True}
    assert todo0.redeem(todo0.mint(**claims), scope="admin").status_code == 400
    assert not User.objects.filter(sub="new").exists()
    assert not AuditEvent.objects.filter(detail__startswith="The email was left out").exists()


@pytest.mark.clause("ID-JAG", "3.1", "control: an account is provisioned, and with the token only")
def test_a_person_seen_for_the_first_time_gets_an_account_with_the_token_only(todo0: TokenEndpoint) -> None:
    claims = {"sub": "new", "email": "new@tables.fake", "email_verified": True}
    response = todo0.redeem(todo0.mint(**claims), scope="admin")
    description = "None of the requested scopes is in the ID-JAG, which has 'read write'."
    todo0.assert_refused(response, "invalid_scope", description, "scope")
    todo0.assert_redeemed(todo0.redeem(todo0.mint(**claims)))
    assert User.objects.get(sub="new").email == "new@tables.fake"


@pytest.mark.parametrize("claims", [{}, {"email_verified": False}], ids=["not said", "false"])
@pytest.mark.clause("OIDC Core", "5.7", "an unverified email belongs to no account and does not lock its owner out")
def test_an_email_that_is_not_verified_is_not_kept(todo0: TokenEndpoint, claims: dict[str, Any]) -> None:
    todo0.assert_redeemed(todo0.redeem(todo0.mint(sub="mallory", email="new@tables.fake", **claims)))
    owner = todo0.mint(sub="new", email="new@tables.fake", email_verified=True, jti="another")
    assert todo0.redeem(owner).status_code == 200
    assert User.objects.get(sub="mallory").email == ""
    assert User.objects.get(sub="new").email == "new@tables.fake"


@pytest.mark.clause("ID-JAG", "6.3", "the same sub of another tenant's issuer is another person")
def test_the_same_subject_of_another_tenant_is_another_person(todo0: TokenEndpoint, idp: World) -> None:
    connection = connect(Tenant.objects.create(slug="other", name="Other"), "todo", OTHER_ISSUER)
    idp.session.publish(jwks(), issuer=OTHER_ISSUER)
    IdPConnection.objects.update(provisions_users=False)
    todo0.assert_refused(todo0.redeem(todo0.mint(iss=OTHER_ISSUER)), *NO_ACCESS)
    IdPConnection.objects.update(provisions_users=True)
    todo0.assert_redeemed(todo0.redeem(todo0.mint(iss=OTHER_ISSUER, email=ABSENT)))
    other_bob = User.objects.get(issuer=OTHER_ISSUER)
    assert (other_bob.tenant, other_bob.sub) == (connection.tenant, todo0.bob.sub)
    assert other_bob != todo0.bob


@pytest.mark.parametrize("claim", ["aud_sub", "preferred_username", "act", "sub_id", "username", "uid"])
@pytest.mark.clause("ID-JAG", "3.1", "no claim but iss and sub says who it is")
def test_other_claims_select_no_account(todo0: TokenEndpoint, no_provisioning: None, claim: str) -> None:
    value: Any = {"sub": "bob"} if claim in ("act", "sub_id") else "bob"
    todo0.assert_refused(todo0.redeem(todo0.mint(**{"sub": "eve", claim: value})), *NO_ACCESS)
    todo0.assert_redeemed(todo0.redeem(todo0.mint(**{claim: value})))


ACTOR = {"sub": "eve", "iss": ISSUER, "act": {"sub": "agent"}}


@pytest.mark.clause("ID-JAG", "9.7", "act and sub_profile are carried, and never say whose token it is")
def test_who_acts_is_carried_into_the_token_and_the_audit_and_is_not_the_subject(todo0: TokenEndpoint) -> None:
    eve = account(todo0, "eve")
    body = todo0.redeem(todo0.mint(act=ACTOR, sub_profile="ai_agent")).json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["act"], claims["sub_profile"]) == (ACTOR, "ai_agent")
    assert claims["sub"] == str(todo0.bob.pk) != str(eve.pk)
    assert get_access_token_model().objects.get().user == todo0.bob
    row = AuditEvent.objects.get(act="redemption")
    assert (json.loads(row.actor), row.sub_profile) == (ACTOR, "ai_agent")
    assert (row.sub, row.user) == ("bob", user_name(todo0.bob))


@pytest.mark.clause("ID-JAG", "3.1", "act is optional")
def test_a_token_without_an_actor_says_nothing_of_one(todo0: TokenEndpoint) -> None:
    body = todo0.assert_redeemed(todo0.redeem(todo0.mint(sub_profile=["user"]), id_jag="x", act="x", actor="x"))
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert not {"act", "sub_profile"} & claims.keys()
    row = AuditEvent.objects.get(act="redemption")
    assert (row.actor, row.sub_profile) == ("", "")


@pytest.mark.parametrize("act", ["eve", ["eve"], None, 7, {"sub": "e" * 1000}], ids=lambda act: type(act).__name__)
@pytest.mark.clause("RFC 8693", "4.1", "act is an object")
def test_an_actor_that_can_not_be_carried_is_refused(todo0: TokenEndpoint, act: Any) -> None:
    description = "act in the ID-JAG must be an object of 1000 characters at most."
    todo0.assert_refused(todo0.redeem(todo0.mint(act=act)), "invalid_grant", description, "identity_claims")
    todo0.assert_redeemed(todo0.redeem(todo0.mint(act={"sub": "agent"})))


@pytest.mark.clause("ID-JAG", "3.1", "sub_profile goes into a header, so it is short")
def test_a_profile_that_is_too_long_is_refused(todo0: TokenEndpoint) -> None:
    description = "sub_profile in the ID-JAG must have 255 characters at most."
    response = todo0.redeem(todo0.mint(sub_profile="x" * 256))
    todo0.assert_refused(response, "invalid_grant", description, "identity_claims")
    todo0.assert_redeemed(todo0.redeem(todo0.mint(sub_profile="x" * 255)))


SUB_IDS: dict[str, Any] = {
    "another person's NameID": {"format": "saml-nameid", "issuer": "https://saml.example", "nameid": "eve"},
    "an email": {"format": "email", "email": "eve@tables.fake"},
    "another issuer and subject": {"format": "iss_sub", "iss": ISSUER, "sub": "eve"},
    "no format": {"nameid": "eve"},
    "no object": "eve",
    "null": None,
}


@pytest.mark.parametrize("sub_id", SUB_IDS.values(), ids=SUB_IDS.keys())
@pytest.mark.clause("ID-JAG", "3.2.2", "sub_id is ignored: there is no SAML here")
def test_a_sub_id_selects_and_refuses_no_account(todo0: TokenEndpoint, no_provisioning: None, sub_id: Any) -> None:
    account(todo0, "eve", email="eve@tables.fake")
    body = todo0.redeem(todo0.mint(sub_id=sub_id)).json()
    assert get_access_token_model().objects.get().user == todo0.bob
    assert "sub_id" not in jwt.decode(body["access_token"], options={"verify_signature": False})


# --- Switched off ----------------------------------------------------------------------------------------------------


def the_person(todo0: TokenEndpoint, on: bool) -> None:
    User.objects.filter(pk=todo0.bob.pk).update(is_active=on)


def the_tenant(todo0: TokenEndpoint, on: bool) -> None:
    Tenant.objects.update(is_active=on)


def the_client(todo0: TokenEndpoint, on: bool) -> None:
    Client.objects.update(is_active=on)


def the_connection(todo0: TokenEndpoint, on: bool) -> None:
    IdPConnection.objects.update(enabled=on)


@pytest.mark.parametrize(
    ("switch", "status", "error"),
    [
        (the_person, 400, "invalid_grant"),
        (the_tenant, 400, "invalid_grant"),
        (the_client, 401, "invalid_client"),
        (the_connection, 400, "invalid_grant"),
    ],
    ids=lambda value: getattr(value, "__name__", "").replace("_", " "),
)
@pytest.mark.clause("ID-JAG", "6", "MT-15 MT-16 MT-19 what is off gets no token, and its live tokens stop")
def test_what_is_switched_off_gets_no_token_and_its_tokens_stop_working(
    todo0: TokenEndpoint, switch: Callable[[TokenEndpoint, bool], None], status: int, error: str
) -> None:
    token = todo0.assert_redeemed(todo0.redeem())["access_token"]
    assert todo0.is_good(token)
    switch(todo0, False)
    response = todo0.redeem(todo0.mint(jti="two"))
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert not todo0.is_good(token)
    switch(todo0, True)
    assert todo0.is_good(token)
    assert todo0.redeem(todo0.mint(jti="two")).status_code == 200
