"""Who a subject is: bound, bound once by a verified email, provisioned, or refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connections

from audit.log import NotRecorded
from audit.models import Act, AuditEvent
from tenants.models import IdPConnection, Tenant, User
from tenants.subjects import SubjectClaims, SubjectRefused, read_claims, resolve_subject

BOB = SubjectClaims(sub="u-bob", email="bob@tables.example", email_verified=True, name="Bobby Tables")


def resolve(connection: IdPConnection, **changes: Any) -> User:
    return resolve_subject(connection=connection, claims=SubjectClaims(**{**vars(BOB), **changes}))


def refused(connection: IdPConnection, **changes: Any) -> str:
    with pytest.raises(SubjectRefused) as caught:
        resolve(connection, **changes)
    return caught.value.detail


def account(connection: IdPConnection, username: str = "waiting", **fields: Any) -> User:
    return User.objects.create(username=username, realm=connection.app, tenant=connection.tenant, **fields)


def test_a_person_not_seen_before_gets_an_account_once(connection: IdPConnection) -> None:
    user = resolve(connection)
    assert (user.realm, user.tenant, user.issuer, user.sub) == ("wiki", connection.tenant, connection.issuer, "u-bob")
    assert user.username.startswith("wiki:tables:")
    assert (user.email, user.display_name) == ("bob@tables.example", "Bobby Tables")
    assert not user.has_usable_password()
    assert not user.is_staff
    assert resolve(connection) == user


@pytest.mark.clause("OpenID Connect Core", "2", "RP-26: sub is compared as it is")
@pytest.mark.parametrize("sub", ["U-BOB", " u-bob", "ü-bob", "u-bob\u0301"])
def test_another_spelling_of_a_subject_is_another_person(connection: IdPConnection, sub: str) -> None:
    bob = resolve(connection)
    assert resolve(connection, sub=sub, email="") != bob


@pytest.mark.clause("OpenID Connect Core", "5.7", "iss and sub together identify a person")
def test_the_same_subject_under_another_tenant_is_another_person(
    connection: IdPConnection, other_connection: IdPConnection
) -> None:
    assert resolve(connection) != resolve(other_connection, email="bob@other.example")


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-25 MT-28: a subject belongs to its issuer")
def test_the_same_subject_of_another_issuer_is_another_person(connection: IdPConnection) -> None:
    bob = resolve(connection)
    connection.issuer = "https://new.example"
    connection.save()
    mallory = resolve(connection, email="mallory@tables.example")
    assert mallory != bob
    bob.refresh_from_db()
    assert (bob.email, bob.issuer) == ("bob@tables.example", "https://idp.example")


def test_an_account_bound_to_another_issuer_waits_for_an_operator_to_unbind_it(connection: IdPConnection) -> None:
    bob = resolve(connection)
    connection.issuer = "https://new.example"
    connection.save()
    assert "never changes its subject" in refused(connection, sub="new-bob")
    User.objects.filter(pk=bob.pk).update(issuer="", sub=None)  # what the admin's action does
    assert resolve(connection, sub="new-bob") == bob


def test_the_same_subject_at_another_app_is_another_account(connection: IdPConnection) -> None:
    todo = IdPConnection.objects.create(
        tenant=connection.tenant, app="todo", issuer=connection.issuer, client_id="todo", client_secret="x"
    )
    assert resolve(todo).realm == "todo"
    assert resolve(todo) != resolve(connection)


@pytest.mark.parametrize("email", ["bob@tables.example", "BOB@Tables.Example"])
def test_a_verified_email_binds_a_pre_provisioned_account(connection: IdPConnection, email: str) -> None:
    waiting = account(connection, email="Bob@tables.example")
    assert resolve(connection, email=email) == waiting
    waiting.refresh_from_db()
    assert waiting.sub == "u-bob"
    assert resolve(connection, email="") == waiting


def test_an_address_outside_the_tenants_domains_binds_if_it_was_pre_provisioned(connection: IdPConnection) -> None:
    waiting = account(connection, email="trinity@rabbit.example")
    assert resolve(connection, email="trinity@rabbit.example") == waiting


@pytest.mark.parametrize("verified", [False, "true", 1, None])
@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22")
def test_an_unverified_email_binds_nothing(connection: IdPConnection, verified: Any) -> None:
    waiting = account(connection, email="bob@tables.example")
    assert "has not verified" in refused(connection, email_verified=verified)
    waiting.refresh_from_db()
    assert waiting.sub is None


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-24")
def test_an_address_in_another_tenants_domain_binds_nothing(
    connection: IdPConnection, other_connection: IdPConnection
) -> None:
    account(connection, email="eve@other.example")
    assert "belongs to another tenant" in refused(connection, email="eve@other.example")


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-23")
def test_an_account_that_is_bound_is_never_bound_again(connection: IdPConnection) -> None:
    bob = resolve(connection)
    assert "never changes its subject" in refused(connection, sub="u-mallory")
    bob.refresh_from_db()
    assert bob.sub == "u-bob"
    assert User.objects.count() == 1


def test_two_accounts_with_the_same_email_are_one_too_many(connection: IdPConnection) -> None:
    account(connection, "one", email="bob@tables.example")
    account(connection, "two", email="bob@tables.example")
    assert "belongs to another account" in refused(connection)


def test_the_account_of_another_app_or_tenant_is_not_bound(
    connection: IdPConnection, other_connection: IdPConnection
) -> None:
    there = account(other_connection, "there", email="bob@tables.example")
    elsewhere = User.objects.create(
        username="elsewhere", realm="todo", tenant=connection.tenant, email="bob@tables.example"
    )
    assert resolve(connection) not in (there, elsewhere)


OUTSIDE = [
    "bob@elsewhere.example",
    "bob@sub.tables.example",
    "bob@tables.example.evil.example",
    "bob@xtables.example",
    "bob@other.example",
    "tables.example",
    "@",
    "@tables.example",
    "bob\n@tables.example",
]


@pytest.mark.parametrize("email", OUTSIDE, ids=ascii)
@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-24: issuer and subject are the person, an email is not")
def test_an_account_is_created_without_an_email_outside_the_tenants_domains(
    connection: IdPConnection, other_connection: IdPConnection, email: str, verified: bool
) -> None:
    user = resolve(connection, email=email, email_verified=verified)
    assert (user.tenant, user.issuer, user.sub, user.email) == (connection.tenant, connection.issuer, "u-bob", "")
    assert (user.display_name, user.has_usable_password()) == ("Bobby Tables", False)
    row = AuditEvent.objects.get(act=Act.ACCOUNT_CHANGE, detail__startswith="The email was left out")
    assert (row.user, row.tenant, row.issuer, row.sub) == (user.username, "tables", connection.issuer, "u-bob")
    assert "bob@" not in row.detail
    assert resolve(connection, email=email, email_verified=verified) == user
    assert User.objects.get().email == ""
    assert AuditEvent.objects.filter(detail__startswith="The email was left out").count() == 1


def test_no_account_is_created_if_the_missing_email_cannot_be_recorded(connection: IdPConnection) -> None:
    with patch("audit.receivers.log.done", side_effect=NotRecorded), pytest.raises(NotRecorded):
        resolve(connection, email="bob@elsewhere.example")
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["bob@tables.example", "BOB@Tables.example", ""])
def test_of_an_email_of_the_tenant_or_none_nothing_is_left_out(connection: IdPConnection, email: str) -> None:
    assert resolve(connection, email=email).email == email.lower()
    assert not AuditEvent.objects.filter(detail__startswith="The email was left out").exists()


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-24")
def test_an_email_outside_the_domains_gets_no_account_where_none_is_created(connection: IdPConnection) -> None:
    connection.provisions_users = False
    assert "provisions no users" in refused(connection, email="bob@elsewhere.example")
    assert not User.objects.exists()


@pytest.mark.parametrize("verified", [False, "true", 1, None])
@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22: an email that is not verified is not shown as anybody's")
def test_an_unverified_email_is_neither_kept_nor_taken_over(connection: IdPConnection, verified: Any) -> None:
    assert resolve(connection, sub="u-mallory", email_verified=verified).email == ""
    assert resolve(connection, sub="u-mallory", email_verified=verified).email == ""
    bob = resolve(connection)
    assert bob.email == "bob@tables.example"
    assert resolve(connection, email="trinity@tables.example", email_verified=verified) == bob
    bob.refresh_from_db()
    assert bob.email == "bob@tables.example"


# The switches for IdPs that do not verify emails

SWITCHES = {"trusts_absent_email_verified": None, "trusts_false_email_verified": False}


@pytest.fixture(params=list(SWITCHES.items()), ids=list(SWITCHES))
def trusting(request: pytest.FixtureRequest, connection: IdPConnection) -> tuple[IdPConnection, bool | None]:
    """A connection with one switch on, and the `email_verified` that the switch is for."""
    name, verified = request.param
    setattr(connection, name, True)
    connection.save()
    return connection, verified


def test_both_switches_are_off_by_default(connection: IdPConnection) -> None:
    assert not any(getattr(connection, name) for name in SWITCHES)


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22: a switch of the connection")
def test_with_the_switch_an_email_of_the_tenants_domain_links_an_account_once(
    trusting: tuple[IdPConnection, bool | None],
) -> None:
    connection, verified = trusting
    waiting = account(connection, email="Bob@tables.example")
    assert resolve(connection, email="BOB@tables.example", email_verified=verified) == waiting
    waiting.refresh_from_db()
    assert (waiting.issuer, waiting.sub) == (connection.issuer, "u-bob")
    assert "never changes its subject" in refused(connection, sub="u-mallory", email_verified=verified)
    waiting.refresh_from_db()
    assert waiting.sub == "u-bob"
    assert User.objects.count() == 1


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-24: a switch is for the tenant's own domains")
@pytest.mark.parametrize("email", ["trinity@rabbit.example", "trinity@sub.tables.example", "trinity@other.example"])
def test_with_the_switch_an_email_of_another_domain_links_nothing(
    trusting: tuple[IdPConnection, bool | None], other_connection: IdPConnection, email: str
) -> None:
    connection, verified = trusting
    waiting = account(connection, email=email)
    assert "has not verified" in refused(connection, email=email, email_verified=verified)
    waiting.refresh_from_db()
    assert waiting.sub is None


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22: a switch is for one of absent and false")
def test_a_switch_is_for_one_kind_of_unverified_email(trusting: tuple[IdPConnection, bool | None]) -> None:
    connection, verified = trusting
    account(connection, email="bob@tables.example")
    others: list[Any] = [False if verified is None else None, "nonsense", 1, []]
    for unverified in others:
        assert "has not verified" in refused(connection, email_verified=unverified)


@pytest.mark.clause("OpenID Connect Core", "5.7", "RP-22: with a switch, an email is shown but binds no account again")
def test_with_the_switch_an_email_is_shown_and_that_of_another_account_is_not_taken_over(
    trusting: tuple[IdPConnection, bool | None],
) -> None:
    connection, verified = trusting
    bob = resolve(connection, email_verified=verified)
    assert bob.email == "bob@tables.example"
    assert resolve(connection, email="robert@tables.example", email_verified=verified) == bob
    bob.refresh_from_db()
    assert bob.email == "robert@tables.example"
    eve = resolve(connection, sub="u-eve", email="eve@tables.example", email_verified=verified)
    assert resolve(connection, sub="u-eve", email="robert@tables.example", email_verified=verified) == eve
    assert resolve(connection, email="bob@rabbit.example", email_verified=verified) == bob
    eve.refresh_from_db()
    bob.refresh_from_db()
    assert (eve.email, bob.email, bob.sub) == ("eve@tables.example", "robert@tables.example", "u-bob")


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        (True, True),
        ("true", True),
        (False, False),
        ("false", False),
        (None, None),
        ("True", False),
        ("yes", False),
        ("", False),
        (1, False),
        (0, False),
        (["true"], False),
        ({}, False),
    ],
)
@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-22: email_verified is true, false, or not said")
def test_email_verified_is_read_strictly(said: Any, verified: bool | None) -> None:
    claims = {"sub": "u-bob", "email": "bob@tables.example", "email_verified": said}
    assert read_claims(claims) == SubjectClaims("u-bob", "bob@tables.example", verified)


def test_claims_that_are_absent_or_no_text_are_empty() -> None:
    assert read_claims({"sub": "u-bob"}) == read_claims({"sub": "u-bob", "email": 7, "name": None})
    assert read_claims({"sub": "u-bob"}) == SubjectClaims("u-bob")


def test_an_email_is_shown_as_soon_as_it_is_verified(connection: IdPConnection) -> None:
    assert resolve(connection, email_verified=False).email == ""
    assert resolve(connection).email == "bob@tables.example"


def test_a_person_without_an_email_is_provisioned(connection: IdPConnection) -> None:
    assert resolve(connection, email="", name="").display_name.startswith("wiki:tables:")


def test_no_account_is_created_if_the_connection_forbids_it(connection: IdPConnection) -> None:
    connection.provisions_users = False
    assert "provisions no users" in refused(connection)
    waiting = account(connection, email="bob@tables.example")
    assert resolve(connection) == waiting


@pytest.mark.parametrize("sub", ["", "x" * 256, "u\nbob", "u\x00bob", "u\ud800bob"], ids=ascii)
def test_a_subject_that_cannot_be_one_is_refused(connection: IdPConnection, sub: str) -> None:
    assert "the subject is empty, too long or not printable" in refused(connection, sub=sub)


def test_a_subject_with_a_space_at_its_end_has_an_account_of_its_own(connection: IdPConnection) -> None:
    without, with_one = resolve(connection), resolve(connection, sub="u-bob ", email="")
    assert without != with_one
    assert (resolve(connection), resolve(connection, sub="u-bob ")) == (without, with_one)


def test_a_deactivated_account_is_refused(connection: IdPConnection) -> None:
    User.objects.filter(pk=resolve(connection).pk).update(is_active=False)
    assert refused(connection) == "the account is not active"


def test_a_deactivated_tenant_or_connection_is_refused(connection: IdPConnection) -> None:
    connection.enabled = False
    assert "is disabled" in refused(connection)
    connection.enabled, connection.tenant.is_active = True, False
    assert "is not active" in refused(connection)


def test_a_long_subject_gets_a_short_user_name(connection: IdPConnection) -> None:
    one, two = resolve(connection, sub="x" * 255, email=""), resolve(connection, sub="x" * 254, email="")
    assert len(one.username) <= 150
    assert one.username != two.username


def test_display_data_follow_the_idp(connection: IdPConnection) -> None:
    resolve(connection)
    user = resolve(connection, name="Robert Tables", email="Robert@tables.example")
    user.refresh_from_db()
    assert (user.display_name, user.email) == ("Robert Tables", "robert@tables.example")


@pytest.mark.parametrize("email", ["bob@elsewhere.example", "", "nonsense"])
def test_an_email_that_is_not_the_tenants_is_not_taken_over(connection: IdPConnection, email: str) -> None:
    resolve(connection)
    assert resolve(connection, email=email).email == "bob@tables.example"


def test_the_email_of_another_account_is_not_taken_over(connection: IdPConnection) -> None:
    resolve(connection)
    resolve(connection, sub="u-eve", email="eve@tables.example")
    assert resolve(connection, sub="u-eve").email == "eve@tables.example"


@pytest.mark.clause("OpenID Connect Core", "5.1", "RP-27")
def test_a_name_is_bounded_and_has_no_control_characters(connection: IdPConnection) -> None:
    user = resolve(connection, name="Bob\u202e\x00\n <script>" + "x" * 1000)
    assert user.first_name.startswith("Bob <script>xxx")
    assert len(user.first_name) == 150
    assert resolve(connection, name="\u202e").first_name == user.first_name


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("OpenID Connect Core", "5.7", "MT-33 two first sign-ins at once")
def test_two_first_sign_ins_at_once_make_one_account() -> None:
    tenant = Tenant.objects.create(name="Tables", slug="tables")
    connection = IdPConnection.objects.create(
        tenant=tenant, app="wiki", issuer="https://i.example", client_id="c", client_secret="s"
    )

    def sign_in(_: int) -> int:
        try:
            return resolve(connection, email="").pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        accounts = set(pool.map(sign_in, range(8)))
    assert len(accounts) == User.objects.count() == 1
