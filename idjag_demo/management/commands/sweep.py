"""Deletes what has expired."""

import argparse
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from oauth2_provider.models import (
    clear_expired,
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from audit.models import AuditEvent
from authserver.models import UsedCode
from crossapp.requesting_app.models import Lease, StoredAccessToken
from crossapp.resource_app.models import ConsumedJti
from idp.models import GrantedAuthentication
from wiki.debug_console import KEPT_FOR
from wiki.models import RecordedStep

BATCH = 1000
HELP = f"""\
Deletes what has expired, {BATCH} rows at a time: tokens, codes, sessions, the jtis of ID-JAGs and client assertions,
what the debug console recorded, and audit events older than AUDIT_KEPT_DAYS. What still decides something stays.

It may run at any time, also twice at once. Once an hour is a good schedule:

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
    """Return what is swept, and how: each function returns how many rows went."""
    now = timezone.now()
    family = get_refresh_token_model().objects.filter(token_family=OuterRef("token_family"))
    rows: dict[str, QuerySet[Any]] = {
        "jtis": ConsumedJti.objects.filter(expires_at__lt=now),
        "used codes": UsedCode.objects.filter(expires_at__lt=now),
        "sign-ins of ended grants": GrantedAuthentication.objects.exclude(Exists(family)),
        "stored access tokens": StoredAccessToken.objects.filter(expires_at__lt=now),
        "leases": Lease.objects.filter(expires_at__lt=now),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "recorded steps": RecordedStep.objects.filter(at__lt=now - KEPT_FOR),
    }
    return {
        "tokens and codes": _sweep_tokens,
        **{name: partial(delete, expired) for name, expired in rows.items()},
        "audit events": _sweep_audit,
    }


def delete(rows: QuerySet[Any]) -> int:
    """Delete `rows` in batches, so that no statement holds many locks for long; return how many went."""
    gone = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._base_manager.filter(pk__in=pks).delete()
        gone += len(pks)
    return gone


def _sweep_tokens() -> int:
    before = _tokens()
    clear_expired()
    return max(0, before - _tokens())


def _tokens() -> int:
    models = get_access_token_model(), get_refresh_token_model(), get_id_token_model(), get_grant_model()
    return sum(model.objects.count() for model in models)


def _sweep_audit() -> int:
    if not settings.AUDIT_KEPT_DAYS:
        return 0
    return AuditEvent.objects.sweep(older_than=timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS))
