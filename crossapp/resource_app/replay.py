"""RFC 7523 section 3 (7): an ID-JAG is redeemed once.

The database's unique constraint decides which process is first. Rows are deleted when their ID-JAG has expired by every
clock: the clock of the sweeping machine may be ahead of the verifying one's.
"""

import hashlib
import time
from datetime import datetime

from django.core.cache import cache
from django.db import IntegrityError, router
from django.db.models import QuerySet
from django.utils import timezone

from .conf import conf
from .models import ConsumedJti

SWEEP_SECONDS = 600
MOST = 1000  # rows at a time, because a peer waits for the answer


class Replayed(Exception):
    """This issuer's `jti` was claimed before."""


def claim(*, issuer: str, jti: str, expires_at: datetime) -> None:
    """Claim the ID-JAG for this redemption, until `expires_at`; raises Replayed.

    Call it last, inside the transaction that stores the token, and let Replayed roll it back, so that a refusal
    or failure afterwards does not use the ID-JAG up.
    """
    row = ConsumedJti(issuer_hash=_sha256(issuer), jti_hash=_sha256(jti), expires_at=expires_at)
    try:
        row.save(force_insert=True)
    except IntegrityError as error:
        raise Replayed from error


def expired() -> QuerySet[ConsumedJti]:
    """Return the rows that no process needs any more, even one whose clock is behind by the accepted skew."""
    return ConsumedJti.objects.filter(expires_at__lt=timezone.now() - conf().skew)


def sweep() -> int:
    """Delete the rows of expired ID-JAGs, at most `MOST`; return their number."""
    return ConsumedJti.objects.filter(pk__in=list(expired().values_list("pk", flat=True)[:MOST])).delete()[0]


def sweep_now_and_then() -> None:
    """Sweep if no process has swept for ten minutes; this process checks at that interval too."""
    global _asked_at
    if time.monotonic() - _asked_at < SWEEP_SECONDS:
        return
    _asked_at = time.monotonic()
    if cache.add("crossapp:sweep", True, SWEEP_SECONDS):
        sweep()


_asked_at = -float("inf")


def database() -> str:
    """Return the alias of the database for claims."""
    return router.db_for_write(ConsumedJti)


def fingerprint(jti: object) -> str:
    """Return the form of a `jti` for logs: the start of the hash in its row, or "" if it is not text."""
    return _sha256(jti)[:16] if isinstance(jti, str) else ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
