"""Creates or updates an OAuth client of one of the authorization servers."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError

from authserver.client_registration import Registration, register
from authserver.client_rules import HEADER_OR_BODY, REGISTRATIONS
from authserver.models import JWT_BEARER, TOKEN_EXCHANGE, AuthorizationServer, Client
from crossapp.core.client_authentication import AuthMethod
from crossapp.core.strict_json import NotStrictJson, strict_json_object
from tenants.models import Realm, Tenant

MIN_SECRET = 32
SHORT_NAMES = {"jwt-bearer": JWT_BEARER, "token-exchange": TOKEN_EXCHANGE}
_OPTIONS = {  # for fields whose option has another name
    "grants": "--grant: ",
    "redirect_uris": "--redirect-uri: ",
    "post_logout_redirect_uris": "--post-logout-redirect-uri: ",
    NON_FIELD_ERRORS: "",
}

HELP = """\
Creates a client of an authorization server, or changes the client with that identifier. It can be repeated.

Options that are not given stay as they are. A new client gets: a new secret (shown once), which it may send in
the Authorization header or in the body; all scopes of the server; the jwt-bearer grant at todo and wiki, the code and
refresh grants at an IdP. Each run without --disable enables the client.

The same software has one registration at its customers' IdP and another one at the resource app.

Examples:

  # An agent that redeems ID-JAGs for read access at Todo0, only for people of the customer acme
  manage.py createclient --at todo --client-id agent --scope read --tenant acme

  # Let it act for people of every customer again
  manage.py createclient --at todo --client-id agent --any-tenant

  # The same, with a key instead of a secret (private_key_jwt)
  manage.py createclient --at todo --client-id agent --jwks-uri https://agent.example/jwks.json

  # An app at the embedded IdP of customer1: signs people in and exchanges their ID tokens for ID-JAGs
  manage.py createclient --at customer1 --client-id agent --redirect-uri https://agent.example/callback \\
      --grant authorization_code --grant refresh_token --grant token-exchange

  # A resource server that may introspect the access tokens for Todo0's API
  manage.py createclient --at todo --client-id gateway --resource http://todo.localhost:8000/api
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        methods = [name for name, _ in REGISTRATIONS]
        parser.add_argument("--at", required=True, help="todo, wiki, or the slug of a tenant with an embedded IdP.")
        parser.add_argument("--client-id", required=True, help="The client's identifier at that server.")
        credential = parser.add_mutually_exclusive_group()
        credential.add_argument(
            "--client-secret",
            help=f"A machine-made secret of {MIN_SECRET} characters or more. Letters and digits are best: in the "
            "Authorization header a client must form-encode others, such as + and %% (RFC 6749 section 2.3.1).",
        )
        credential.add_argument("--jwks-uri", help="The URL where the client publishes its public keys.")
        credential.add_argument("--jwks", metavar="FILE", help="A file with the client's public keys (RFC 7517).")
        parser.add_argument(
            "--token-endpoint-audience",
            action=argparse.BooleanOptionalAction,
            help="Its assertions (private_key_jwt) may name the token endpoint as audience, as Okta's SDK does. A new "
            "client's may name the issuer only (rfc7523bis-11).",
        )
        parser.add_argument(
            "--auth-method",
            choices=methods,
            help=f"The authentication method. {HEADER_OR_BODY}, the default, means client_secret_basic and "
            "client_secret_post; each of the others excludes the rest. With keys it is private_key_jwt.",
        )
        parser.add_argument(
            "--grant", action="append", help="authorization_code, refresh_token, token-exchange or jwt-bearer."
        )
        parser.add_argument("--scope", help='The scopes of the client: "read write".')
        parser.add_argument("--resource", metavar="URI", help="The API that a resource server introspects tokens for.")
        parser.add_argument("--redirect-uri", action="append", metavar="URI", help="May be repeated.")
        parser.add_argument(
            "--post-logout-redirect-uri",
            action="append",
            metavar="URI",
            help="A redirect URI after sign-out at an IdP.",
        )
        parser.add_argument("--name", help="The name that people see.")
        binding = parser.add_mutually_exclusive_group()
        binding.add_argument("--tenant", metavar="SLUG", help="The only tenant that the client may act for.")
        binding.add_argument("--any-tenant", action="store_true", help="Let the client act for every tenant again.")
        parser.add_argument("--disable", action="store_true", help="Disable the client and its tokens.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        server = server_at(options["at"])
        if not options["client_id"].strip():
            raise CommandError("--client-id is empty.")
        try:
            registration = register(
                server, options["client_id"], secret=_secret(options["client_secret"]), **_fields(options, server)
            )
        except ValidationError as error:
            raise CommandError(_with_options(error)) from error
        facts = describe(registration, options["at"])
        self.stdout.write(json.dumps(facts) if options["json"] else _in_words(facts))


def _with_options(error: ValidationError) -> str:
    """Return the errors on one line, each after its option."""
    faults = []
    for field, messages in error.message_dict.items():
        option = _OPTIONS.get(field, f"--{field.replace('_', '-')}: ")
        faults += [f"{option}{message}" for message in messages]
    return " ".join(faults)


def server_at(name: str) -> AuthorizationServer:
    """Return the authorization server that `--at` names. Raises CommandError."""
    servers = AuthorizationServer.objects.select_related("tenant")
    if name in (Realm.WIKI, Realm.TODO):
        server = servers.filter(realm=name).first()
    else:
        server = servers.filter(realm=Realm.IDP, tenant__slug=name).first()
    if server is None:
        raise CommandError(f"No authorization server is called {name!r}. Use todo, wiki or a tenant's slug.")
    return server


def _secret(secret: str | None) -> str:
    """Refuse a secret invented by a person: the fast hash of secrets is safe only for generated ones."""
    if secret is None:
        return ""
    if (
        len(secret) < MIN_SECRET
        or len(set(secret)) < MIN_SECRET // 4
        or not secret.isascii()
        or not secret.isprintable()
    ):
        raise CommandError(
            f"--client-secret must be machine-made: {MIN_SECRET} ASCII characters or more. Leave it out."
        )
    return secret


def _fields(options: dict[str, Any], server: AuthorizationServer) -> dict[str, Any]:
    """Return the fields that the options set; None for those that stay as they are."""
    has_keys = bool(options["jwks"] or options["jwks_uri"])
    method = options["auth_method"] or (AuthMethod.PRIVATE_KEY_JWT if has_keys else None)
    if options["client_secret"] and method == AuthMethod.PRIVATE_KEY_JWT:
        raise CommandError("private_key_jwt takes keys, not a secret: --jwks or --jwks-uri.")
    if options["client_secret"] and method is None:
        method = _method_with_secret(server, options["client_id"])
    if has_keys and method != AuthMethod.PRIVATE_KEY_JWT:
        raise CommandError(f"{method} takes a secret, not keys.")
    grants = options["grant"]
    return {
        "auth_method": method,
        "jwks": _key_set(options["jwks"]) if options["jwks"] else ({} if has_keys else None),
        "jwks_uri": options["jwks_uri"] or ("" if has_keys else None),
        "token_endpoint_audience": options["token_endpoint_audience"],
        "grants": None if grants is None else list(dict.fromkeys(SHORT_NAMES.get(grant, grant) for grant in grants)),
        "scope": options["scope"],
        "resource": options["resource"],
        "redirect_uris": _spaced(options["redirect_uri"]),
        "post_logout_redirect_uris": _spaced(options["post_logout_redirect_uri"]),
        "name": options["name"],
        "tenant": _tenant(options["tenant"], server),
        "any_tenant": options["any_tenant"],
        "is_active": not options["disable"],
    }


def _spaced(values: list[str] | None) -> str | None:
    return None if values is None else " ".join(values)


def _method_with_secret(server: AuthorizationServer, client_id: str) -> str:
    """Return the method of a client that gets a secret: its current one, unless that takes keys."""
    client = (
        Client.objects.filter(server=server, client_id=client_id)
        .exclude(auth_method=AuthMethod.PRIVATE_KEY_JWT)
        .first()
    )
    return client.auth_method if client else HEADER_OR_BODY


def _key_set(path: str) -> dict[str, Any]:
    """Return the key set in a file, which may also contain a single key."""
    try:
        document = strict_json_object(Path(path).read_bytes())
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    except NotStrictJson as error:
        raise CommandError(f"{path} is not a JSON key set: {error}.") from error
    return {"keys": [document]} if "kty" in document else document


def _tenant(slug: str | None, server: AuthorizationServer) -> Tenant | None:
    if slug is None:
        return None
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise CommandError(f"No tenant has the slug {slug!r}.")
    if server.tenant_id not in (None, tenant.pk):
        raise CommandError(f"{server} serves another tenant, not {slug!r}.")
    return tenant


def describe(registration: Registration, at: str) -> dict[str, Any]:
    """Return the client as JSON, with its secret if it is new."""
    client = registration.client
    facts = {
        "at": at,
        "issuer": client.server.issuer,
        "token_endpoint": client.server.token_endpoint,
        "created": registration.created,
        "client_id": client.client_id,
        "auth_method": client.auth_method,
        "jwks_uri": client.jwks_uri,
        "token_endpoint_audience": client.token_endpoint_audience,
        "grants": client.grants,
        "scope": client.scope,
        "resource": client.resource,
        "redirect_uris": client.redirect_uris.split(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris.split(),
        "tenant": client.tenant.slug if client.tenant else None,
        "enabled": client.is_active,
    }
    return facts | ({"client_secret": registration.new_secret} if registration.new_secret else {})


def _in_words(facts: dict[str, Any]) -> str:
    facts = facts | {"auth_method": dict(REGISTRATIONS)[facts["auth_method"]]}
    done = "is created" if facts["created"] else "is up to date"
    lines = [f"The client {facts['client_id']} at {facts['issuer']} {done}{'' if facts['enabled'] else ', disabled'}."]
    for name in (
        "auth_method",
        "jwks_uri",
        "grants",
        "scope",
        "resource",
        "redirect_uris",
        "post_logout_redirect_uris",
        "tenant",
    ):
        value = " ".join(facts[name]) if isinstance(facts[name], list) else facts[name]
        lines += [f"  {name.removesuffix('_redirect_uris'):<14} {value}"] if value else []
    if facts["token_endpoint_audience"]:
        lines.append("  assertions     for the issuer or the token endpoint")
    if "client_secret" in facts:
        lines += [f"  client_secret  {facts['client_secret']}", "  The secret is shown only once."]
    return "\n".join(lines)
