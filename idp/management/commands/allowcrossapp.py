"""Creates or changes a cross-app policy: the client, the audience and the people."""

import argparse
import json
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from authserver.models import TOKEN_EXCHANGE, AuthorizationServer, Client
from idp.models import CrossAppPolicy
from tenants.models import Realm, User

HELP = """\
Allows a client of a tenant's embedded IdP to get ID-JAGs for one audience and resource. The IdP refuses all others.
It can be repeated: options that are not given stay as they are.

An app has two registrations: --client is its identifier at the IdP, --client-id-there the one at the audience.

Examples:

  Wiki0 may read todos for everyone at customer1:

    manage.py allowcrossapp --tenant customer1 --client wiki0 --client-id-there wiki0-at-todo0 --scope "read" \\
        --audience http://todo.localhost:8000 --resource http://todo.localhost:8000/api

  Only for Bob and the members of the group Sales, within an hour after their sign-in:

    manage.py allowcrossapp --tenant customer1 --client wiki0 --user bob@tables.fake --group Sales --max-age 3600 \\
        --audience http://todo.localhost:8000 --resource http://todo.localhost:8000/api

  Switch the policy off (without --deny the same command switches it on again):

    manage.py allowcrossapp --tenant customer1 --client wiki0 --deny \\
        --audience http://todo.localhost:8000 --resource http://todo.localhost:8000/api
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="The slug of a tenant with an embedded IdP.")
        parser.add_argument("--client", required=True, help="The requesting app's client identifier at this IdP.")
        parser.add_argument("--audience", required=True, help="The issuer of the resource authorization server.")
        parser.add_argument("--resource", required=True, help="The API's identifier.")
        parser.add_argument("--client-id-there", help="The requesting app's client identifier at the audience.")
        parser.add_argument("--scope", help="The scopes the app may ask for, separated by spaces.")
        parser.add_argument(
            "--user", nargs="+", action="extend", metavar="EMAIL", help="Limit the policy to these people."
        )
        parser.add_argument(
            "--group",
            nargs="+",
            action="extend",
            metavar="NAME",
            help="Limit the policy to the members of these groups.",
        )
        parser.add_argument("--everybody", action="store_true", help="Remove the limits to people and groups.")
        parser.add_argument(
            "--max-age", type=int, metavar="SECONDS", help="The maximum age of the sign-in in seconds; -1: any age."
        )
        parser.add_argument(
            "--email",
            dest="includes_email",
            action=argparse.BooleanOptionalAction,
            help="Put the person's email into the ID-JAG, for an audience that finds or creates accounts by it "
            "(a new policy does not).",
        )
        parser.add_argument("--deny", action="store_true", help="Switch the policy off.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["everybody"] and (options["user"] or options["group"]):
            raise CommandError("--everybody excludes --user and --group.")
        client = _client(options)
        policy, created = _deny(client, options) if options["deny"] else _allow(client, options)
        facts = facts_of(client, policy, options) | {"created": created}
        self.stdout.write(json.dumps(facts) if options["json"] else describe(facts))


def _client(options: dict[str, Any]) -> Client:
    """Return the client the options name. Raises CommandError."""
    slug, client_id = options["tenant"], options["client"]
    server = AuthorizationServer.objects.filter(realm=Realm.IDP, tenant__slug=slug).first()
    if server is None:
        raise CommandError(f"{slug} has no embedded IdP. The administrator of its own IdP sets the policy there.")
    client = Client.objects.select_related("server__tenant").filter(server=server, client_id=client_id).first()
    if client is None:
        known = ", ".join(server.clients.order_by("client_id").values_list("client_id", flat=True))
        raise CommandError(f"{server} has no client {client_id}. Its clients are: {known or 'none'}.")
    if TOKEN_EXCHANGE not in client.grants and not options["deny"]:
        raise CommandError(f"The client {client_id} may not use token exchange: add the grant {TOKEN_EXCHANGE} first.")
    return client


def _existing(client: Client, options: dict[str, Any]) -> CrossAppPolicy | None:
    policies = CrossAppPolicy.objects.filter(server=client.server, client=client)
    return policies.filter(audience=options["audience"], resource=options["resource"]).first()


def _deny(client: Client, options: dict[str, Any]) -> tuple[CrossAppPolicy | None, bool]:
    policy = _existing(client, options)
    if policy is not None:
        policy.enabled = False
        policy.save(update_fields=["enabled"])
    return policy, False


@transaction.atomic
def _allow(client: Client, options: dict[str, Any]) -> tuple[CrossAppPolicy, bool]:
    """Create or update the policy with its people and groups; return it and whether it is new. Raises CommandError."""
    policy = _existing(client, options)
    created = policy is None
    policy = policy or CrossAppPolicy(
        server=client.server, client=client, audience=options["audience"], resource=options["resource"]
    )
    policy.enabled = True
    policy.scope = policy.scope if options["scope"] is None else options["scope"]
    policy.client_id_at_audience = options["client_id_there"] or policy.client_id_at_audience
    if options["max_age"] is not None:
        policy.max_age = options["max_age"] if options["max_age"] >= 0 else None
    if options["includes_email"] is not None:
        policy.includes_email = options["includes_email"]
    if created and not (policy.scope and policy.client_id_at_audience):
        raise CommandError("This policy does not exist yet. A new one needs --scope and --client-id-there.")
    try:
        policy.full_clean()
    except ValidationError as error:
        reasons = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
        raise CommandError("; ".join(reasons)) from None
    people = [_person(client, email) for email in options["user"] or []]
    groups = [_group(name) for name in options["group"] or []]
    policy.save()
    if people or groups or options["everybody"]:
        policy.users.set(people)
        policy.groups.set(groups)
    return policy, created


def _person(client: Client, email: str) -> User:
    directory = User.objects.with_email(email).filter(realm=Realm.IDP, tenant=client.server.tenant)
    if (person := directory.first()) is None:
        raise CommandError(f"No account in the directory of {client.server} has the address {email}.")
    return person


def _group(name: str) -> Group:
    if (group := Group.objects.filter(name=name).first()) is None:
        raise CommandError(f"No group is called {name}. Create groups in the admin.")
    return group


def facts_of(client: Client, policy: CrossAppPolicy | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the current policy for that client, audience and resource as JSON."""
    return {
        "issuer": client.server.issuer,
        "client": client.client_id,
        "audience": options["audience"],
        "resource": options["resource"],
        "allowed": policy is not None and policy.enabled,
        "client_id_there": policy.client_id_at_audience if policy else None,
        "scope": policy.scope if policy else None,
        "users": sorted(policy.users.values_list("email", flat=True)) if policy else [],
        "groups": sorted(policy.groups.values_list("name", flat=True)) if policy else [],
        "max_age": policy.max_age if policy else None,
        "includes_email": policy is not None and policy.includes_email,
    }


def describe(facts: dict[str, Any]) -> str:
    """Return the facts as text."""
    who = f"{facts['client']} at {facts['issuer']}"
    if not facts["allowed"]:
        return f"{who} may not get ID-JAGs for {facts['audience']} and {facts['resource']}."
    limits = [f"people {', '.join(facts['users'])}"] if facts["users"] else []
    limits += [f"groups {', '.join(facts['groups'])}"] if facts["groups"] else []
    lines = [
        f"{who} may get ID-JAGs.",
        f"  audience          {facts['audience']}",
        f"  resource          {facts['resource']}",
        f"  scope             {facts['scope']}",
        f"  client there      {facts['client_id_there']}",
        f"  for               {'; '.join(limits) or 'everyone at the tenant'}",
        f"  email             {'in the ID-JAG' if facts['includes_email'] else 'not in the ID-JAG'}",
    ]
    if facts["max_age"] is not None:
        lines.append(f"  sign-in at most   {facts['max_age']} seconds ago")
    return "\n".join(lines)
