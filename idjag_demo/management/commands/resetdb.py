"""Empty the database and fill it with the demo again."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from idjag_demo.demo.seed import is_demo, seed


class Command(BaseCommand):
    help = (
        "Migrates the database, deletes everything in it and seeds the demo. Only in demo mode and if all tenants are "
        "the demo's, unless forced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--noinput", "--no-input", action="store_false", dest="interactive", help="Do not ask for confirmation."
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Reset also outside demo mode, and a database with other content. All data will be lost.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO and not options["force"]:
            raise CommandError("DEMO is false. To reset this database anyway: resetdb --force")
        if options["interactive"] and not self._is_sure():
            self.stdout.write("Nothing was changed.")
            return
        call_command("migrate", interactive=False, verbosity=0)
        if not is_demo() and not options["force"]:
            raise CommandError(
                "This database has content that the demo has not made. Nothing was deleted. "
                "To delete all of it anyway: resetdb --force"
            )
        call_command("flush", interactive=False, verbosity=0)
        cache.clear()
        seed()
        self.stdout.write("The database is reset and seeded.")

    @staticmethod
    def _is_sure() -> bool:
        question = "Are you sure you want to reset your database? All data will be lost. (y) "
        try:
            return input(question).strip().lower() in ("y", "yes")
        except EOFError:  # no terminal
            return False
