"""Moves the signing keys of authorization servers on: next, active, retired, deleted."""

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
Rotates signing keys. A run does what is due, so it may run at any time and as often as you like:

  1. a next key that has been in the published key set for 300 seconds becomes the active one, which signs;
  2. the key that was active is retired: it signs nothing more, what it signed still verifies;
  3. a retired key is deleted as soon as nothing it signed can be alive (an hour);
  4. a new next key is published, so that the following rotation can begin at once.

The first run on a new server therefore only publishes a next key; every run from five minutes later on rotates.
Once a month is a good schedule:

  0 4 1 * *  manage.py rotatekeys --at all

Examples:

  manage.py rotatekeys --at todo              the authorization server of Todo0
  manage.py rotatekeys --at customer1         the embedded IdP of the tenant customer1
  manage.py rotatekeys --at customer1 --now   without waiting: verifiers that know the key set must fetch it again
  manage.py rotatekeys --at todo --algorithm RS256     the next key, and those after it, are for RS256

Todo0 and Wiki0 sign their access tokens with ES256, which costs a tenth of RS256. The last of these is for an API
elsewhere that verifies them and knows only RS256 (RFC 9068 section 2.1). IdPs sign with RS256, which all clients take.

A key has leaked, or whoever knew it has left? Withdraw it. Step 3 is too late then, and --now leaves it among the keys
that verify.

  manage.py rotatekeys --at customer1 --withdraw L2rg1usn5SYlaHbxwiNB7j04Ugc3r72vZoHsW-bJbL0
  manage.py rotatekeys --at customer1 --withdraw all     every key of this server, if you do not know which

The key leaves the key set, another one signs, and what the withdrawn one has signed is refused here, in every process
within five seconds: ID tokens, ID-JAGs, this server's access tokens. Access tokens that another server has issued for
an ID-JAG live until they expire. People stay signed in; apps get new tokens by themselves, or after the next sign-in.
A verifier elsewhere goes on trusting the key until its copy of the key set expires (300 seconds, if it follows
Cache-Control): tell those who run one. The key identifiers are in the key set and in the admin.
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
        how.add_argument("--now", action="store_true", help="Let the next key sign now, however new it is.")
        how.add_argument(
            "--withdraw",
            action="append",
            default=[],
            metavar="KID",
            help="End this key at once, and what it signed; all: every key. May be repeated.",
        )
        parser.add_argument(
            "--algorithm", choices=["RS256", "ES256"], default="", help="What the next key is for, at todo or wiki."
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
        raise CommandError(f"There is no authorization server at {name!r}: say todo, wiki, a tenant's slug, or all.")
    return list(servers)


def kids_of(servers: list[AuthorizationServer], names: list[str]) -> set[str]:
    """Return the key identifiers that `--withdraw` names. Raises CommandError for one that no server has."""
    known = set(SigningKey.objects.filter(server__in=servers).values_list("kid", flat=True))
    if unknown := sorted(set(names) - known - {"all"}):
        raise CommandError(f"There is no key {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
    return known if "all" in names else set(names)


def describe(rotation: Rotation) -> str:
    """Return what happened in the words of a person."""
    lines = [rotation.issuer]
    lines += [f"  {kid} is withdrawn: what it signed is refused" for kid in rotation.withdrawn]
    lines += [f"  {rotation.activated} is active now"] if rotation.activated else []
    lines += [f"  {kid} is retired: it only verifies" for kid in rotation.retired]
    lines += [f"  {kid} is deleted: nothing it signed is alive" for kid in rotation.deleted]
    if not rotation.activated:
        lines.append(f"  {rotation.active} stays active")
    lines.append(
        f"  {rotation.next} is published and may become active from {rotation.due_at:%Y-%m-%d %H:%M:%S} UTC on"
    )
    return "\n".join(lines)
