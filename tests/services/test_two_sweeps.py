"""manage.py sweep twice at once, on MariaDB's own locks: each row goes once, and what is renewed meanwhile stays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils import timezone

from crossapp.requesting_app.models import Lease
from crossapp.resource_app.models import ConsumedJti
from operations.management.commands.sweep import sweeps

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

MANY, RENEWED = 6000, 200
NAMES = ("jtis", "leases", "sessions")


def fill() -> None:
    past = timezone.now() - timedelta(days=1)
    numbers = range(MANY)
    Lease.objects.bulk_create(Lease(name=f"lease {number}", expires_at=past) for number in numbers)
    ConsumedJti.objects.bulk_create(ConsumedJti(issuer_hash="i", jti_hash=str(n), expires_at=past) for n in numbers)
    Session.objects.bulk_create(Session(session_key=f"{n:x}", session_data="x", expire_date=past) for n in numbers)


def sweep(begin: Barrier) -> dict[str, int]:
    try:
        begin.wait()
        mine = sweeps()
        return {name: mine[name]() for name in NAMES}
    finally:
        connections.close_all()


def renew(begin: Barrier) -> int:
    """Claim the newest leases, as `leases` does; return how many there were still."""
    soon = timezone.now() + timedelta(minutes=5)
    try:
        begin.wait()
        names = [f"lease {number}" for number in range(MANY - RENEWED, MANY)]
        return sum(Lease.objects.filter(name=name).update(expires_at=soon) for name in names)
    finally:
        connections.close_all()


@pytest.mark.clause("limits", "", "LIM-14")
def test_two_sweeps_at_once_delete_each_row_once_and_none_that_is_renewed() -> None:
    fill()
    begin = Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        both = [pool.submit(sweep, begin) for _ in range(2)]
        renewed = pool.submit(renew, begin)
        gone = {name: sum(each.result()[name] for each in both) for name in NAMES}
    assert renewed.result() == Lease.objects.count() > 0
    assert gone == {"jtis": MANY, "leases": MANY - renewed.result(), "sessions": MANY}
    assert not ConsumedJti.objects.exists() and not Session.objects.exists()
