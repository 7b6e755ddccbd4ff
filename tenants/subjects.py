"""Finds the account of an IdP's subject, for single sign-on and for ID-JAGs (OpenID Connect Core 1.0 section 5.7).

An account is found by realm, tenant, issuer and subject, byte for byte, never by email. An email only links a
pre-provisioned account to its subject, once. An account created here has an email only if it is of the tenant's own
domains and the IdP has verified it: an unverified one would keep its real owner out.

A connection may count an absent or a false `email_verified` as true: only for an email of the tenant's own domains, to
link a pre-provisioned account and to show the email. An account never changes its subject.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from base.emails import validate_email_address
from base.prepared_queries import prepared
from base.text import without_breaks
from tenants.models import EmailDomain, IdPConnection, User
from tenants.signals import email_left_out

NAME_PARTS = ("given_name", "family_name")
"""The claims that make the name for an IdP that sends no `name`."""


@dataclass(frozen=True)
class SubjectClaims:
    """The subject's claims in a verified ID token or ID-JAG. All but `sub` are optional display data.

    `email_verified` is None if the IdP does not say it.
    """

    sub: str
    email: str = ""
    email_verified: bool | None = None
    name: str = ""


class SubjectRefused(Exception):
    """The subject has no usable account. `detail` is the reason, for the log only."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SubjectDenied(SubjectRefused):
    """The subject has an account here, and it is deactivated."""


def read_claims(claims: Mapping[str, Any]) -> SubjectClaims:
    """Return the subject's claims (OpenID Connect Core 1.0 section 5.1) among verified `claims`.

    A claim of another type counts as absent, but `email_verified` as false. Some IdPs send that one as a string.
    """
    verified = claims.get("email_verified")
    return SubjectClaims(
        sub=text_claim(claims, "sub"),
        email=text_claim(claims, "email"),
        email_verified=None if verified is None else verified is True or verified == "true",
        name=text_claim(claims, "name") or " ".join(filter(None, (text_claim(claims, part) for part in NAME_PARTS))),
    )


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim if it is a string, or ""."""
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def resolve_subject(*, connection: IdPConnection, claims: SubjectClaims) -> User:
    """Return the active account of `claims.sub` at the app and tenant of `connection`; raises SubjectRefused.

    Raises SubjectDenied if that account is deactivated. Tried in this order: the account bound to this subject; a
    pre-provisioned account with the same, verified email, which is bound now; if the connection provisions users, a new
    account.
    """
    if not connection.enabled or not connection.tenant.is_active:
        raise SubjectRefused("the tenant is not active or its IdP connection is disabled")
    if not 0 < len(claims.sub) <= 255 or not claims.sub.isprintable():
        raise SubjectRefused("the subject is empty, too long or not printable")
    claims = replace(claims, email_verified=_counts_as_verified(claims, connection))
    user = _bound_account(connection, claims) or _first_sign_in(connection, claims)
    if not user.is_active:
        raise SubjectDenied("the account is not active")
    _show(user, connection, claims)
    return user


def _counts_as_verified(claims: SubjectClaims, connection: IdPConnection) -> bool:
    """Say whether the IdP has verified the email, or the connection trusts it without that."""
    if claims.email_verified is None:
        return connection.trusts_absent_email_verified and _is_own_email(claims.email, connection)
    if claims.email_verified is False:
        return connection.trusts_false_email_verified and _is_own_email(claims.email, connection)
    return claims.email_verified is True


@prepared("realm", "tenant", "issuer", "sub")
def _accounts() -> QuerySet[User]:
    return User.objects.all()


def _bound_account(connection: IdPConnection, claims: SubjectClaims) -> User | None:
    for account in _accounts(connection.app, connection.tenant_id, connection.issuer, claims.sub):
        account.tenant = connection.tenant
        return account
    return None


def _first_sign_in(connection: IdPConnection, claims: SubjectClaims) -> User:
    """Bind or create the account, once, also with concurrent requests for the same subject."""
    try:
        with transaction.atomic():
            IdPConnection.objects.select_for_update().get(pk=connection.pk)
            return _bound_account(connection, claims) or _bind(connection, claims) or _provision(connection, claims)
    except IntegrityError as error:
        if account := _bound_account(connection, claims):
            return account
        raise SubjectRefused("another account has this subject or this user name") from error


def _bind(connection: IdPConnection, claims: SubjectClaims) -> User | None:
    """Bind the pre-provisioned account with this email, if any; refuse an email of another account."""
    accounts = list(_accounts_with(claims.email, connection)) if claims.email else []
    if not accounts:
        return None
    if len(accounts) > 1 or accounts[0].sub is not None:
        raise SubjectRefused("the email belongs to another account, and an account never changes its subject")
    if not claims.email_verified:
        raise SubjectRefused("the email matches a pre-provisioned account, but the IdP has not verified it")
    if _domain_owner(claims.email) not in (None, connection.tenant_id):
        raise SubjectRefused("the email's domain belongs to another tenant")
    account = accounts[0]
    account.issuer, account.sub = connection.issuer, claims.sub
    account.save(update_fields=["issuer", "sub"])
    return account


def _provision(connection: IdPConnection, claims: SubjectClaims) -> User:
    if not connection.provisions_users:
        raise SubjectRefused("the subject is unknown and the connection provisions no users")
    is_own = _is_own_email(claims.email, connection)
    account = User(
        username=_username(connection, claims.sub),
        email=claims.email.lower() if is_own and claims.email_verified else "",
        realm=connection.app,
        tenant=connection.tenant,
        issuer=connection.issuer,
        sub=claims.sub,
    )
    account.set_unusable_password()
    account.save(force_insert=True)
    if claims.email and not is_own:
        email_left_out.send(resolve_subject, user=account, email=claims.email)
    return account


def _show(user: User, connection: IdPConnection, claims: SubjectClaims) -> None:
    """Update the name and the verified email, if they changed and no other account has the email."""
    before = (user.first_name, user.last_name, user.email)
    if name := without_breaks(claims.name)[:150]:
        user.first_name, user.last_name = name, ""
    if claims.email_verified and claims.email.lower() != user.email:
        others = _accounts_with(claims.email, connection).exclude(pk=user.pk)
        if _is_own_email(claims.email, connection) and not others.exists():
            user.email = claims.email.lower()
    if before != (user.first_name, user.last_name, user.email):
        user.save(update_fields=["first_name", "last_name", "email"])


def _accounts_with(email: str, connection: IdPConnection) -> QuerySet[User]:
    accounts = User.objects.with_email(email).filter(realm=connection.app, tenant=connection.tenant)
    return accounts.select_related("tenant")


def _is_own_email(email: str, connection: IdPConnection) -> bool:
    """Say whether `email` is well formed and of a domain of the connection's tenant."""
    try:
        validate_email_address(email)
    except ValidationError:
        return False
    return len(email) <= 254 and _domain_owner(email) == connection.tenant_id


def _domain_owner(email: str) -> int | None:
    domain = email.rpartition("@")[2].lower()
    return EmailDomain.objects.filter(domain=domain).values_list("tenant_id", flat=True).first()


def _username(connection: IdPConnection, sub: str) -> str:
    """Return the account's unique user name, which is never typed: a hash of issuer and subject."""
    subject = hashlib.sha256(f"{connection.issuer} {sub}".encode()).hexdigest()[:32]
    return f"{connection.app}:{connection.tenant.slug}:{subject}"
