"""ID-JAG -04 section 4.3.3: may this client act for people of this tenant there, and how far? Without a policy, no.

An audience or resource that the IdP does not know is `invalid_target` (RFC 8693 section 2.2.2). One that it knows and
the policy refuses is `access_denied`: a client can tell a typing error from an administrator's decision
(docs/decisions/0014).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from authserver.models import AuthorizationServer, Client
from base.recent_rows import recent
from crossapp.core.oauth_text import is_scope
from idp.errors import AccessDenied, InsufficientUserAuthentication, InvalidScope, InvalidTarget
from idp.models import CrossAppPolicy
from idp.subject_tokens import Subject
from tenants.models import User


@dataclass(frozen=True)
class Permission:
    """The grant of a policy: audience, client identifier there, resource, scopes and claims."""

    audience: str
    resource: str
    client_id_at_audience: str
    scopes: tuple[str, ...]
    includes_email: bool = False


def permission_for(
    *,
    server: AuthorizationServer,
    client: Client,
    subject: Subject,
    audience: str,
    resources: tuple[str, ...],
    scope: str,
    check: Callable[..., Any],
) -> Permission:
    """Return the permission of `client` for `subject`; an omitted scope asks for all scopes of the policy.

    `check(name, step, …)` runs each step, see `RequestFacts.check`. Raises `InvalidTarget`, `AccessDenied`,
    `InsufficientUserAuthentication` or `InvalidScope`, in this order.
    """
    known = _policies(server.pk, audience)
    resource = check("target", _one_resource, known, resources)
    policy = check("policy", _allowing, known, client, resource, subject.user)
    check("authentication_age", _check_age, policy, subject)
    scopes = check("scope", _scopes, policy, scope)
    return Permission(audience, resource, policy.client_id_at_audience, scopes, policy.includes_email)


@recent(CrossAppPolicy, CrossAppPolicy.users.through, CrossAppPolicy.groups.through)
def _policies(server_id: int, audience: str) -> Sequence[Any] | None:
    """Return the policies for `audience`, each with `is_limited` (to people or groups), or None if there are none."""
    people = CrossAppPolicy.users.through.objects.filter(crossapppolicy=OuterRef("pk"))
    groups = CrossAppPolicy.groups.through.objects.filter(crossapppolicy=OuterRef("pk"))
    policies = CrossAppPolicy.objects.filter(server=server_id, audience=audience)
    return list(policies.annotate(is_limited=Q(Exists(people)) | Q(Exists(groups)))) or None


def _allowing(known: Sequence[Any], client: Client, resource: str, user: User) -> Any:
    """Return the policy that allows `client` to act for `user` at `resource`."""
    policy = next((p for p in known if p.client_id == client.pk and p.resource == resource), None)
    if policy is None or not policy.enabled:
        raise AccessDenied("No cross-app policy of this organisation allows this client at this audience and resource.")
    if policy.is_limited and not _names(policy, user):
        raise AccessDenied("The cross-app policy of this organisation does not include this user.")
    return policy


def _names(policy: CrossAppPolicy, user: User) -> bool:
    """Say whether a limited policy names `user` or one of the user's groups."""
    return policy.users.filter(pk=user.pk).exists() or policy.groups.filter(user=user).exists()


def _check_age(policy: CrossAppPolicy, subject: Subject) -> None:
    """Raise InsufficientUserAuthentication if the sign-in is older than the policy's max_age (RFC 9470)."""
    if policy.max_age is not None and time.time() - subject.auth_time > policy.max_age:
        raise InsufficientUserAuthentication(policy.max_age)


def _one_resource(known: Sequence[CrossAppPolicy] | None, resources: tuple[str, ...]) -> str:
    """Return the requested resource, which must be the audience's; this IdP's ID-JAGs name exactly one."""
    if not known:  # its own issuer is never there (ID-JAG -04 section 9.3)
        raise InvalidTarget(
            "The audience is unknown. It must be the resource authorization server's issuer, byte for byte."
        )
    governed = sorted({policy.resource for policy in known})
    if len(set(resources)) > 1:
        raise InvalidTarget("The request may have one resource only.")
    if not resources:
        if len(governed) > 1:
            raise InvalidTarget("The audience has several resources: name one.")
        return governed[0]
    if resources[0] not in governed:
        raise InvalidTarget("The audience does not have this resource.")
    return resources[0]


def _scopes(policy: CrossAppPolicy, asked: str) -> tuple[str, ...]:
    """Return the scopes that are both requested and allowed, in the policy's order."""
    allowed = policy.scope.split()
    if asked and not is_scope(asked):
        raise InvalidScope("The scope is malformed.")
    granted = tuple(scope for scope in allowed if not asked or scope in asked.split())
    if not granted:
        raise InvalidScope("The policy allows none of these scopes.")
    return granted
