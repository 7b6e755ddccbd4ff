"""Deletes expired rows."""

import argparse
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
    refresh_token_expire_timedelta,
)

from audit.models import AuditEvent
from authserver.models import UsedCode
from crossapp.requesting_app.models import Lease, StoredAccessToken
from crossapp.resource_app import replay
from idp.models import GrantedAuthentication
from tenants.models import SubjectTokens
from wiki.debug_console import KEPT_FOR
from wiki.models import RecordedStep

BATCH = 1000
HELP = f"""\
Deletes what has expired, {BATCH} rows at a time: tokens, codes, sessions, the jtis of ID-JAGs and client assertions,
the subject tokens of sign-ins whose session has ended, the debug console's records, and audit
events older than AUDIT_KEPT_DAYS. Rows that a check still needs stay.

It can run at any time, and two runs can overlap. Once an hour is a good schedule:

  7 * * * *  manage.py sweep
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        gone = {name: sweep() for name, sweep in sweeps().items()}
        if options["json"]:
            self.stdout.write(json.dumps(gone))
        else:
            self.stdout.write("\n".join(f"{number:8} {name}" for name, number in gone.items()))


def sweeps() -> dict[str, Callable[[], int]]:
    """Return the functions of the sweep by name; each returns the number of deleted rows."""
    now = timezone.now()
    rows: dict[str, QuerySet[Any]] = {
        "jtis": replay.expired(),
        "used codes": UsedCode.objects.filter(expires_at__lt=now),
        "stored access tokens": StoredAccessToken.objects.filter(expires_at__lt=now),
        "subject tokens": SubjectTokens.objects.filter(
            updated_at__lt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        ),
        "leases": Lease.objects.filter(expires_at__lt=now),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "recorded steps": RecordedStep.objects.filter(at__lt=now - KEPT_FOR),
    }
    return {
        "tokens and codes": _sweep_tokens,
        "sign-ins of ended grants": _sweep_sign_ins,
        **{name: partial(delete, expired) for name, expired in rows.items()},
        "audit events": _sweep_audit,
    }


def delete(rows: QuerySet[Any]) -> int:
    """Delete `rows` in batches, so that no statement holds many locks for long; return their number.

    Each DELETE repeats the condition of `rows`, so a row that was renewed meanwhile, such as a lease, stays.
    """
    gone = 0
    while pks := list(rows.order_by().values_list("pk", flat=True)[:BATCH]):
        gone += rows.filter(pk__in=pks).delete()[1].get(rows.model._meta.label, 0)
    return gone


def _sweep_tokens() -> int:
    """Delete the rows that django-oauth-toolkit's `clear_expired` would, without counting whole tables for every batch.

    A revoked refresh token stays until it would have expired, so that its re-use is detected. Access and ID tokens stay
    as long as their refresh token.
    """
    now = timezone.now()
    too_old = now - refresh_token_expire_timedelta()
    access_tokens, refresh_tokens = get_access_token_model().objects, get_refresh_token_model().objects
    return sum(
        delete(rows)
        for rows in (
            refresh_tokens.filter(revoked__lte=too_old),
            refresh_tokens.filter(revoked=None, access_token=None),
            refresh_tokens.filter(revoked=None, access_token__expires__lte=too_old),
            access_tokens.filter(refresh_token=None, expires__lt=now),
            get_id_token_model().objects.filter(access_token=None, expires__lt=now),
            get_grant_model().objects.filter(expires__lt=now),
        )
    )


def _sweep_sign_ins() -> int:
    """Delete the sign-ins whose refresh tokens are all deleted, batch by batch."""
    gone, seen = 0, 0
    sign_ins = GrantedAuthentication.objects.order_by("pk")
    while batch := dict(sign_ins.filter(pk__gt=seen).values_list("pk", "token_family")[:BATCH]):
        refresh_tokens = get_refresh_token_model().objects.filter(token_family__in=batch.values())
        families = set(refresh_tokens.values_list("token_family", flat=True))
        ended = [pk for pk, family in batch.items() if family not in families]
        gone += GrantedAuthentication.objects.filter(pk__in=ended).delete()[1].get(GrantedAuthentication._meta.label, 0)
        seen = max(batch)
    return gone


def _sweep_audit() -> int:
    if not settings.AUDIT_KEPT_DAYS:
        return 0
    return AuditEvent.objects.sweep(older_than=timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS))
