"""Whoever is deactivated or deleted leaves nothing behind that acts for them: neither here nor at their IdP."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_delete

from crossapp.requesting_app.flow import forget_tokens
from tenants import subject_tokens
from tenants.models import User
from tenants.single_sign_on.provider import revoke


def connect() -> None:
    """See to it from now on. A `QuerySet.update` tells nobody: then the tokens only stop working."""
    post_save.connect(_end_if_inactive, sender=User, dispatch_uid="tenants.offboarding")
    pre_delete.connect(_end, sender=User, dispatch_uid="tenants.offboarding")


def _end_if_inactive(sender: Any, *, instance: User, **kwargs: Any) -> None:
    if not instance.is_active:
        forget_tokens(instance)
        _end(sender, instance=instance)


def _end(sender: Any, *, instance: User, **kwargs: Any) -> None:
    """Forget what sign-ins brought; the IdP hears of it when that is certain, and outside of any transaction."""
    stored = subject_tokens.taken_from(instance)
    if stored and stored.refresh_token:
        transaction.on_commit(partial(revoke, stored.connection, stored.refresh_token), robust=True)
