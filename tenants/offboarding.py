"""Deletes and revokes the tokens of a person who is deactivated or deleted, here and at the IdP."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_delete

from crossapp.requesting_app.flow import forget_tokens
from tenants import subject_tokens
from tenants.models import User
from tenants.single_sign_on.provider import revoke


def connect() -> None:
    """Connect the receivers. `QuerySet.update()` sends no signals: tokens then stop working but are not revoked."""
    post_save.connect(_end_if_inactive, sender=User, dispatch_uid="tenants.offboarding")
    pre_delete.connect(_end, sender=User, dispatch_uid="tenants.offboarding")


def _end_if_inactive(sender: Any, *, instance: User, **kwargs: Any) -> None:
    if not instance.is_active:
        forget_tokens(instance)
        _end(sender, instance=instance)


def _end(sender: Any, *, instance: User, **kwargs: Any) -> None:
    """Delete the subject tokens; revoke them at the IdP after the commit, outside of any transaction."""
    stored = subject_tokens.taken_from(instance)
    if stored and stored.refresh_token:
        transaction.on_commit(partial(revoke, stored.connection, stored.refresh_token), robust=True)
