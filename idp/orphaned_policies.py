"""Disables a policy when the last person or group it names is deleted: an empty list would mean everyone."""

from typing import Any

from django.contrib.auth.models import Group
from django.db.models.signals import post_delete, pre_delete

from idp.models import CrossAppPolicy
from tenants.models import User


def listen() -> None:
    """Connect the receivers to the deletion of accounts and groups."""
    for sender in (User, Group):
        pre_delete.connect(_note_policies, sender=sender, dispatch_uid="idp.orphaned_policies.before")
        post_delete.connect(_switch_off, sender=sender, dispatch_uid="idp.orphaned_policies.after")


def _note_policies(sender: type, instance: Any, **kwargs: Any) -> None:
    instance.named_by = list(instance.crossapppolicy_set.values_list("pk", flat=True))


def _switch_off(sender: type, instance: Any, **kwargs: Any) -> None:
    """Disable the policies whose lists are now empty; several people may be deleted at once."""
    for policy in CrossAppPolicy.objects.filter(pk__in=instance.named_by, users=None, groups=None, enabled=True):
        policy.enabled = False
        policy.save(update_fields=["enabled"])
