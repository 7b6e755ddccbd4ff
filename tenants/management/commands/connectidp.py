"""Connects a tenant's identity provider to one app."""

import argparse
import json
import re
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from base.outgoing import session
from crossapp.core.client_authentication import AuthMethod
from crossapp.core.errors import PeerError
from crossapp.core.http import send
from crossapp.core.metadata import Kind, read_metadata, well_known_url
from tenants.issuers import validate_issuer
from tenants.models import App, EmailDomain, IdPConnection, Tenant

HELP = """\
Connects a tenant's identity provider (IdP) to one app: creates or updates the tenant, its email domains and that app's
IdP connection. Run it once per app. It can be repeated: options that are not given stay as they are, and domains are
only added.

It reads the issuer's metadata first. Write the issuer exactly as the metadata do, a trailing slash included. It must
begin with https:// (a demo also takes http:// on this machine). The output says what to register at the IdP.

Examples:

  Connect both apps to the IdP of Acme; the secrets come from files, not from the command line:

    manage.py connectidp --tenant acme --name "Acme" --domain acme.example --app wiki \\
        --issuer https://acme.okta.com --client-id 0oa1 --client-secret - < wiki.secret
    manage.py connectidp --tenant acme --app todo \\
        --issuer https://acme.okta.com --client-id 0oa2 --client-secret - < todo.secret

  Let in only people who already have an account at Todo0:

    manage.py connectidp --tenant acme --app todo --no-jit

  Let people sign in, but let no other app act for them (--id-jags undoes this):

    manage.py connectidp --tenant acme --app todo --no-id-jags

  Let a client redeem an ID-JAG of this IdP again until it expires, which ID-JAG -04 allows and MCP's Enterprise-Managed
  Authorization forbids; and only once, as before:

    manage.py connectidp --tenant acme --app todo --allow-resubmission
    manage.py connectidp --tenant acme --app todo --single-use

  Answer access_denied for a deactivated account (--no-tell-access-denied: every refusal looks the same):

    manage.py connectidp --tenant acme --app todo --tell-access-denied

  Switch a connection off (it allows no sign-in and accepts no ID-JAG of its IdP), and on again:

    manage.py connectidp --tenant acme --app todo --disable
    manage.py connectidp --tenant acme --app todo --enable
"""
COLUMNS = (  # with an option of the same name
    "issuer",
    "client_id",
    "client_secret",
    "auth_method",
    "accepts_id_jags",
    "single_use",
    "tells_access_denied",
    "requires_resource",
    "enabled",
)
_DOMAIN = re.compile(r"(?=.{3,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="The tenant's slug: lower-case letters, digits, hyphens.")
        parser.add_argument("--name", help="The tenant's name (default of a new tenant: its slug).")
        parser.add_argument("--domain", action="append", default=[], help="An email domain of the tenant; repeatable.")
        parser.add_argument("--app", required=True, choices=App.values, help="The app that people sign in to.")
        parser.add_argument("--issuer", help="The IdP's issuer, exactly as in its metadata.")
        parser.add_argument("--client-id", help="The app's client identifier at the IdP.")
        parser.add_argument("--client-secret", help="The app's client secret at the IdP; - reads it from stdin.")
        methods = [method.value for method in AuthMethod]
        parser.add_argument(
            "--auth-method", choices=methods, help=f"The app's authentication method (default: {methods[0]})."
        )
        parser.add_argument(
            "--jit",
            action=argparse.BooleanOptionalAction,
            help="Create an account when a person signs in for the first time.",
        )
        parser.add_argument(
            "--id-jags",
            dest="accepts_id_jags",
            action=argparse.BooleanOptionalAction,
            help="Let other apps act here with ID-JAGs of this IdP (the default), or allow sign-in only.",
        )
        use = parser.add_mutually_exclusive_group()
        use.add_argument("--single-use", action="store_true", default=None, help="Accept an ID-JAG once (the default).")
        use.add_argument(
            "--allow-resubmission",
            dest="single_use",
            action="store_false",
            help="Accept an ID-JAG again until it expires, from anyone who has it and the client's credentials (ID-JAG "
            "-04 section 4.4.3). Breaks MCP's Enterprise-Managed Authorization, which refuses a used one (section "
            "7.4.2).",
        )
        parser.add_argument(
            "--tell-access-denied",
            dest="tells_access_denied",
            action=argparse.BooleanOptionalAction,
            help="Tell the client that an account is deactivated (access_denied). The default is off, so that "
            "clients cannot find out who has an account.",
        )
        parser.add_argument(
            "--require-resource",
            dest="requires_resource",
            action=argparse.BooleanOptionalAction,
            help="Refuse an ID-JAG that names no resource. A new connection takes it as one for the app's API.",
        )
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument(
            "--disable", dest="enabled", action="store_false", default=None, help="Switch the connection off."
        )
        switch.add_argument("--enable", dest="enabled", action="store_true", help="Switch the connection on.")
        parser.add_argument("--no-fetch", action="store_true", help="Do not read the issuer's metadata.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["client_secret"] == "-":
            options["client_secret"] = sys.stdin.readline().rstrip("\r\n")
        connection = _connection(options)
        if connection.enabled and not options["no_fetch"]:
            check_metadata(connection.issuer)
        try:
            connection, was_new = _saved(options)
        except IntegrityError:  # another run has created the tenant meanwhile, so the retry finds it
            connection, was_new = _saved(options)
        facts = facts_of(connection) | {"created": was_new}
        self.stdout.write(json.dumps(facts) if options["json"] else describe(facts))


@transaction.atomic
def _saved(options: dict[str, Any]) -> tuple[IdPConnection, bool]:
    """Save the connection with the options, after a possible concurrent run. Say whether it is new."""
    connection = _connection(options)
    was_new = connection.pk is None
    save(connection, domains=[domain.strip().lower() for domain in options["domain"]])
    return connection, was_new


def _connection(options: dict[str, Any]) -> IdPConnection:
    """Return the connection with the options, its tenant included, without saving."""
    tenant = Tenant.objects.filter(slug=options["tenant"]).first()
    tenant = tenant or Tenant(slug=options["tenant"], name=options["tenant"])
    tenant.name = options["name"] or tenant.name
    found = IdPConnection.objects.filter(tenant=tenant, app=options["app"]).first() if tenant.pk else None
    connection = found or IdPConnection(app=options["app"])
    connection.tenant = tenant
    wanted = {name: options[name] for name in COLUMNS}
    wanted["provisions_users"] = options["jit"]
    for name, value in wanted.items():
        if value is not None:
            setattr(connection, name, value)
    missing = [name for name in ("issuer", "client_id") if not getattr(connection, name)]
    if not connection.client_secret and connection.auth_method.startswith("client_secret"):
        missing.append("client_secret")
    if missing:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CommandError(f"{tenant.slug} has no connection for {connection.app} yet. A new one needs {names}.")
    return connection


def check_metadata(issuer: str) -> None:
    """Read the metadata of `issuer` (OpenID Connect Discovery section 4.3). Raises CommandError, in one line."""
    try:
        validate_issuer(issuer)
        answer = send("GET", well_known_url(issuer, Kind.OPENID), session=session())
        metadata = read_metadata(answer.status, answer.body, issuer=issuer)
    except ValidationError as error:
        raise CommandError(f"The issuer {issuer} cannot be connected: {' '.join(error.messages)}") from None
    except PeerError as error:
        hint = "  Write --issuer exactly as the metadata do." if "expected" in error.detail else ""
        raise CommandError(f"The issuer {issuer} cannot be connected: {error.detail}.{hint}") from None
    if not metadata.authorization_endpoint or not metadata.jwks_uri:
        raise CommandError(f"The metadata of {issuer} name no authorization_endpoint or no jwks_uri.")


@transaction.atomic
def save(connection: IdPConnection, *, domains: list[str]) -> None:
    """Save the tenant, its new `domains` and the connection. Raises CommandError if one is invalid."""
    tenant = connection.tenant
    try:
        tenant.full_clean()
        tenant.save()
        for domain in domains:
            _add_domain(tenant, domain)
        connection.tenant = tenant
        _check_not_taken(connection)
        connection.full_clean()
        connection.save()
    except ValidationError as error:
        raise CommandError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    """Return the errors, each with its field."""
    reasons = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
    return "; ".join(reason.removeprefix("__all__: ") for reason in reasons)


def _add_domain(tenant: Tenant, domain: str) -> None:
    if not _DOMAIN.fullmatch(domain):
        raise CommandError(f"{domain!r} is not an email domain, such as acme.example.")
    owner = EmailDomain.objects.filter(domain=domain).select_related("tenant").first()
    if owner is None:
        EmailDomain.objects.create(tenant=tenant, domain=domain)
    elif owner.tenant != tenant:
        raise CommandError(f"The domain {domain} belongs to the tenant {owner.tenant.slug} ({owner.tenant}).")


def _check_not_taken(connection: IdPConnection) -> None:
    same = IdPConnection.objects.filter(app=connection.app, issuer=connection.issuer).exclude(pk=connection.pk)
    if other := same.select_related("tenant").first():
        raise CommandError(f"The issuer {connection.issuer} is connected to the tenant {other.tenant.slug} already.")


def facts_of(connection: IdPConnection) -> dict[str, Any]:
    """Return the stored values and what to register at the IdP, without secrets."""
    origin = settings.ORIGINS[connection.app]
    return {
        "tenant": connection.tenant.slug,
        "name": connection.tenant.name,
        "domains": sorted(connection.tenant.email_domains.values_list("domain", flat=True)),
        "app": connection.app,
        "issuer": connection.issuer,
        "client_id": connection.client_id,
        "auth_method": connection.auth_method,
        "jit": connection.provisions_users,
        "id_jags": connection.accepts_id_jags,
        "single_use": connection.single_use,
        "tells_access_denied": connection.tells_access_denied,
        "requires_resource": connection.requires_resource,
        "enabled": connection.enabled,
        "redirect_uri": f"{origin}/sign-in/callback",
        "post_logout_redirect_uri": f"{origin}/signed-out",
        "audience": origin,
        "resource": f"{origin}/api",
    }


def describe(facts: dict[str, Any]) -> str:
    """Return the facts as text."""
    app = App(facts["app"]).label
    state = "enabled" if facts["enabled"] else "disabled"
    lines = [
        f"{facts['name']} ({facts['tenant']}) signs in to {app} at {facts['issuer']} ({state}).",
        f"  email domains             {', '.join(facts['domains']) or 'none: only known addresses sign in'}",
        f"  client identifier         {facts['client_id']} ({facts['auth_method']})",
        f"  unknown people            {'get an account' if facts['jit'] else 'are refused'}",
        f"  an ID-JAG of this IdP     {_good(facts)}",
        f"  a deactivated account     {'is told (access_denied)' if facts['tells_access_denied'] else 'is not told'}",
        "Register at the IdP:",
        f"  redirect URI              {facts['redirect_uri']}",
        f"  post-logout redirect URI  {facts['post_logout_redirect_uri']}",
    ]
    if facts["app"] == App.TODO:
        lines += [
            f"To let another app act at {app}, allow an ID-JAG there for:",
            f"  audience                  {facts['audience']}",
            f"  resource                  {facts['resource']}",
        ]
    return "\n".join(lines)


def _good(facts: dict[str, Any]) -> str:
    """Say how often an ID-JAG of this IdP is good at the app, and which is."""
    if not facts["id_jags"]:
        return "is refused: the connection is for sign-in only"
    often = "is good once" if facts["single_use"] else "is good until it expires"
    return f"{often}, if it names its resource" if facts["requires_resource"] else often
