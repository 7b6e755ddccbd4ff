"""Connects a tenant's identity provider to one app."""

import argparse
import json
import re
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from crossapp.client_key import client_key
from crossapp.core.client_authentication import AuthMethod
from crossapp.core.client_signing_key import NoSigningKey
from crossapp.core.comparisons import Comparison, failures
from crossapp.core.metadata import Metadata
from tenants.idp_comparisons import COMPARED, compare_with_idp, connectable_metadata, secret_method_for
from tenants.management.idp_connection_facts import describe, facts_of
from tenants.management.idp_connection_options import HELP, add_options
from tenants.models import EmailDomain, IdPConnection, Tenant

COLUMNS = (  # with an option of the same name
    "issuer",
    "client_id",
    "client_secret",
    "auth_method",
    "accepts_id_jags",
    "single_use",
    "tells_access_denied",
    "requires_resource",
    "scope",
    "prompt",
    "clock_skew",
    "trusts_absent_email_verified",
    "trusts_false_email_verified",
    "tenant_claim",
    "tenant_value",
    "enabled",
)
_DOMAIN = re.compile(r"(?=.{3,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["client_secret"] == "-":
            options["client_secret"] = sys.stdin.readline().rstrip("\r\n")
        connection, comparisons = _connection(options), []
        if connection.enabled and not options["no_fetch"]:
            metadata = _metadata(connection.issuer)
            if connection.pk is None and connection.client_secret and not options["auth_method"]:
                options["auth_method"] = connection.auth_method = secret_method_for(metadata).value
            comparisons = _compared(connection, metadata)
        try:
            connection, was_new = _saved(options)
        except IntegrityError:  # another run has created the tenant meanwhile, so the retry finds it
            connection, was_new = _saved(options)
        facts = facts_of(connection, comparisons) | {"created": was_new}
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
    if found is None and not connection.client_secret and not options["auth_method"] and _has_signing_key():
        connection.auth_method = AuthMethod.PRIVATE_KEY_JWT.value
    missing = [name for name in ("issuer", "client_id") if not getattr(connection, name)]
    if not connection.client_secret and connection.auth_method.startswith("client_secret"):
        missing.append("client_secret")
    if missing:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CommandError(f"{tenant.slug} has no connection for {connection.app} yet. A new one needs {names}.")
    return connection


def _has_signing_key() -> bool:
    try:
        client_key()
    except NoSigningKey:
        return False
    return True


def _metadata(issuer: str) -> Metadata:
    """Return the metadata of `issuer`, fetched now; raises CommandError, in one line."""
    try:
        return connectable_metadata(issuer)
    except ValidationError as error:
        raise CommandError(f"The issuer {issuer} cannot be connected: {' '.join(error.messages)}") from None


def _compared(connection: IdPConnection, metadata: Metadata) -> list[Comparison]:
    """Return the comparisons with the metadata; raises CommandError, in one line, if no sign-in would work."""
    columns = {name: getattr(connection, name) for name in COMPARED}
    comparisons = compare_with_idp(metadata, **columns)
    if failed := failures(comparisons):
        reasons = " ".join(str(comparison) for comparison in failed)
        raise CommandError(f"The issuer {connection.issuer} cannot be connected: {reasons}")
    return comparisons


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
    unique = {name: getattr(connection, name) for name in ("app", "issuer", "tenant_claim", "tenant_value")}
    same = IdPConnection.objects.filter(**unique).exclude(pk=connection.pk)
    if other := same.select_related("tenant").first():
        raise CommandError(f"The issuer {connection.issuer} is connected to the tenant {other.tenant.slug} already.")
