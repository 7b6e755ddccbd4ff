"""Rows are kept for seconds only, and not past a change: `base.recent_rows`."""

from threading import Thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from base import recent_rows
from base.recent_rows import RecentRows, recent
from tenants.models import Tenant
from tests.support.kept_rows import forget_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant.objects.create(name="Tables", slug="tables")
    forget_rows()
    return tenant


@pytest.fixture
def by_slug() -> RecentRows[[str], Tenant]:
    @recent(Tenant)
    def by_slug(slug: str) -> Tenant | None:
        return Tenant.objects.filter(slug=slug).first()

    return by_slug


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of `recent_rows` as the one member of a list."""
    now = [1000.0]
    monkeypatch.setattr(recent_rows.time, "monotonic", lambda: now[0])
    return now


def test_a_row_is_read_once_within_the_time(
    tenant: Tenant, by_slug: RecentRows[[str], Tenant], clock: list[float]
) -> None:
    with CaptureQueriesContext(connection) as made:
        assert by_slug("tables") == by_slug("tables") == tenant
        clock[0] += recent_rows.SECONDS - 0.01
        assert by_slug("tables") == tenant
    assert len(made) == 1
    clock[0] += 0.01
    with CaptureQueriesContext(connection) as made:
        assert by_slug("tables") == tenant
    assert len(made) == 1


def test_what_is_not_there_is_looked_for_again(tenant: Tenant, by_slug: RecentRows[[str], Tenant]) -> None:
    assert by_slug("chairs") is None
    Tenant.objects.bulk_create([Tenant(name="Chairs", slug="chairs")])  # sends no signal
    assert by_slug("chairs") is not None


@pytest.mark.parametrize("how", ["save", "delete", "queryset"])
def test_a_change_in_this_process_counts_at_once(how: str, tenant: Tenant, by_slug: RecentRows[[str], Tenant]) -> None:
    assert by_slug("tables")
    if how == "save":
        tenant.is_active = False
        tenant.save()
        assert not by_slug("tables").is_active
    else:
        tenant.delete() if how == "delete" else Tenant.objects.filter(slug="tables").delete()
        assert by_slug("tables") is None


def test_what_others_read_before_a_commit_is_not_kept(tenant: Tenant, by_slug: RecentRows[[str], Tenant]) -> None:
    def read() -> None:
        before.append(by_slug("tables"))
        connection.close()

    before: list[Tenant] = []
    with transaction.atomic():
        other = Thread(target=read)
        tenant.is_active = False
        tenant.save()
        other.start()
        other.join()
        assert before[0].is_active
    assert not by_slug("tables").is_active


def test_who_began_to_read_before_a_change_does_not_keep_what_was(tenant: Tenant, clock: list[float]) -> None:
    @recent(Tenant)
    def slow(slug: str) -> Tenant | None:
        row = Tenant.objects.filter(slug=slug).first()
        if row and row.is_active:
            Tenant(pk=row.pk, name="Tables", slug="tables", is_active=False).save()  # meanwhile, by another process
            clock[0] += recent_rows.SECONDS  # it takes long to hear of it
        return row

    assert slow("tables").is_active  # as it was when it was read
    assert not slow("tables").is_active


def test_no_more_rows_are_kept_than_the_most(
    tenant: Tenant, by_slug: RecentRows[[str], Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_rows, "MOST", 10)
    Tenant.objects.bulk_create(Tenant(name=f"T{number}", slug=f"t{number}") for number in range(25))
    for number in range(25):
        by_slug(f"t{number}")
        assert len(by_slug._rows) <= 10
