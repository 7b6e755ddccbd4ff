"""A policy may be limited: to people, to groups, to a fresh sign-in."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from idp.models import CrossAppPolicy
from tenants.models import Realm, User
from tests.idp.test_token_exchange import assert_refused
from tests.support.embedded_idp import (
    AUDIENCE,
    ID_TOKEN_TYPE,
    REFRESH_TOKEN_TYPE,
    EmbeddedIdP,
    make_person,
    query_of,
)
from tests.support.kept_rows import forget_rows

LIMITED = "The cross-app policy of this organisation does not include this user"


@pytest.fixture
def policy(idp: EmbeddedIdP) -> CrossAppPolicy:
    return CrossAppPolicy.objects.get()


@pytest.fixture
def alice(idp: EmbeddedIdP) -> User:
    return make_person(idp, "alice")


@pytest.fixture
def sales(db: None) -> Group:
    return Group.objects.create(name="Sales")


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63 P3")
@pytest.mark.parametrize("token_type", [ID_TOKEN_TYPE, REFRESH_TOKEN_TYPE])
def test_a_user_who_is_not_on_the_list_is_denied_and_told_of_the_gap(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, alice: User, token_type: str
) -> None:
    tokens = signed_in.tokens()
    token = tokens["id_token"] if token_type == ID_TOKEN_TYPE else tokens["refresh_token"]
    assert signed_in.exchange(token, subject_token_type=token_type).status_code == 200  # control: no list, everybody
    policy.users.add(alice)
    response = signed_in.exchange(token, subject_token_type=token_type)
    assert_refused(response, 400, "access_denied", LIMITED)
    assert "alice" not in response.content.decode().lower()


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63")
def test_a_user_on_the_list_is_allowed(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User, alice: User, id_token: str
) -> None:
    policy.users.add(alice, bob)
    assert signed_in.exchange(id_token).status_code == 200
    policy.users.remove(bob)
    assert_refused(signed_in.exchange(id_token), 400, "access_denied", LIMITED)


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63")
def test_a_group_lets_its_members_through_from_the_next_request_on(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User, sales: Group, id_token: str
) -> None:
    policy.groups.add(sales)
    assert_refused(signed_in.exchange(id_token), 400, "access_denied", LIMITED)
    bob.groups.add(sales)
    assert signed_in.exchange(id_token).status_code == 200
    bob.groups.set([Group.objects.create(name="Marketing")])
    assert_refused(signed_in.exchange(id_token), 400, "access_denied", LIMITED)


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63")
def test_people_and_groups_add_up(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User, alice: User, sales: Group, id_token: str
) -> None:
    policy.users.add(bob)
    policy.groups.add(sales)
    alice.groups.add(sales)
    assert signed_in.exchange(id_token).status_code == 200
    policy.users.set([alice])
    assert_refused(signed_in.exchange(id_token), 400, "access_denied", LIMITED)


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63")
@pytest.mark.parametrize("limited_to", ["people", "groups"])
def test_a_list_of_one_policy_says_nothing_of_another(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, alice: User, sales: Group, id_token: str, limited_to: str
) -> None:
    other = CrossAppPolicy.objects.create(
        server=policy.server,
        client=policy.client,
        audience=AUDIENCE,
        resource=AUDIENCE + "/other",
        scope="read",
        client_id_at_audience="wiki0-at-todo0",
    )
    if limited_to == "people":
        other.users.add(alice)
    else:
        other.groups.add(sales)
    assert signed_in.exchange(id_token).status_code == 200
    assert_refused(signed_in.exchange(id_token, resource=AUDIENCE + "/other"), 400, "access_denied", LIMITED)


@pytest.mark.django_db(transaction=True)  # as it is outside of tests, policies are kept for some seconds
def test_whether_a_person_is_named_is_asked_each_time_and_the_policy_is_not(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User, alice: User, sales: Group
) -> None:
    def policy_statements(status: int = 200) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert signed_in.exchange(signed_in.tokens()["id_token"]).status_code == status
        return len([query for query in captured if "idp_crossapppolicy" in query["sql"]])

    forget_rows()
    assert [policy_statements(), policy_statements()] == [1, 0]
    policy.users.add(alice)
    assert policy_statements(400) == 3, "a change counts at once where it is made"
    policy.users.add(bob)
    forget_rows()
    assert [policy_statements(), policy_statements()] == [2, 1]
    policy.users.set([alice])
    policy.groups.add(sales)
    bob.groups.add(sales)
    forget_rows()
    assert [policy_statements(), policy_statements()] == [3, 2]
    bob.groups.clear()
    assert policy_statements(400) == 2, "of people every request asks the database"


@pytest.mark.django_db(transaction=True)
def test_an_audience_without_a_policy_is_looked_for_each_time(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, id_token: str
) -> None:
    other = "https://other.example"
    forget_rows()
    assert_refused(signed_in.exchange(id_token, audience=other, resource=other), 400, "invalid_target", "audience")
    policy.pk, policy.audience, policy.resource = None, other, other
    CrossAppPolicy.objects.bulk_create([policy])  # sends no signal
    assert signed_in.exchange(id_token, audience=other, resource=other).status_code == 200


@pytest.mark.parametrize("gone", ["a person", "two people at once", "a group", "a person, a group stays"])
def test_a_policy_is_disabled_when_its_last_person_or_group_is_deleted(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, alice: User, sales: Group, id_token: str, gone: str
) -> None:
    if gone != "a group":
        policy.users.add(alice)
    if "group" in gone:
        policy.groups.add(sales)
    if gone == "two people at once":
        policy.users.add(make_person(signed_in, "carol"))
    assert_refused(signed_in.exchange(id_token), 400, "access_denied", LIMITED)  # control: Bob is not named
    (sales if gone == "a group" else User.objects.filter(email__regex="alice|carol")).delete()
    policy.refresh_from_db()
    assert policy.enabled == ("stays" in gone)
    assert signed_in.exchange(id_token).json()["error"] == "access_denied"


@pytest.mark.clause("RFC 9470", "3", "TE-34 TE-85")
@pytest.mark.parametrize("token_type", [ID_TOKEN_TYPE, REFRESH_TOKEN_TYPE])
def test_a_sign_in_too_long_ago_for_the_policy_is_to_be_repeated(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User, token_type: str
) -> None:
    signed_in.backdate_session(days=300)
    tokens = signed_in.tokens()
    token = tokens["id_token"] if token_type == ID_TOKEN_TYPE else tokens["refresh_token"]
    assert signed_in.exchange(token, subject_token_type=token_type).status_code == 200  # control: any time will do
    CrossAppPolicy.objects.update(max_age=3600)
    response = signed_in.exchange(token, subject_token_type=token_type)
    assert_refused(response, 400, "insufficient_user_authentication", "must sign in again")
    assert response.json()["max_age"] == 3600


@pytest.mark.clause("RFC 9470", "3", "TE-34 TE-85")
@pytest.mark.parametrize(("age", "status"), [(3600, 200), (3600.5, 400)])
def test_the_age_of_a_sign_in_counts_to_the_second(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, age: float, status: int
) -> None:
    signed_in_at = signed_in.backdate_session(minutes=10)
    id_token = signed_in.tokens()["id_token"]
    CrossAppPolicy.objects.update(max_age=3600)
    with patch("idp.cross_app_policy.time", SimpleNamespace(time=lambda: signed_in_at + age)):
        assert signed_in.exchange(id_token).status_code == status


@pytest.mark.clause("RFC 9470", "4", "TE-34 TE-85")
def test_signing_in_again_mends_it(signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User) -> None:
    signed_in.backdate_session(days=300)
    CrossAppPolicy.objects.update(max_age=3600)
    max_age = str(signed_in.exchange(signed_in.tokens()["id_token"]).json()["max_age"])
    assert signed_in.authorize(max_age=max_age)["Location"].startswith("/sign-in")
    signed_in.browser.force_login(bob, backend="tenants.passwords.RealmBackend")
    assert query_of(signed_in.authorize(max_age=max_age))["code"]
    assert signed_in.exchange(signed_in.tokens()["id_token"]).status_code == 200


# --- where people see it -------------------------------------------------------------------------------------------


def test_the_home_page_says_for_whom_without_naming_people(
    signed_in: EmbeddedIdP, policy: CrossAppPolicy, bob: User, alice: User, sales: Group
) -> None:
    def home() -> str:
        return " ".join(signed_in.browser.get("/").content.decode().split())

    assert "for everybody." in home()
    policy.users.add(alice)
    assert "for 1 person." in home()
    policy.users.add(bob)
    policy.groups.add(sales)
    assert "for 2 people and the group Sales." in home()
    assert "alice" not in home()
    policy.users.clear()
    policy.groups.add(Group.objects.create(name="<Board>"))
    CrossAppPolicy.objects.update(max_age=60)
    assert "for the groups &lt;Board&gt;, Sales, no later than 60 seconds after the sign-in." in home()


def _form(policy: CrossAppPolicy, **changes: Any) -> dict[str, Any]:
    names = ("audience", "resource", "scope", "client_id_at_audience")
    form = {name: getattr(policy, name) for name in names} | {"enabled": "on"}
    return form | {"server": policy.server_id, "client": policy.client_id} | changes


def test_the_admin_offers_people_of_the_idp_and_groups_without_powers(
    operator: Browser,
) -> None:
    powerful = Group.objects.create(name="Operators")
    powerful.permissions.add(Permission.objects.all()[0])
    Group.objects.create(name="Sales")
    policy = CrossAppPolicy.objects.get(server__tenant__slug="customer1")
    page = operator.get(f"/admin/idp/crossapppolicy/{policy.pk}/change/").content.decode()
    assert "Bobby Tables (bob@tables.fake)" in page
    assert "trinity@whiterabbit.fake" in page
    assert "john@tables.fake2" not in page
    assert page.count("bob@tables.fake") == 1  # the directory entry, not the accounts at the apps
    assert "Sales" in page
    assert "Operators" not in page


def test_the_admin_saves_the_list_and_shows_it(operator: Browser) -> None:
    policy = CrossAppPolicy.objects.get(server__tenant__slug="customer1")
    bob = User.objects.get(realm=Realm.IDP, email="bob@tables.fake")
    sales = Group.objects.create(name="Sales")
    url = f"/admin/idp/crossapppolicy/{policy.pk}/change/"
    assert operator.post(url, _form(policy, users=[bob.pk], groups=[sales.pk])).status_code == 302
    assert list(policy.users.all()) == [bob]
    assert "1 person and the group Sales" in operator.get("/admin/idp/crossapppolicy/").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("audience", "todo0", "Enter an absolute URL in ASCII without a fragment."),
        ("audience", "javascript:alert(1)", "Enter an absolute URL in ASCII without a fragment."),
        ("resource", "http://todo.localhost:8000/api#a", "Enter an absolute URL in ASCII without a fragment."),
        ("scope", 'read"', "Separate scopes by single spaces."),
        ("max_age", "0", "greater than or equal to 1"),
    ],
)
def test_the_admin_refuses_a_policy_that_could_never_match(
    operator: Browser,
    field: str,
    value: str,
    why: str,
) -> None:
    policy = CrossAppPolicy.objects.get(server__tenant__slug="customer1")
    page = operator.post(f"/admin/idp/crossapppolicy/{policy.pk}/change/", _form(policy, **{field: value}))
    assert page.status_code == 200
    assert why in page.content.decode()


@pytest.mark.clause("ID-JAG", "6", "MT-01")
def test_users_of_another_tenant_cannot_be_on_the_list(operator: Browser) -> None:
    policy = CrossAppPolicy.objects.get(server__tenant__slug="customer1")
    john = User.objects.get(realm=Realm.IDP, email="john@tables.fake2")
    page = operator.post(f"/admin/idp/crossapppolicy/{policy.pk}/change/", _form(policy, users=[john.pk]))
    assert "is not one of the available choices" in page.content.decode()
    other = CrossAppPolicy.objects.get(server__tenant__slug="customer2")
    page = operator.post(
        "/admin/idp/crossapppolicy/add/", _form(policy, resource="http://todo.localhost:8000/x", users=[john.pk])
    )
    assert "not in this IdP&#x27;s directory" in page.content.decode()
    assert not policy.users.exists()
    assert not other.users.exists()


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-63")
def test_the_admin_puts_people_of_a_directory_into_groups(operator: Browser) -> None:
    bob, at_wiki = (User.objects.get(realm=realm, email="bob@tables.fake") for realm in (Realm.IDP, Realm.WIKI))
    sales = Group.objects.create(name="Sales")
    url = f"/admin/tenants/user/{bob.pk}/change/"
    form = {"first_name": "Bobby", "last_name": "Tables", "email": bob.email, "is_active": "on", "groups": [sales.pk]}
    assert operator.post(url, form).status_code == 302
    assert list(bob.groups.all()) == [sales]
    page = operator.get(f"/admin/tenants/user/{at_wiki.pk}/change/").content.decode()
    assert "A cross-app policy may be limited to groups" not in page
