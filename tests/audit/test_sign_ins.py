"""Who signs in and out is recorded, and who tried to, at all three kinds of site."""

import pytest
from django.test import Client as Browser

from audit.models import AuditEvent
from tenants.models import IdPConnection, Realm, User
from tests.support.audit_lines import Lines
from tests.support.demo import Demo
from tests.support.in_process import sign_in

BOB = "bob@tables.fake"
IDP = "http://customer1.idp.localhost:8000"
WIKI = "http://wiki.localhost:8000"


def rows(act: str, lines: Lines) -> list[AuditEvent]:
    """Return the rows of `act`, oldest first; there are as many lines."""
    found = list(AuditEvent.objects.filter(act=act).order_by("pk"))
    assert [line["outcome"] for line in lines.of(act)] == [row.outcome for row in found]
    return found


@pytest.mark.clause("SEC", "", "SEC-11")
def test_a_single_sign_on_is_recorded_at_the_idp_and_at_the_app(demo: Demo, lines: Lines) -> None:
    sign_in(demo.browser, "wiki", BOB)
    at_idp, at_wiki = rows("sign_in", lines)
    person, account = User.objects.get(realm=Realm.IDP, email=BOB), User.objects.get(realm=Realm.WIKI, email=BOB)
    assert (at_idp.server, at_idp.tenant, at_idp.user, at_idp.client_id) == (IDP, "customer1", person.username, "")
    assert (at_wiki.server, at_wiki.tenant, at_wiki.user, at_wiki.client_id) == (
        WIKI,
        "customer1",
        account.username,
        "wiki0",
    )
    assert (at_wiki.issuer, at_wiki.sub) == (IDP, person.sub)
    assert {row.address for row in (at_idp, at_wiki)} == {"127.0.0.1"}


@pytest.mark.clause("SEC", "", "SEC-10 SEC-11")
def test_a_wrong_password_is_recorded_without_it(demo: Demo, lines: Lines) -> None:
    demo.browser.sign_in("wiki", BOB, password="canary-password")
    [row] = rows("sign_in", lines)
    assert (row.outcome, row.failed_check, row.server, row.tenant) == ("refused", "password", IDP, "customer1")
    assert (row.user, row.unverified) == ("", {"email": BOB})
    assert "canary" not in "".join(lines.texts)


def test_an_address_that_no_tenant_has_is_recorded(demo: Demo, lines: Lines) -> None:
    page = demo.browser.get(f"{WIKI}/sign-in")
    demo.browser.submit(page.form_with("email"), email="nobody@nowhere.example")
    [row] = rows("sign_in", lines)
    assert (row.outcome, row.failed_check, row.tenant) == ("refused", "address", "")
    assert row.unverified == {"email": "nobody@nowhere.example"}


def test_an_answer_without_an_attempt_is_recorded(demo: Demo, lines: Lines) -> None:
    demo.browser.get(f"{WIKI}/sign-in/callback?state=x&code=canary")
    [row] = rows("sign_in", lines)
    assert (row.outcome, row.failed_check, row.tenant) == ("refused", "state", "")
    assert "canary" not in "".join(lines.texts)


def test_a_person_without_access_is_recorded_with_the_reason(demo: Demo, lines: Lines) -> None:
    User.objects.filter(realm=Realm.WIKI, email=BOB).delete()
    IdPConnection.objects.filter(app="wiki").update(provisions_users=False)
    demo.browser.sign_in("wiki", BOB)
    _, row = rows("sign_in", lines)
    assert (row.outcome, row.failed_check, row.tenant, row.issuer) == ("refused", "subject", "customer1", IDP)
    assert "provisions no users" in row.detail


def test_a_sign_out_is_recorded(demo: Demo, lines: Lines) -> None:
    page = sign_in(demo.browser, "wiki", BOB)
    demo.browser.submit(next(form for form in page.forms if form.action.endswith("/sign-out")))
    [row] = rows("sign_out", lines)
    assert (row.server, row.user) == (WIKI, User.objects.get(realm=Realm.WIKI, email=BOB).username)


def test_an_operator_is_recorded_too(demo: Demo, lines: Lines) -> None:
    browser = Browser(headers={"host": "localhost:8000"})
    for password in ("canary", "avocado"):
        browser.post("/admin/login/", {"username": "admin", "password": password})
    wrong, right = rows("sign_in", lines)
    assert (wrong.outcome, wrong.failed_check, wrong.unverified) == ("refused", "password", {"username": "admin"})
    assert (right.outcome, right.user, right.tenant) == ("done", "staff:admin", "")
    assert "canary" not in "".join(lines.texts)


def test_a_sign_in_is_not_stopped_by_a_row_that_cannot_be_written(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.audit.test_grants import _fail

    save = AuditEvent.save
    monkeypatch.setattr(
        AuditEvent, "save", lambda self, **kwargs: (_fail if self.act == "sign_in" else save)(self, **kwargs)
    )
    sign_in(demo.browser, "wiki", BOB)
    assert "cannot write the audit row of a sign-in" in caplog.text
