"""Prints the public key set of the clients' signing key, for registration at peers."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ....client_key import client_key
from ....core.client_signing_key import NoSigningKey


class Command(BaseCommand):
    help = (
        "Prints the public half of CLIENT_SIGNING_KEY as a key set (RFC 7517). Register it at each server where "
        "this project's client uses private_key_jwt: `manage.py clientjwks > wiki0.jwks.json`."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(json.dumps(client_key().public_key_set, indent=2))
        except NoSigningKey as error:
            raise CommandError(str(error)) from error
