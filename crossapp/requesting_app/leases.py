"""Mutual exclusion across threads and processes, without an open transaction.

A lease is a row with a unique name. It is claimed by one conditional UPDATE (or the INSERT of the first claim), and
expires if its holder crashes.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock as ThreadLock
from typing import Any
from weakref import WeakValueDictionary

from django.db import IntegrityError, transaction
from django.utils import timezone

from .models import Lease

_threads: WeakValueDictionary[str, Any] = WeakValueDictionary()  # a lock for each name in use
_threads_lock = ThreadLock()


@contextmanager
def one_thread(name: str, *, until: float) -> Iterator[bool]:
    """Admit one thread of this process at a time, so that only one asks the database for the lease.

    Yield whether it had to wait for another thread; it waits until `until` (`time.monotonic`) at most.
    """
    with _threads_lock:
        lock = _threads.setdefault(name, ThreadLock())
    waited = not lock.acquire(blocking=False)
    ours = not waited or lock.acquire(timeout=max(0, until - time.monotonic()))
    try:
        yield waited
    finally:
        if ours:
            lock.release()


@contextmanager
def held(name: str, *, seconds: float) -> Iterator[bool]:
    """Try to claim the lease once; yield whether this thread has it. It is released at the end.

    Raises RuntimeError inside a transaction: HTTP requests follow, and other processes could not see the claim.
    """
    until = _claim(name, seconds)
    try:
        yield until is not None
    finally:
        if until is not None:  # a lease that expired and has another holder now has another `expires_at`
            Lease.objects.filter(name=name, expires_at=until).update(expires_at=timezone.now())


def attempts(*, until: float) -> Iterator[None]:
    """Yield at once, then after short sleeps, until `time.monotonic` reaches `until`."""
    pause = 0.02
    while True:
        yield
        if time.monotonic() + pause > until:
            return
        time.sleep(pause)
        pause = min(0.2, pause * random.uniform(1.2, 1.8))  # noqa: S311 (spreads the waiters)


def _claim(name: str, seconds: float) -> datetime | None:
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    try:
        with transaction.atomic(durable=True):
            if Lease.objects.filter(name=name, expires_at__lte=now).update(expires_at=until):
                return until
            if not Lease.objects.filter(name=name).exists():
                Lease.objects.create(name=name, expires_at=until)
                return until
    except IntegrityError:  # another INSERT came first
        return None
    return None
