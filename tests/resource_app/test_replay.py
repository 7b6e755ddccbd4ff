"""The table of redeemed ID-JAGs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from crossapp.resource_app.models import ConsumedJti
from crossapp.resource_app.replay import Replayed, claim, sweep

pytestmark = pytest.mark.django_db
SOON = datetime.now(UTC) + timedelta(hours=5)


def claim_twice(first: tuple[str, str], second: tuple[str, str]) -> None:
    claim(issuer=first[0], jti=first[1], expires_at=SOON)
    with transaction.atomic():
        claim(issuer=second[0], jti=second[1], expires_at=SOON)


@pytest.mark.clause("RFC 7523", "3", "(7) jti once per issuer")
def test_a_jti_can_be_claimed_once_per_issuer() -> None:
    with pytest.raises(Replayed):
        claim_twice(("https://a.example", "one"), ("https://a.example", "one"))


@pytest.mark.parametrize(
    "other",
    [
        ("https://b.example", "one"),
        ("https://a.example", "One"),
        ("https://a.example", "one "),
        ("https://a.example", "oné"),
        ("https://a.exampleo", "ne"),
    ],
)
@pytest.mark.clause("RFC 7519", "4.1.7", "jti is compared byte for byte")
def test_what_differs_in_a_byte_is_another(other: tuple[str, str]) -> None:
    claim_twice(("https://a.example", "one"), other)
    assert ConsumedJti.objects.count() == 2


def test_the_table_holds_hashes_only() -> None:
    claim(issuer="https://a.example", jti="one", expires_at=SOON)
    [row] = ConsumedJti.objects.values()
    assert all(len(row[name]) == 64 for name in ("issuer_hash", "jti_hash"))
    assert str(ConsumedJti.objects.get()) == row["jti_hash"][:16]


def test_sweeping_takes_the_expired_rows_only() -> None:
    claim(issuer="https://a.example", jti="old", expires_at=datetime.now(UTC) - timedelta(seconds=31))
    claim(issuer="https://a.example", jti="new", expires_at=SOON)
    assert sweep() == 1
    assert sweep() == 0
    with pytest.raises(Replayed):
        claim(issuer="https://a.example", jti="new", expires_at=SOON)


@pytest.mark.clause("RFC 7523", "3", "(7) once, also if the clock of who sweeps is ahead of that of who verifies")
def test_a_row_stays_until_its_id_jag_has_expired_by_a_clock_that_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(issuer="https://a.example", jti="one", expires_at=SOON)
    for seconds, gone in ((0, 0), (30, 0), (30.001, 1)):
        now = SOON + timedelta(seconds=seconds)
        monkeypatch.setattr("crossapp.resource_app.replay.timezone.now", lambda now=now: now)
        assert sweep() == gone, seconds
