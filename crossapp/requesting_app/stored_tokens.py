"""The stored access tokens: one for each user and resource app, encrypted, and not used when about to expire."""

from typing import Any

from django.db import IntegrityError, transaction

from ..core.jwt_bearer import AccessToken
from ..fields import Undecryptable
from .conf import conf
from .models import ResourceApp, StoredAccessToken


def usable(user: Any, resource_app: ResourceApp) -> AccessToken | None:
    """Return the stored token if it does not expire soon; one that no key decrypts counts as none."""
    tokens = StoredAccessToken.objects.held_by(user, resource_app).good_for(conf().access_token_margin_seconds)
    try:
        token = tokens.get()
        return AccessToken(token.access_token, token.scope, token.expires_at)
    except (StoredAccessToken.DoesNotExist, Undecryptable):
        return None


def store(user: Any, resource_app: ResourceApp, token: AccessToken) -> None:
    """Store `token` in place of the old one."""
    row = StoredAccessToken(user=user, resource_app=resource_app, scope=token.scope, expires_at=token.expires_at)
    row.access_token = token.value
    values = {name: getattr(row, name) for name in ("sealed_access_token", "scope", "expires_at")}
    if StoredAccessToken.objects.held_by(user, resource_app).update(**values):
        return
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # the user or the resource app was deleted meanwhile
        return


def drop(user: Any, resource_app: ResourceApp, *, refused: AccessToken) -> None:
    """Delete the token that the API refused, unless a new one has replaced it."""
    tokens = StoredAccessToken.objects.held_by(user, resource_app)
    current = tokens.first()
    if current and current.access_token == refused.value:
        tokens.filter(expires_at=current.expires_at).delete()


def forget(user: Any) -> None:
    """Delete every token of `user`."""
    StoredAccessToken.objects.filter(user=user).delete()
