"""The table takes rows and gives none back; the line says the same; a value is never more than one line."""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client as Browser
from django.utils import timezone

from audit import log
from audit.models import Act, AppendOnly, AuditEvent
from audit.signals import acted
from tests.support.audit_lines import Lines

pytestmark = pytest.mark.django_db


def event(**facts: Any) -> AuditEvent:
    log.done(Act.SIGN_IN, facts)
    return AuditEvent.objects.latest("pk")


@pytest.mark.clause("SEC", "", "SEC-11")
def test_an_event_is_never_changed() -> None:
    old = event(client_id="wiki0")
    old.client_id = "another"
    for attempt in (old.save, lambda: old.save(update_fields=["client_id"]), lambda: old.save(force_update=True)):
        with pytest.raises(AppendOnly):
            attempt()
    more: list[Callable[[], object]] = [
        lambda: AuditEvent.objects.update(client_id="another"),
        lambda: AuditEvent.objects.filter(pk=old.pk).update(client_id="another"),
        lambda: AuditEvent.objects.bulk_update([old], ["client_id"]),
        lambda: AuditEvent.objects.bulk_create([old], update_conflicts=True),
        lambda: AuditEvent.objects.update_or_create(pk=old.pk, defaults={"client_id": "another"}),
    ]
    for another in more:
        with pytest.raises(AppendOnly):
            another()
    assert AuditEvent.objects.get().client_id == "wiki0"


@pytest.mark.clause("SEC", "", "SEC-11")
def test_a_new_event_with_the_number_of_an_old_one_does_not_replace_it() -> None:
    old = event(client_id="wiki0")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEvent(pk=old.pk, act=Act.SIGN_OUT, client_id="another").save()
    assert AuditEvent.objects.get().client_id == "wiki0"


@pytest.mark.clause("SEC", "", "SEC-11")
def test_an_event_is_never_deleted() -> None:
    old = event()
    for attempt in (old.delete, AuditEvent.objects.all().delete, AuditEvent.objects.filter(pk=old.pk).delete):
        with pytest.raises(AppendOnly):
            attempt()
    assert AuditEvent.objects.count() == 1


def test_a_sweep_ends_the_events_that_are_old_enough() -> None:
    kept = event()
    AuditEvent(at=timezone.now() - timedelta(days=400), act=Act.SIGN_IN, outcome="done").save()
    assert AuditEvent.objects.sweep(older_than=timezone.now() - timedelta(days=365)) == 1
    assert AuditEvent.objects.get() == kept


@pytest.mark.parametrize(
    "nasty", ["\r\n", "\n", "\x1b[31m", "\u2028", "\u2029", "\x85", "\x00", "\x7f", "\u202e", "\ud800"], ids=ascii
)
@pytest.mark.clause("SEC", "", "SEC-09")
def test_a_value_cannot_begin_another_line_or_speak_to_a_terminal(lines: Lines, nasty: str) -> None:
    value = f"a{nasty}b"
    log.refused(Act.TOKEN_EXCHANGE, {"audience": value, "unverified": {"client_id": value}}, check="x", error=value)
    [text] = lines.texts
    assert text.isascii()
    assert text.isprintable()
    row = AuditEvent.objects.get()
    for stored in (row.audience, row.error, row.unverified["client_id"]):
        assert stored.isprintable()
        assert stored.startswith("a\\u")
        assert stored.endswith("b")


@pytest.mark.clause("SEC", "", "SEC-10")
def test_a_value_is_200_characters_long_at_most(lines: Lines) -> None:
    for value in ("a" * 100_000, "\n" * 100_000, "é" * 201):
        log.refused(Act.SIGN_IN, {"detail": value, "unverified": {"email": value}}, check=value)
    for row, line in zip(AuditEvent.objects.order_by("pk"), lines.of("sign_in"), strict=True):
        assert {len(row.detail), len(row.failed_check), len(row.unverified["email"])} == {200}
        assert line["unverified_email"] == row.unverified["email"]


@pytest.mark.parametrize("value", [7, ["x"], {"a": "b"}, 1.5, True, b"x"])
def test_a_claim_that_is_not_text_is_named_by_its_type(value: Any) -> None:
    log.refused(Act.REDEMPTION, {"unverified": {"jti": value}}, check="x")
    assert AuditEvent.objects.get().unverified == {"jti": f"[{type(value).__name__}]"}


@pytest.mark.clause("RFC 9700", "4.2", "TE-84 DC-14")
def test_a_jwt_in_the_wrong_place_is_not_kept(lines: Lines) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"
    log.refused(Act.TOKEN_EXCHANGE, {"audience": token, "unverified": {"client_id": f"x {token}"}}, check="x")
    row = AuditEvent.objects.get()
    assert (row.audience, row.unverified["client_id"]) == ("[token]", "x [token]")
    assert "eyJ" not in lines.texts[0]


def test_the_line_says_what_the_row_says(lines: Lines) -> None:
    log.refused(
        Act.REDEMPTION,
        {"client_id": "wiki0", "unverified": {"jti": "1"}, "ms": 1.23},
        check="exp",
        error="invalid_grant",
    )
    row = AuditEvent.objects.get()
    assert json.loads(lines.texts[0]) == {
        "at": row.at.isoformat(timespec="milliseconds"),
        "act": "redemption",
        "outcome": "refused",
        "client_id": "wiki0",
        "error": "invalid_grant",
        "failed_check": "exp",
        "unverified_jti": "1",
        "ms": 1.2,
    }
    assert str(row) == "redemption of an ID-JAG: refused (invalid_grant, exp)"


def test_an_act_that_is_rolled_back_leaves_no_row_and_no_line(
    lines: Lines, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                log.done(Act.SIGN_IN, {})
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert not AuditEvent.objects.exists()
        log.done(Act.SIGN_OUT, {})
        assert lines.texts == []
    assert [json.loads(text)["act"] for text in lines.texts] == ["sign_out"]


def test_an_act_says_with_which_request_it_came(lines: Lines) -> None:
    browser = Browser(headers={"host": "localhost:8000", "x-request-id": "the-request"})
    browser.post("/admin/login/", {"username": "nobody", "password": "x"})
    assert AuditEvent.objects.get().request_id == "the-request"
    assert [line["request_id"] for line in lines.of("sign_in")] == ["the-request"]


@pytest.fixture
def told() -> Iterator[list[tuple[str, str, str]]]:
    """What `acted` tells, in order."""
    told: list[tuple[str, str, str]] = []

    def listen(sender: Any, *, act: Act, outcome: str, error: str, **kwargs: Any) -> None:
        told.append((act.value, outcome, error))
        raise RuntimeError("a bug in a receiver")

    acted.connect(listen)
    yield told
    acted.disconnect(listen)


def test_an_act_is_told_when_it_has_taken_place(
    told: list[tuple[str, str, str]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            log.done(Act.SIGN_IN, {})
            raise ZeroDivisionError
        log.done(Act.SIGN_OUT, {})
        assert told == []
    assert told == [("sign_out", "done", "")]


def test_a_refusal_is_told_also_if_its_row_is_not_written(
    told: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AuditEvent, "save", _fail)
    log.refused(Act.REDEMPTION, {}, check="exp", error="invalid_grant")
    assert told == [("redemption", "refused", "invalid_grant")]


def test_an_act_that_cannot_be_recorded_says_so_and_a_refusal_stands(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(AuditEvent, "save", _fail)
    with pytest.raises(log.NotRecorded):
        log.done(Act.SIGN_IN, {})
    assert lines.texts == []
    log.refused(Act.SIGN_IN, {}, check="password")
    assert len(lines.texts) == 1
    assert "cannot write the audit row of a refusal: DatabaseError" in caplog.text
    assert "canary" not in caplog.text


def _fail(*args: Any, **kwargs: Any) -> None:
    raise DatabaseError("canary")
