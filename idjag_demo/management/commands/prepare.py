"""Makes the database what this version and these settings need, before any process serves."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from idjag_demo.demo.move import addresses_differ, follow_addresses
from idjag_demo.demo.welcome import welcome
from idjag_demo.installation import install, is_installed


class Command(BaseCommand):
    help = (
        "Migrates the database and gives the apps their authorization servers. In demo mode it seeds an empty database "
        "and moves one that was seeded at other addresses to those of the settings. For a job before all others, while "
        "nothing serves."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        if settings.DEMO:
            self._prepare_demo()
            return
        if not is_installed():
            install()
            self.stdout.write("The apps have their authorization servers.")
        if addresses_differ():
            raise CommandError("This database was made at other origins than the settings say: issuers cannot move.")

    def _prepare_demo(self) -> None:
        call_command("seed", stdout=self.stdout)
        if addresses_differ():
            follow_addresses()
            self.stdout.write("The demo has moved to these addresses. Everybody must sign in again.")
        self.stdout.write(welcome())
