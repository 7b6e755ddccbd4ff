"""Fill an empty database with the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from idjag_demo.demo.seed import is_seeded, seed


class Command(BaseCommand):
    help = (
        "Fills an empty database with the demo: three organisations, their IdPs, people, todos and pages. "
        "A database that has content keeps it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Demo accounts have a public password: they are made in demo mode only (DEMO=true).")
        if not is_seeded():
            seed()
            self.stdout.write("The demo is seeded.")
        else:
            self.stdout.write("The database has content and keeps it (`make reset` starts anew).")
