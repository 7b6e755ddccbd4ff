"""The operator finds an event and reads it, and cannot touch it."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from audit import log
from audit.models import Act, AuditEvent
from tenants.models import User
from tests.support.demo import Demo
from tests.support.in_process import sign_in

LIST = "/admin/audit/auditevent/"


@pytest.fixture
def operator(demo: Demo) -> Browser:
    sign_in(demo.browser, "wiki", "bob@tables.fake")
    assert demo.unfurl([demo.link_to("bob@tables.fake")])[0]["card"]
    log.refused(Act.SIGN_IN, {"unverified": {"email": "nobody@<b>.example"}}, check="password")
    browser = Browser(headers={"host": "localhost:8000"})
    browser.force_login(User.objects.get(username="admin"), backend="tenants.passwords.RealmBackend")
    return browser


def found(browser: Browser, **query: str) -> list[AuditEvent]:
    page = browser.get(LIST, query)
    assert page.status_code == 200
    return list(page.context["cl"].result_list)


def test_both_legs_are_found_by_the_jti(operator: Browser) -> None:
    jti = AuditEvent.objects.get(act="redemption").jti
    assert [event.act for event in found(operator, q=jti)] == ["redemption", "token_exchange"]


def test_the_acts_of_a_request_are_found_by_its_id_and_say_it(operator: Browser) -> None:
    redemption = AuditEvent.objects.get(act="redemption")
    assert {event.act for event in found(operator, q=redemption.request_id)} >= {"redemption", "token_exchange"}
    assert redemption.request_id in operator.get(f"{LIST}{redemption.pk}/change/").content.decode()
    assert found(operator, q=redemption.request_id[1:]) == []


def test_the_acts_of_a_request_are_found_by_its_reference(operator: Browser) -> None:
    redemption = AuditEvent.objects.get(act="redemption")
    by_id, by_reference = (found(operator, q=text) for text in (redemption.request_id, redemption.request_id[:8]))
    assert by_reference == by_id
    assert found(operator, q=f"{redemption.request_id[:8]}x") == []


@pytest.mark.parametrize(
    ("query", "acts"),
    [
        ({"act__exact": "redemption"}, {"redemption"}),
        ({"client_id": "wiki0-at-todo0"}, {"redemption"}),
        ({"tenant": "customer2"}, set()),
        ({"q": "wiki0-at-todo0"}, {"redemption"}),
        ({"q": "todo:customer1:bob", "outcome__exact": "done"}, {"redemption", "account_change"}),
        ({"q": "customer2", "act__exact": "token_exchange"}, set()),
        ({"q": "customer1", "act__exact": "token_exchange"}, {"token_exchange"}),
        ({"q": "password"}, {"sign_in"}),
        ({"at__lt": "2001-01-01 00:00:00+00:00"}, set()),
    ],
)
def test_events_are_filtered_and_searched(operator: Browser, query: dict[str, str], acts: set[str]) -> None:
    assert {event.act for event in found(operator, **query)} == acts


def test_every_event_can_be_read(operator: Browser) -> None:
    for event in AuditEvent.objects.all():
        page = operator.get(reverse("admin:audit_auditevent_change", args=[event.pk], urlconf="idjag_demo.urls.staff"))
        assert page.status_code == 200
        assert event.get_act_display() in page.content.decode()
        assert "<b>" not in page.content.decode()


def test_nothing_can_be_added_changed_or_deleted(operator: Browser) -> None:
    event = AuditEvent.objects.order_by("pk")[0]
    before = AuditEvent.objects.values_list("pk", "client_id")
    for path in (f"{LIST}add/", f"{LIST}{event.pk}/change/", f"{LIST}{event.pk}/delete/"):
        assert operator.post(path, {"client_id": "x", "post": "yes"}).status_code == 403
    operator.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert list(AuditEvent.objects.values_list("pk", "client_id")) == list(before)


def test_an_events_page_has_nothing_empty(operator: Browser) -> None:
    redemption, failure = AuditEvent.objects.get(act="redemption"), AuditEvent.objects.get(outcome="refused")
    for event, said, unsaid in (
        (
            redemption,
            ["Identity assertion", "Scope granted:", "Checks passed:", redemption.jti],
            ["Claimed, not verified", "Target:"],
        ),
        (failure, ["Claimed, not verified", "email: nobody@"], ["Identity assertion", "Scope granted:", "Jti:"]),
    ):
        page = operator.get(f"{LIST}{event.pk}/change/").content.decode()
        assert [text for text in said if text not in page] == []
        assert [text for text in unsaid if text in page] == []


@pytest.mark.clause("SEC", "", "SEC-10")
def test_the_list_tells_who_acted_from_who_is_claimed_to(operator: Browser) -> None:
    page = operator.get(LIST).content.decode()
    assert "<div>todo:<wbr>customer1:<wbr>bob@tables.fake</div>" in page, "where it may be broken"
    page = page.replace("<wbr>", "")
    assert "<div>wiki0-at-todo0</div><div>todo:customer1:bob@tables.fake</div>" in page
    assert '<span class="audit-unverified">not verified: email nobody@&lt;b&gt;.example</span>' in page
    assert "http://todo.localhost:8000: read" in page
    assert "user" in page and ": linked to its subject" in page


def test_of_more_events_than_anybody_reads_the_newest_are_listed(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.admin.LISTED", 2)
    monkeypatch.setattr("audit.admin.AuditEventAdmin.list_per_page", 1)
    newest = list(AuditEvent.objects.all()[:3])
    assert [found(operator, p=page) for page in ("1", "2")] == [newest[:1], newest[1:2]]
    assert operator.get(LIST, {"p": "3"}).status_code == 302, "there is no such page"
