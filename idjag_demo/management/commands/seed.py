"""Fill an empty database with the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from idjag_demo.demo.seed import is_seeded, seed


class Command(BaseCommand):
    help = (
        "Fills an empty database with the demo: three organisations, their IdPs, people, todos and pages. "
        "A database with content is not changed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Demo accounts have a public password, so seed needs demo mode (DEMO=true).")
        if not is_seeded():
            seed()
            self.stdout.write("The demo is seeded.")
        else:
            self.stdout.write("The database has content and was not changed. `make reset` empties and seeds it.")
