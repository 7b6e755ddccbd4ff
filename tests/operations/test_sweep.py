"""manage.py sweep: what has expired goes, what still decides something stays."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_id_token_model, get_refresh_token_model
from pytest_django import Settings

from audit.models import AuditEvent
from authserver.models import Client, UsedCode
from crossapp.requesting_app.models import Lease, ResourceApp, StoredAccessToken
from crossapp.resource_app.models import ConsumedJti
from idp.models import GrantedAuthentication
from operations.management.commands import sweep
from tenants.models import IdPConnection, SubjectTokens, User
from tests.support.commands import run
from tests.support.embedded_idp import REFRESH_TOKEN_TYPE, EmbeddedIdP
from wiki.models import RecordedStep

NOTHING = {
    "tokens and codes": 0,
    "sign-ins of ended grants": 0,
    "jtis": 0,
    "used codes": 0,
    "stored access tokens": 0,
    "subject tokens": 0,
    "leases": 0,
    "sessions": 0,
    "recorded steps": 0,
    "audit events": 0,
}


def swept() -> dict[str, int]:
    counted: dict[str, int] = json.loads(run("sweep", "--json"))
    return counted


def rows_of(at: datetime, user: User, resource_app: ResourceApp) -> None:
    """Make one row of everything that ends at a time of its own, as if it ended `at`."""
    code = {"client": Client.objects.get(client_id="wiki0"), "access_token_checksum": "x"}
    ConsumedJti.objects.create(issuer_hash="i", jti_hash=str(at), expires_at=at)
    UsedCode.objects.create(code_hash=str(at), expires_at=at, **code)
    StoredAccessToken.objects.create(user=user, resource_app=resource_app, access_token="t", expires_at=at)
    Lease.objects.create(name=str(at), expires_at=at)
    Session.objects.create(session_key=str(at)[:40], session_data="x", expire_date=at)
    RecordedStep.objects.create(user=user, kind="api", at=at - timedelta(hours=24))
    signed_in_at = at - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    names = {"tenant": user.tenant, "app": "wiki", "issuer": "https://idp.example", "client_id": "a"}
    of_idp, _ = IdPConnection.objects.get_or_create(**names, defaults={"client_secret": "s"})
    tokens, _ = SubjectTokens.objects.get_or_create(
        user=user, defaults={"connection": of_idp, "id_token": "t", "id_token_expires_at": at}
    )
    SubjectTokens.objects.filter(pk=tokens.pk).update(updated_at=signed_in_at)


def test_everything_that_has_expired_goes_and_nothing_else(signed_in: EmbeddedIdP, bob: User) -> None:
    app = {"audience": "https://a.example", "resource": "https://a.example/api"}
    soon, gone = timezone.now() + timedelta(minutes=5), timezone.now() - timedelta(minutes=5)
    rows_of(soon, bob, ResourceApp.objects.create(key="one", **app))
    assert swept() == NOTHING
    assert SubjectTokens.objects.count() == 1
    rows_of(gone, bob, ResourceApp.objects.create(key="two", **app))
    one_each = dict.fromkeys(NOTHING, 1) | {"tokens and codes": 0, "sign-ins of ended grants": 0, "audit events": 0}
    assert swept() == one_each
    assert swept() == NOTHING
    for model in (ConsumedJti, UsedCode, StoredAccessToken, Lease, RecordedStep):
        assert model.objects.count() == 1
    assert Session.objects.filter(expire_date=soon).exists()
    assert not SubjectTokens.objects.exists(), "there is one of each user; the session of these is over"


def test_tokens_go_with_their_codes_and_a_grant_that_can_be_refreshed_stays(signed_in: EmbeddedIdP) -> None:
    past = timezone.now() - timedelta(days=1)
    kept, ended = signed_in.tokens(), signed_in.tokens()
    signed_in.code()  # never redeemed
    for model in (get_access_token_model(), get_id_token_model(), get_grant_model()):
        model.objects.update(expires=past)
    assert swept() == NOTHING | {"tokens and codes": 1}, "the code; a refresh token keeps what it belongs to"
    signed_in.post("/oauth2/v1/revoke", {"token": ended["refresh_token"]})
    get_refresh_token_model().objects.exclude(revoked=None).update(revoked=past - timedelta(days=31))
    counted = swept()
    assert counted["tokens and codes"] == 2, "its refresh token and its ID token; the access token went before"
    assert counted["sign-ins of ended grants"] == 1
    refresh_token = kept["refresh_token"]
    assert signed_in.exchange(refresh_token, subject_token_type=REFRESH_TOKEN_TYPE).status_code == 200


def test_the_sign_in_of_a_grant_goes_with_the_grant(signed_in: EmbeddedIdP) -> None:
    signed_in.tokens()
    GrantedAuthentication.objects.create(token_family=uuid4(), auth_time=1)
    assert swept()["sign-ins of ended grants"] == 1
    assert GrantedAuthentication.objects.count() == 1


@pytest.mark.parametrize(("days", "left"), [(365, 1), (0, 2)])
@pytest.mark.clause("robustness", "", "LIM-14")
def test_audit_events_end_after_the_days_of_the_setting(db: None, settings: Settings, days: int, left: int) -> None:
    settings.AUDIT_KEPT_DAYS = days
    for age in (364, 366):
        AuditEvent.objects.create(act="sign_in", outcome="done", at=timezone.now() - timedelta(days=age))
    assert swept()["audit events"] == 2 - left
    assert AuditEvent.objects.count() == left


def test_many_rows_go_in_batches(db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    past = timezone.now() - timedelta(days=1)
    Lease.objects.bulk_create(Lease(name=str(number), expires_at=past) for number in range(25))
    with django_assert_num_queries(7):  # three times: which, delete; and once more which
        assert sweep.delete(Lease.objects.all()) == 25


@pytest.mark.parametrize(("seconds", "gone"), [(25, 0), (31, 1)])
@pytest.mark.clause("RFC 7523", "3", "(7) once, also if the clock of who sweeps is ahead of that of who verifies")
def test_a_jti_stays_until_its_id_jag_has_expired_by_every_clock(db: None, seconds: int, gone: int) -> None:
    expired_at = timezone.now() - timedelta(seconds=seconds)  # by ours, which may be 30 s ahead
    ConsumedJti.objects.create(issuer_hash="i", jti_hash="j", expires_at=expired_at)
    assert swept()["jtis"] == gone


@pytest.mark.clause("limits", "", "LIM-14")
def test_what_is_renewed_while_it_is_swept_stays(signed_in: EmbeddedIdP, bob: User) -> None:
    soon, gone = timezone.now() + timedelta(minutes=5), timezone.now() - timedelta(minutes=5)
    app = ResourceApp.objects.create(key="one", audience="https://a.example", resource="https://a.example/api")
    rows_of(gone, bob, app)
    renewals = {
        "crossapp_requesting_lease": lambda: Lease.objects.update(expires_at=soon),
        "crossapp_requesting_storedaccesstoken": lambda: StoredAccessToken.objects.update(expires_at=soon),
        "django_session": lambda: Session.objects.update(expire_date=soon),
    }

    def renewed_before_it_is_deleted(execute: Any, sql: str, *args: Any) -> Any:
        table = next((name for name in renewals if sql.startswith("DELETE") and name in sql), None)
        if table:
            renewals.pop(table)()
        return execute(sql, *args)

    with connection.execute_wrapper(renewed_before_it_is_deleted):
        counted = swept()
    assert not renewals, "each was asked for"
    assert (counted["leases"], counted["stored access tokens"], counted["sessions"]) == (0, 0, 0)
    assert Lease.objects.count() == StoredAccessToken.objects.count() == 1
    assert Session.objects.filter(expire_date=soon).exists()


def test_it_says_what_went(db: None) -> None:
    assert run("sweep").splitlines() == [f"       0 {name}" for name in NOTHING]
