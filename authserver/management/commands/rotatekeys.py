"""Rotates the signing keys of authorization servers: next, active, retired, deleted."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from authserver.key_rotation import Rotation, rotate
from authserver.models import AuthorizationServer, SigningKey
from tenants.models import Realm

HELP = """\
Rotates signing keys. Each run does the steps that are due, so it can run at any time and as often as you like:

  1. a next key that has been in the published key set for 300 seconds becomes the active one, which signs;
  2. the key that was active is retired: it signs no more, but its signatures still verify;
  3. a retired key is deleted when everything that it signed has expired (an hour);
  4. a new next key is published for the following rotation.

The first run on a new server therefore only publishes a next key; every run from five minutes later on rotates.
Once a month is a good schedule:

  0 4 1 * *  manage.py rotatekeys --at all

Examples:

  manage.py rotatekeys --at todo              the authorization server of Todo0
  manage.py rotatekeys --at customer1         the embedded IdP of the tenant customer1
  manage.py rotatekeys --at customer1 --now   without waiting: verifiers that know the key set must fetch it again
  manage.py rotatekeys --at todo --algorithm RS256     the next key, and those after it, are for RS256

Todo0 and Wiki0 sign their access tokens with ES256, which costs a tenth of RS256. Use the last example for an external
API that verifies them with RS256 only (RFC 9068 section 2.1). IdPs sign with RS256, which all clients accept.

Withdraw a key that has leaked, or that a former employee knows. Step 3 is too late for such a key, and with --now its
signatures still verify.

  manage.py rotatekeys --at customer1 --withdraw L2rg1usn5SYlaHbxwiNB7j04Ugc3r72vZoHsW-bJbL0
  manage.py rotatekeys --at customer1 --withdraw all     every key of this server, if you do not know which

The key leaves the key set and another key signs. Within five seconds every process here refuses everything that the
withdrawn key signed: ID tokens, ID-JAGs, this server's access tokens. Access tokens that another server has issued for
an ID-JAG live until they expire. People stay signed in; apps get new tokens by themselves, or after the next sign-in.
An external verifier trusts the key until its copy of the key set expires (300 seconds, if it follows Cache-Control):
tell its operator. The key set and the admin list the key identifiers.
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--at", required=True, help="todo, wiki, the slug of a tenant with an embedded IdP, or all."
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--now", action="store_true", help="Activate the next key now, even if it was just published.")
        how.add_argument(
            "--withdraw",
            action="append",
            default=[],
            metavar="KID",
            help="Withdraw this key and everything that it signed; all: every key. May be repeated.",
        )
        parser.add_argument(
            "--algorithm",
            choices=["RS256", "ES256"],
            default="",
            help="The algorithm of the next key, at todo or wiki.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        servers, now = servers_at(options["at"]), timezone.now()
        withdraw = kids_of(servers, options["withdraw"])
        if options["algorithm"] == "ES256" and any(server.realm == Realm.IDP for server in servers):
            raise CommandError("An IdP signs with RS256: --algorithm ES256 is for todo or wiki.")
        how: Any = {"at_once": options["now"], "withdraw": withdraw, "algorithm": options["algorithm"]}
        rotations = [rotate(server, now=now, **how) for server in servers]
        if options["json"]:
            facts = [asdict(rotation) | {"due_at": rotation.due_at.isoformat()} for rotation in rotations]
            self.stdout.write(json.dumps({"servers": facts}))
            return
        for rotation in rotations:
            self.stdout.write(describe(rotation))


def servers_at(name: str) -> list[AuthorizationServer]:
    """Return the authorization servers that `--at` names. Raises CommandError if there is none."""
    servers = AuthorizationServer.objects.order_by("pk")
    if name in (Realm.WIKI, Realm.TODO):
        servers = servers.filter(realm=name)
    elif name != "all":
        servers = servers.filter(realm=Realm.IDP, tenant__slug=name)
    if not servers:
        raise CommandError(f"No authorization server is called {name!r}. Use todo, wiki, a tenant's slug, or all.")
    return list(servers)


def kids_of(servers: list[AuthorizationServer], names: list[str]) -> set[str]:
    """Return the key identifiers that `--withdraw` names. Raises CommandError for one that no server has."""
    known = set(SigningKey.objects.filter(server__in=servers).values_list("kid", flat=True))
    if unknown := sorted(set(names) - known - {"all"}):
        raise CommandError(f"Unknown key {', '.join(unknown)}. The keys are: {', '.join(sorted(known))}.")
    return known if "all" in names else set(names)


def describe(rotation: Rotation) -> str:
    """Return the result as text."""
    lines = [rotation.issuer]
    lines += [f"  {kid} is withdrawn: its signatures are refused" for kid in rotation.withdrawn]
    lines += [f"  {rotation.activated} is now active"] if rotation.activated else []
    lines += [f"  {kid} is retired: it only verifies" for kid in rotation.retired]
    lines += [f"  {kid} is deleted: everything it signed has expired" for kid in rotation.deleted]
    if not rotation.activated:
        lines.append(f"  {rotation.active} stays active")
    lines.append(
        f"  {rotation.next} is published and can become active at {rotation.due_at:%Y-%m-%d %H:%M:%S} UTC or later"
    )
    return "\n".join(lines)
