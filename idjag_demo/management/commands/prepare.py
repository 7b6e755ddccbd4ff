"""Prepares the database for this version and these settings, before any process serves."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from authserver.models import SigningKey
from crossapp.fields import Undecryptable
from idjag_demo.demo.move import addresses_differ, follow_addresses, moves
from idjag_demo.demo.welcome import welcome
from idjag_demo.installation import install, is_installed


class Command(BaseCommand):
    help = (
        "Migrates the database and creates the authorization servers of the apps. In demo mode it seeds an empty "
        "database, and changes the addresses in a seeded one to those of the settings. Run it before any server starts."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor == "mysql":
            _stop_if_not_byte_for_byte()
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        if settings.DEMO:
            self._prepare_demo()
            return
        if not is_installed():
            install()
            self.stdout.write("The authorization servers of the apps exist.")
        for old, new in moves().items():
            what = f"This database was created for {old}, but the settings say {new}. An issuer cannot change."
            raise CommandError(f"{what} Restore BASE_DOMAIN or the origins, or start with an empty database.")
        _stop_if_keys_are_lost()

    def _prepare_demo(self) -> None:
        call_command("seed", stdout=self.stdout)
        if addresses_differ():
            follow_addresses()
            self.stdout.write("The demo has moved to these addresses. All users must sign in again.")
        self.stdout.write(welcome())


def _stop_if_keys_are_lost() -> None:
    try:
        list(SigningKey.objects.filter(status=SigningKey.Status.ACTIVE))
    except Undecryptable as error:
        raise CommandError(f"{error}: it must contain the keys that encrypted this database.") from None


def _stop_if_not_byte_for_byte() -> None:
    """Raise CommandError if MariaDB would treat different values of `sub`, `client_id` or `iss` as equal.

    The collation of a column decides, not that of the connection. A new column gets the database's collation, except
    that MariaDB always creates a JSON column as longtext in utf8mb4_bin.
    """
    expected = connection.settings_dict["OPTIONS"]["collation"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE(), @@collation_database")
        database, collation = cursor.fetchone()
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND collation_name <> %s"
            " AND NOT (data_type = 'longtext' AND collation_name = 'utf8mb4_bin')",
            [expected],
        )
        ours = connection.introspection.django_table_names()
        tables = sorted({table for (table,) in cursor.fetchall()}.intersection(ours))
    byte_for_byte = f"CHARACTER SET utf8mb4 COLLATE {expected}"
    mend = [f"ALTER DATABASE `{database}` {byte_for_byte};"] if collation != expected else []
    mend += [f"ALTER TABLE `{table}` CONVERT TO {byte_for_byte};" for table in tables]
    if mend:
        what = "This database does not compare text byte for byte. Nothing was changed. Run:"
        raise CommandError("\n".join([what, *mend]))
