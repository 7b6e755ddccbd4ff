"""Several tenants behind one issuer: told apart by the value of one claim, or refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction

from tenants.models import IdPConnection, Tenant
from tenants.shared_issuers import NoConnection, check_told_apart, connection_of

ISSUER = "https://login.example"
pytestmark = [pytest.mark.django_db, pytest.mark.clause("ID-JAG", "6.1", "MT-34")]


def connection(slug: str, claim: str = "", value: str = "", **changes: Any) -> IdPConnection:
    """Return a connection of the tenant `slug` that is not saved yet."""
    tenant, _ = Tenant.objects.get_or_create(slug=slug, name=slug)
    fields = {"app": "todo", "issuer": ISSUER, "client_id": "todo0", "client_secret": "s"} | changes
    return IdPConnection(tenant=tenant, tenant_claim=claim, tenant_value=value, **fields)


def connected(slug: str, claim: str = "", value: str = "", **changes: Any) -> IdPConnection:
    """Return the saved connection, past all checks but the database's."""
    made = connection(slug, claim, value, **changes)
    made.save()
    return made


def refused(claims: dict[str, Any], app: str = "todo", issuer: str = ISSUER) -> str:
    with pytest.raises(NoConnection) as caught:
        connection_of(app, issuer, claims)
    return str(caught.value)


# --- Saving ----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("ID-JAG", "6.1", "MT-03")
def test_tenants_share_an_issuer_by_the_value_of_one_claim() -> None:
    for value in ("1", "2", "3"):
        made = connection(f"tenant{value}", "tid", value)
        made.full_clean()
        made.save()
    for made in IdPConnection.objects.all():
        made.full_clean()
        assert connection_of("todo", ISSUER, {"tid": made.tenant_value}) == made


@pytest.mark.parametrize(
    ("there", "added", "field", "message"),
    [
        (("", ""), ("tid", "2"), "tenant_claim", "acme is connected to this issuer with no tenant claim"),
        (("tid", "1"), ("", ""), "tenant_claim", "acme is connected to this issuer with the tenant claim tid"),
        (("tid", "1"), ("hd", "2"), "tenant_claim", "acme is connected to this issuer with the tenant claim tid"),
        (("tid", "1"), ("TID", "2"), "tenant_claim", "acme is connected to this issuer with the tenant claim tid"),
        (("tid", "1"), ("tid", "1"), "__all__", "A connection of this app with this issuer already exists"),
        (("", ""), ("", ""), "__all__", "A connection of this app with this issuer already exists"),
    ],
)
@pytest.mark.clause("ID-JAG", "6.1", "MT-03")
def test_a_connection_that_a_token_could_not_tell_from_another_is_refused(
    there: tuple[str, str], added: tuple[str, str], field: str, message: str
) -> None:
    connected("acme", *there)
    connection("other", *added, issuer="https://another.example").full_clean()
    connection("other", *added, app="wiki").full_clean()

    with pytest.raises(ValidationError) as caught:
        connection("other", *added).full_clean()
    assert list(caught.value.message_dict) == [field]
    assert message in caught.value.message_dict[field][0]
    assert "names the same tenant claim and a value of its own" in caught.value.message_dict[field][0]


@pytest.mark.clause("ID-JAG", "6.1", "MT-03")
def test_a_shared_connection_does_not_lose_or_change_its_claim() -> None:
    connected("acme", "tid", "1")
    other = connected("other", "tid", "2")
    for claim, value in (("", ""), ("hd", "2"), ("tid", "1")):
        other.tenant_claim, other.tenant_value = claim, value
        with pytest.raises(ValidationError):
            other.full_clean()
    other.tenant_claim, other.tenant_value = "tid", "3"
    other.full_clean()


@pytest.mark.parametrize(
    ("there", "added"),
    [
        (("tid", "1"), ("tid", "1")),
        (("", ""), ("", "")),
        ((), ("tid", "")),
        ((), ("", "1")),
    ],
)
@pytest.mark.clause("ID-JAG", "6.1", "MT-03")
def test_the_database_refuses_equal_values_and_a_claim_without_a_value(
    there: tuple[str, ...], added: tuple[str, str]
) -> None:
    if there:
        connected("acme", *there)
    with pytest.raises(IntegrityError), transaction.atomic():
        connected("other", *added)
    connected("other", "tid", "2", app="wiki")


# --- Two saves at once -----------------------------------------------------------------------------------------------

AT_ONCE = [
    [("", ""), ("tid", "1")],
    [("tid", "1"), ("hd", "1")],
    [("tid", "1"), ("hd", "acme.example")],
    [("tid", "1"), ("tid", "2"), ("", "")],
]


@pytest.mark.parametrize("pairs", AT_ONCE, ids=str)
@pytest.mark.clause("race", "", "MT-33 MT-34: what two saves at once leave is refused, and not guessed")
def test_connections_that_were_saved_at_once_and_are_not_told_apart_are_refused(pairs: list[tuple[str, str]]) -> None:
    made = [connection(f"tenant{number}", *pair) for number, pair in enumerate(pairs)]
    for each in made:
        each.full_clean()  # it sees none of the others
    for each in made:
        each.save()

    slugs = ", ".join(each.tenant.slug for each in made)
    for claims in ({}, {"tid": "1"}, {"hd": "acme.example"}, {"tid": "1", "hd": "1"}):
        assert refused(claims) == f"The tenants {slugs} share this issuer, and no one claim tells them apart."
    for each in made:
        with pytest.raises(NoConnection):
            check_told_apart(each)

    for each in made[1:]:
        each.delete()
    check_told_apart(made[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("race", "", "MT-33 MT-03")
def test_of_two_tenants_that_take_one_value_at_once_one_gets_it() -> None:
    made, together = [connection(slug, "tid", "1") for slug in ("acme", "other")], threading.Barrier(2)

    def save(each: IdPConnection) -> bool:
        each.full_clean()
        together.wait(timeout=10)
        try:
            each.save()
        except IntegrityError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(save, made)) == [False, True]
    assert IdPConnection.objects.count() == 1


# --- Looking up ------------------------------------------------------------------------------------------------------

NOT_SAID: list[dict[str, Any]] = [
    {},
    {"tid": "3"},
    {"tid": ""},
    {"tid": None},
    {"tid": 1},
    {"tid": True},
    {"tid": ["1"]},
    {"tid": ["1", "2"]},
    {"tid": {"1": "2"}},
    {"tid": "1 "},
    {"TID": "1"},
    {"tenant": "1"},
]


@pytest.mark.parametrize("tenants", [1, 2])
@pytest.mark.parametrize("claims", NOT_SAID, ids=str)
def test_a_token_without_the_value_belongs_to_no_connection(claims: dict[str, Any], tenants: int) -> None:
    for value in range(1, tenants + 1):
        connected(f"tenant{value}", "tid", str(value))
    assert connection_of("todo", ISSUER, {"tid": "1"}).tenant.slug == "tenant1"
    assert refused(claims).startswith("No IdP connection of this issuer is for the tenant in the token: tid is ")


def test_the_reason_says_what_was_found() -> None:
    connected("acme", "tid", "1")
    assert refused({}).endswith("tid is missing.")
    assert refused({"tid": 1}).endswith("tid is not a string.")
    assert refused({"tid": "2" * 200}).endswith(f"tid is '{'2' * 100}...'.")


def test_an_issuer_of_another_app_or_of_none_is_unknown() -> None:
    connected("acme", "tid", "1", app="wiki")
    for app, issuer in (("todo", ISSUER), ("wiki", f"{ISSUER}/"), ("wiki", "https://nobodys.example")):
        assert refused({"tid": "1"}, app, issuer) == "No IdP connection has this issuer."


def test_a_secret_that_cannot_be_read_hinders_no_other_tenant() -> None:
    connected("acme", "tid", "1")
    other = connected("other", "tid", "2")
    table = IdPConnection._meta.db_table
    with connections["default"].cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET client_secret = 'unreadable' WHERE id = {other.pk}")  # noqa: S608
    assert connection_of("todo", ISSUER, {"tid": "1"}).tenant.slug == "acme"


@pytest.mark.clause("RFC 7517", "5", "MT-23: a key is withdrawn for all tenants of its issuer")
def test_keys_that_one_connection_forgets_are_forgotten_for_the_issuer() -> None:
    acme, other = connected("acme", "tid", "1"), connected("other", "tid", "2")
    wiki, elsewhere = connected("acme", app="wiki"), connected("third", issuer="https://another.example")
    acme.forget_keys()
    assert acme.keys_fetched_since
    for each in (acme, other, wiki):
        assert IdPConnection.objects.get(pk=each.pk).keys_fetched_since == acme.keys_fetched_since
    assert IdPConnection.objects.get(pk=elsewhere.pk).keys_fetched_since is None
