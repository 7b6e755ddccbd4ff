"""From a pasted link to a card: what is asked of whom, when, for whom, and what stays behind."""

import re
from datetime import timedelta
from urllib.parse import parse_qs

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from authserver.models import Client
from crossapp.requesting_app.models import StoredAccessToken
from idp.models import CrossAppPolicy
from tenants.models import EmailDomain, IdPConnection, Realm, SubjectTokens, Tenant, User
from tests.support.demo import Demo
from tests.support.in_process import sign_in
from todo.models import Todo

BOB, TRINITY, JOHN = "bob@tables.fake", "trinity@whiterabbit.fake", "john@tables.fake2"


def test_a_link_to_ones_own_todo_becomes_a_card(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    link = demo.link_to(BOB)
    assert demo.unfurl([link]) == [
        {
            "url": link,
            "card": {"app": "Todo0", "title": "Escape the quotes in the student table", "status": "Not started"},
            "reason": None,
        }
    ]


def test_the_card_is_of_this_moment(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    link = demo.link_to(BOB)
    demo.unfurl([link])
    Todo.objects.filter(pk=link.rsplit("/", 1)[1]).update(completed=True, task="Escaped")
    assert demo.unfurl([link])[0]["card"] == {"app": "Todo0", "title": "Escaped", "status": "Completed"}
    assert demo.exchanges() == ["token-exchange", "jwt-bearer"]


def test_nothing_is_exchanged_at_login(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    sign_in(demo.browser, "todo", BOB)
    assert demo.exchanges() == []
    assert SubjectTokens.objects.count() == 2
    assert not StoredAccessToken.objects.exists()


def test_the_second_app_asks_for_no_password(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.browser.visited.clear()
    sign_in(demo.browser, "todo", BOB)
    assert not any("idp.localhost:8000/sign-in" in url for url in demo.browser.visited)


def test_a_page_of_thirty_links_makes_one_exchange_and_one_api_request(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    links = [demo.link_to(BOB, f"Task {number}") for number in range(30)]
    cards = demo.unfurl(links)
    assert [card["card"]["title"] for card in cards] == [f"Task {number}" for number in range(30)]
    assert demo.exchanges() == ["token-exchange", "jwt-bearer"]
    assert len(demo.network.to("/api/todos")) == 1


def test_pasting_a_link_does_not_show_another_users_todo(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    for owner in (JOHN, TRINITY):
        card = demo.unfurl([demo.link_to(owner)])[0]
        assert card["card"] is None
        assert card["reason"]["code"] == "not_found"
    nonexistent = demo.unfurl([f"{settings.ORIGINS['todo']}/todos/999999"])[0]
    assert nonexistent["reason"] == card["reason"]


def test_the_same_page_shows_each_viewer_their_own(demo: Demo) -> None:
    link = demo.link_to(BOB)
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([link])[0]["card"]
    demo.browser.clients.clear()
    sign_in(demo.browser, "wiki", TRINITY)
    assert demo.unfurl([link])[0]["reason"]["code"] == "not_found"


def test_an_address_outside_the_domain_belongs_to_its_tenant_by_itself(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", TRINITY)
    assert User.objects.get(realm=Realm.WIKI, email=TRINITY).sub
    assert demo.unfurl([demo.link_to(TRINITY)])[0]["card"]


def test_the_accounts_of_one_person_meet_by_issuer_and_subject_only(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    subs = dict(User.objects.filter(email=BOB).values_list("realm", "sub"))
    assert len({subs["idp"], subs["wiki"], subs["todo"]}) == 1
    assert User.objects.filter(email=BOB).count() == 3  # the pre-provisioned accounts were bound, none was added


@pytest.mark.clause("ID-JAG", "4.3, 4.4", "CL-16 TE-76")
def test_each_leg_carries_the_identifiers_of_its_side(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    exchange, redemption = [
        {name: values[0] for name, values in parse_qs(sent.body).items()}
        for sent in demo.network.to("/oauth2/v1/token")
        if "token-exchange" in sent.body or "jwt-bearer" in sent.body
    ]
    assert exchange["audience"] == "http://todo.localhost:8000"
    assert exchange["resource"] == "http://todo.localhost:8000/api"
    assert exchange["requested_token_type"] == "urn:ietf:params:oauth:token-type:id-jag"
    assert jwt.decode(exchange["subject_token"], options={"verify_signature": False})["aud"] == "wiki0"
    id_jag = jwt.decode(redemption["assertion"], options={"verify_signature": False})
    assert id_jag["client_id"] == "wiki0-at-todo0"
    assert id_jag["iss"] == "http://customer1.idp.localhost:8000"


@pytest.mark.clause("ID-JAG branch aaronpk/sec-subject-tokens", "9.2", "CL-37 CL-38 SEC-08")
def test_no_id_jag_and_no_token_in_clear_is_in_the_database(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    assert StoredAccessToken.objects.get().access_token.startswith("eyJ")  # control: there is one, encrypted
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            assert not re.search(r"eyJ[\w-]+\.eyJ", repr(cursor.fetchall())), f"a token in {table}"


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-02")
def test_an_id_token_about_to_expire_is_refreshed_first(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    SubjectTokens.objects.update(id_token_expires_at=timezone.now() + timedelta(seconds=5))
    demo.network.exchanges.clear()
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    bodies = [sent.body for sent in demo.network.to("/oauth2/v1/token")]
    assert ["grant_type=refresh_token" in body for body in bodies] == [True, False, False]
    assert SubjectTokens.objects.get().id_token_expires_at > timezone.now() + timedelta(minutes=5)


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-03")
def test_a_person_whose_grant_has_ended_is_asked_to_sign_in_again(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    User.objects.filter(realm=Realm.IDP, email=BOB).update(is_active=False)
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "sign_in_again"


@pytest.mark.clause("ID-JAG", "4.3.3", "CL-10")
def test_what_the_organisation_forbids_is_said_to_be_forbidden(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    CrossAppPolicy.objects.update(enabled=False)
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "not_allowed"


@pytest.mark.clause("ID-JAG", "4.4", "CL-19 UF-24")
def test_a_resource_app_that_does_not_answer_is_said_to_be_silent(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.network.unreachable.add("todo.localhost:8000")
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "no_answer"


@pytest.mark.clause("ID-JAG", "4.4", "UF-25")
def test_a_valid_access_token_needs_no_idp(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    demo.network.unreachable.add("customer1.idp.localhost:8000")
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]


@pytest.mark.clause("RFC 6750", "3.1", "CL-29 RS-04")
def test_an_access_token_that_todo0_forgot_is_replaced_once(demo: Demo) -> None:
    from oauth2_provider.models import get_access_token_model

    sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    get_access_token_model().objects.filter(application__client_id="wiki0-at-todo0").delete()
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    assert demo.exchanges() == ["token-exchange", "jwt-bearer"] * 2


@pytest.mark.parametrize("what", ["user", "tenant's connection", "client"])
@pytest.mark.clause("ID-JAG", "6", "RS-04 MT-15 MT-16 MT-19")
def test_what_todo0_switches_off_ends_at_the_next_request(demo: Demo, what: str) -> None:
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    if what == "user":
        User.objects.filter(realm=Realm.TODO, email=BOB).update(is_active=False)
    elif what == "client":
        Client.objects.filter(client_id="wiki0-at-todo0").update(is_active=False)
    else:
        IdPConnection.objects.filter(app="todo", tenant__slug="customer1").update(enabled=False)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"] is None


@pytest.mark.clause("ID-JAG", "3.1", "MT-25 P10")
def test_a_person_todo0_has_never_seen_gets_an_account_if_the_connection_says_so(demo: Demo) -> None:
    User.objects.filter(realm=Realm.TODO, email=JOHN).delete()
    Todo.objects.filter(owner__email=JOHN).delete()
    sign_in(demo.browser, "wiki", JOHN)
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "not_found"
    new = User.objects.get(realm=Realm.TODO, tenant__slug="customer2")
    assert new.email == JOHN
    new.delete()
    StoredAccessToken.objects.all().delete()
    IdPConnection.objects.filter(app="todo").update(provisions_users=False)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"] is None
    assert not User.objects.filter(realm=Realm.TODO, tenant__slug="customer2").exists()


@pytest.mark.clause("ID-JAG", "6.3", "MT-05 RP-25")
def test_the_same_subject_at_another_tenants_idp_is_another_person(demo: Demo) -> None:
    sub = User.objects.get(realm=Realm.IDP, email=BOB).sub
    User.objects.filter(realm=Realm.IDP, email=JOHN).update(sub=sub)
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    demo.browser.clients.clear()
    sign_in(demo.browser, "wiki", JOHN)
    assert demo.unfurl([demo.link_to(BOB)])[0]["reason"]["code"] == "not_found"
    assert demo.unfurl([demo.link_to(JOHN)])[0]["card"]
    accounts = User.objects.filter(realm=Realm.TODO, sub=sub).values_list("tenant__slug", "email")
    assert sorted(accounts) == [("customer1", BOB), ("customer2", JOHN)]


def test_signing_out_forgets_what_wiki0_held_for_the_person(demo: Demo) -> None:
    page = sign_in(demo.browser, "wiki", BOB)
    demo.unfurl([demo.link_to(BOB)])
    form = next(form for form in page.forms if form.action.endswith("/sign-out"))
    page = demo.browser.submit(form)
    assert page.url == "http://wiki.localhost:8000/signed-out"
    assert not StoredAccessToken.objects.exists()
    assert not SubjectTokens.objects.filter(user__realm=Realm.WIKI).exists()
    assert any("customer1.idp.localhost:8000/oauth2/v1/logout" in link for link in page.links.values())


def test_a_tenant_with_an_unknown_address_reveals_nothing(demo: Demo) -> None:
    answers = set()
    for address in ("nobody@nowhere.example", "x@customer1.example", "bob@tables.fake.example"):
        page = demo.browser.get("http://wiki.localhost:8000/sign-in")
        page = demo.browser.submit(page.form_with("email"), email=address)
        answers.add((page.status, page.text.replace(address, "")))
        assert "Fake Org" not in page.text
    assert len(answers) == 1


def test_known_and_unknown_people_of_a_tenant_are_sent_the_same_way(demo: Demo) -> None:
    for address in (BOB, "nobody@tables.fake"):
        page = demo.browser.get("http://todo.localhost:8000/sign-in")
        page = demo.browser.submit(page.form_with("email"), email=address)
        assert page.url.startswith("http://customer1.idp.localhost:8000/sign-in")


def test_three_tenants_share_nothing_but_the_code(demo: Demo) -> None:
    assert Tenant.objects.count() == EmailDomain.objects.count() == 3
    issuers = set(IdPConnection.objects.values_list("issuer", flat=True))
    assert len(issuers) == 3
