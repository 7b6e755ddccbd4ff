"""OpenID Connect Core section 10.1.1: rotates signing keys without failures at verifiers.

A key is published before it signs (`next`), for as long as a verifier may use an older key set. Then it signs
(`active`). Then it only verifies (`retired`), until everything it signed has expired. Then it is deleted.

A leaked key is withdrawn: deleted at once, together with everything it signed. Its server forgets the ID tokens and
expires the access tokens from its time. The apps fetch the key set of an embedded IdP again before they use its keys.
External verifiers forget a withdrawn key when their copy of the key set expires.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from oauth2_provider.models import get_access_token_model
from oauth2_provider.settings import oauth2_settings

from authserver.models import AuthorizationServer, SigningKey
from tenants.models import IdPConnection

JWKS_LIFETIME = timedelta(seconds=300)  # the max-age of the key set
SKEW = timedelta(seconds=60)  # the most that a verifier's clock may be behind
_ID_JAG_LIFETIME = timedelta(seconds=300)  # the most that MCP's profile allows

NEXT, ACTIVE, RETIRED = SigningKey.Status.NEXT, SigningKey.Status.ACTIVE, SigningKey.Status.RETIRED


@dataclass(frozen=True)
class Rotation:
    """The result of one run at one authorization server: key identifiers, "" or none for steps that were not due.

    `due_at` is the time when the published next key may become active.
    """

    issuer: str
    active: str
    next: str
    due_at: datetime
    activated: str
    retired: tuple[str, ...]
    deleted: tuple[str, ...]
    withdrawn: tuple[str, ...]


def longest_token_lifetime() -> timedelta:
    """Return the longest lifetime of a token that a key signs."""
    seconds = max(oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS, oauth2_settings.ID_TOKEN_EXPIRE_SECONDS)
    return max(timedelta(seconds=seconds), _ID_JAG_LIFETIME)


def may_sign_from(key: SigningKey) -> datetime:
    """Return the time when every verifier knows a published key: one lifetime of the key set after it was added."""
    return key.created_at + JWKS_LIFETIME


def is_spent(key: SigningKey, now: datetime) -> bool:
    """Say whether every token signed with a retired key has expired."""
    return key.retired_at is not None and now > key.retired_at + longest_token_lifetime() + SKEW


def is_due(keys: Sequence[SigningKey], now: datetime) -> bool:
    """Say whether the next key is to become active: all verifiers know it, or there is not exactly one active key."""
    if len(_with_status(keys, ACTIVE)) != 1:
        return True
    published = _with_status(keys, NEXT)
    return bool(published) and now >= may_sign_from(published[0])


@transaction.atomic
def rotate(
    server: AuthorizationServer,
    *,
    now: datetime,
    at_once: bool = False,
    withdraw: Collection[str] = (),
    algorithm: str = "",
) -> Rotation:
    """Do the due steps for the signing keys of `server`; with `at_once` the next key becomes active now.

    The keys with identifiers in `withdraw` are withdrawn first. With `algorithm` (RS256 or ES256) the next key and
    those after it are for that algorithm. The server's row is locked, so one process runs at a time. Afterwards there
    is always exactly one active key.
    """
    AuthorizationServer.objects.select_for_update().get(pk=server.pk)
    wanted = algorithm or server.algorithm  # read before the newest key, which defines it, is withdrawn
    withdrawn = _withdraw(server, withdraw, now)
    if algorithm:
        _publish_one_for(algorithm, server)
    keys = list(server.signing_keys.order_by("created_at", "pk"))
    activated = ""
    retired: tuple[str, ...] = ()
    if at_once or is_due(keys, now):
        retired = _retire(_with_status(keys, ACTIVE), now)
        activated = _activate((_with_status(keys, NEXT) or [SigningKey.generate(server, algorithm=wanted)])[0], now)
    deleted = _delete([key for key in _with_status(keys, RETIRED) if is_spent(key, now)])
    published = server.signing_keys.filter(status=NEXT).order_by("created_at", "pk").first()
    published = published or SigningKey.generate(server, algorithm=wanted)
    return Rotation(
        issuer=server.issuer,
        active=server.signing_keys.get(status=ACTIVE).kid,
        next=published.kid,
        due_at=may_sign_from(published),
        activated=activated,
        retired=retired,
        deleted=deleted,
        withdrawn=withdrawn,
    )


def _publish_one_for(algorithm: str, server: AuthorizationServer) -> None:
    """Replace the next key, which has signed nothing yet, by one for `algorithm`."""
    published = _with_status(server.signing_keys.all(), NEXT)
    if any(key.algorithm != algorithm for key in published) or not published:
        _delete(published)
        SigningKey.generate(server, algorithm=algorithm)


def _withdraw(server: AuthorizationServer, kids: Collection[str], now: datetime) -> tuple[str, ...]:
    withdrawn = list(server.signing_keys.filter(kid__in=kids))
    for key in withdrawn:
        _end_access_tokens_of(key, now)
        key.delete()
    if withdrawn and (connection := IdPConnection.objects.filter(issuer=server.issuer).first()):
        connection.forget_keys()
    return tuple(key.kid for key in withdrawn)


def _end_access_tokens_of(key: SigningKey, now: datetime) -> None:
    """Expire the access tokens that were issued while `key` signed."""
    if key.activated_at is None:
        return
    tokens = get_access_token_model().objects.filter(application__server=key.server_id, created__gte=key.activated_at)
    if key.retired_at is not None:
        tokens = tokens.filter(created__lte=key.retired_at)
    tokens.filter(expires__gt=now).update(expires=now)


def _with_status(keys: Iterable[SigningKey], status: str) -> list[SigningKey]:
    return [key for key in keys if key.status == status]


def _activate(key: SigningKey, now: datetime) -> str:
    key.status, key.activated_at = ACTIVE, now
    key.save(update_fields=["status", "activated_at"])
    return key.kid


def _retire(keys: Iterable[SigningKey], now: datetime) -> tuple[str, ...]:
    for key in keys:
        key.status, key.retired_at = RETIRED, now
        key.save(update_fields=["status", "retired_at"])
    return tuple(key.kid for key in keys)


def _delete(keys: Iterable[SigningKey]) -> tuple[str, ...]:
    for key in keys:
        key.delete()
    return tuple(key.kid for key in keys)
