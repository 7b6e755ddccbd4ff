"""Whose account one gets at an app, and what of the ID token is shown there."""

from typing import Any

import pytest

from audit.models import Act, AuditEvent, Outcome
from tenants.models import IdPConnection, User
from tests.support.fake_idp import FakeIdp
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

NO_ACCESS = "gives you no access to this app"


@pytest.fixture
def browser(connection: IdPConnection, idp: FakeIdp) -> Browser:
    return Browser(idp)


def account(connection: IdPConnection, **fields: Any) -> User:
    """Return an account with Bob's email, which waits for its person unless a `sub` is given."""
    fields = {"username": "wiki:bob", "email": "bob@tables.example"} | fields
    return User.objects.create(realm="wiki", tenant=connection.tenant, **fields)


@pytest.mark.parametrize("verified", [False, None, "false", "TRUE", 1, ["true"]], ids=str)
@pytest.mark.parametrize("bound", [False, True], ids=["waiting account", "account of another person"])
@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22")
def test_an_unverified_email_matches_no_account(
    browser: Browser, connection: IdPConnection, verified: Any, bound: bool
) -> None:
    there = account(connection, **({"issuer": connection.issuer, "sub": "u-alice"} if bound else {}))
    browser.idp.claims["email_verified"] = verified
    if verified is None:
        del browser.idp.claims["email_verified"]
    browser.start()
    refused(browser, browser.come_back(), 400, NO_ACCESS)
    there.refresh_from_db()
    assert there.sub == ("u-alice" if bound else None)
    assert User.objects.count() == 1


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22: who claims an address first keeps its owner not out")
def test_the_owner_of_a_verified_email_signs_in_after_an_unverified_claim_of_it(browser: Browser) -> None:
    browser.idp.claims |= {"sub": "u-mallory", "email_verified": False}
    browser.sign_in()
    assert browser.user is not None and browser.user.email == ""
    for path in ("/", "/sign-in", "/pages/"):
        assert browser.client.get(path).status_code == 200, path
        assert "bob@tables.example" not in browser.client.get(path).content.decode()
    browser.client.post("/sign-out")
    browser.idp.claims |= {"sub": "u-bob", "email_verified": True}
    browser.sign_in()
    assert browser.user is not None and (browser.user.sub, browser.user.email) == ("u-bob", "bob@tables.example")


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22: the control")
def test_a_verified_email_leads_to_the_account_that_waits_for_it(browser: Browser, connection: IdPConnection) -> None:
    there = account(connection)
    browser.sign_in()
    assert browser.user == there


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-23")
def test_a_verified_email_of_another_account_is_refused_and_recorded(
    browser: Browser, connection: IdPConnection
) -> None:
    alice = account(connection, issuer=connection.issuer, sub="u-alice")
    browser.start()
    refused(browser, browser.come_back(), 400, NO_ACCESS)
    alice.refresh_from_db()
    assert (alice.sub, alice.display_name) == ("u-alice", "bob@tables.example")
    event = AuditEvent.objects.get(act=Act.SIGN_IN)
    assert (event.outcome, event.failed_check) == (Outcome.REFUSED, "subject")
    assert "an account never changes its subject" in event.detail


@pytest.mark.parametrize("email", ["bob@elsewhere.example", "bob@sub.tables.example", "bob@other.example"])
@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-24: signed in by issuer and subject, the email left out")
def test_an_email_outside_the_tenants_domains_is_left_out_of_the_account(
    browser: Browser, other_connection: IdPConnection, email: str
) -> None:
    browser.idp.claims["email"] = email
    browser.sign_in()
    assert browser.user is not None
    assert (browser.user.sub, browser.user.email, browser.user.display_name) == ("u-bob", "", "Bobby Tables")
    assert email not in browser.client.get("/").content.decode()
    row = AuditEvent.objects.get(act=Act.ACCOUNT_CHANGE, detail__startswith="The email was left out")
    assert (row.tenant, row.user) == ("tables", browser.user.username)
    assert row.detail.endswith(f": {email.partition('@')[2]}")
    assert AuditEvent.objects.get(act=Act.SIGN_IN).outcome == Outcome.DONE
    browser.client.post("/sign-out")
    browser.sign_in()
    assert User.objects.count() == 1


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-24: another tenant's waiting account is not reached by an email")
def test_an_email_of_another_tenant_leads_to_no_account_there(
    browser: Browser, other_connection: IdPConnection, verified: bool
) -> None:
    there = account(other_connection, email="eve@other.example", username="wiki:eve")
    browser.idp.claims |= {"email": "eve@other.example", "email_verified": verified}
    browser.sign_in()
    assert browser.user is not None and browser.user != there
    assert (browser.user.tenant.slug, browser.user.email) == ("tables", "")  # type: ignore[union-attr]
    there.refresh_from_db()
    assert there.sub is None


@pytest.mark.clause("OpenID Connect Core", "2", "RP-26")
def test_another_spelling_of_the_subject_is_another_person(browser: Browser) -> None:
    people = []
    for sub in ("u-bob", "U-bob", " u-bob"):
        browser.idp.claims |= {"sub": sub, "email": ""}
        browser.sign_in()
        people.append(browser.user)
        browser.client.post("/sign-out")
    assert len({person.pk for person in people if person}) == 3


@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-27")
def test_an_odd_name_is_stored_short_and_shown_as_text(browser: Browser) -> None:
    name = "<script>alert(1)</script>\u202e\x00\u2066 Bob" + "x" * 8000
    browser.idp.claims |= {"name": name, "picture": "javascript:alert(2)", "profile": "javascript:alert(3)"}
    browser.sign_in()
    assert browser.user is not None
    assert browser.user.first_name == ("<script>alert(1)</script> Bob" + "x" * 150)[:150]
    page = browser.client.get("/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "javascript:" not in page


@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-27")
def test_markup_in_an_email_is_shown_as_text(browser: Browser) -> None:
    browser.idp.claims |= {"email": '"<script>alert(1)</script>"@tables.example', "name": ""}
    browser.sign_in()
    assert browser.user is not None
    page = browser.client.get("/").content.decode()
    assert "&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;@tables.example" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "email",
    [
        "bob<b>@tables.example",
        "b\u202eob@tables.example",
        "bob\n@tables.example",
        "javascript:alert(1)",
        "b" * 300 + "@tables.example",
    ],
    ids=lambda email: ascii(email)[:40],
)
@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-27")
def test_an_odd_email_is_left_out_of_the_account_and_replaces_none(browser: Browser, email: str) -> None:
    browser.idp.claims["email"] = email
    browser.sign_in()
    assert browser.user is not None
    assert browser.user.email == ""
    assert AuditEvent.objects.filter(detail__startswith="The email was left out").count() == 1
    browser.idp.claims["email"] = "bob@tables.example"
    browser.sign_in()
    browser.idp.claims["email"] = email
    browser.sign_in()
    assert browser.user is not None
    assert browser.user.email == "bob@tables.example"


@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-27")
def test_an_id_token_of_100_kb_is_refused(browser: Browser) -> None:
    browser.idp.claims["name"] = "x" * 100_000
    browser.start()
    refused(browser, browser.come_back(), 502, "sent an invalid answer")
