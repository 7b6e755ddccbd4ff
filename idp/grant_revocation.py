"""Revokes the grants of a person at the embedded IdP.

A sign-out at the IdP, or a new password, ends all of them, for every app and every browser: earlier ID tokens and
refresh tokens are no longer exchanged or refreshed. Access tokens at a resource app stay valid until they expire.
"""

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

from tenants.models import User


@transaction.atomic
def end_grants_of(user: User) -> None:
    """Revoke the codes, ID tokens, access tokens and refresh tokens of a person of the directory."""
    get_refresh_token_model().objects.filter(user=user, revoked=None).update(revoked=timezone.now())
    for model in (get_grant_model(), get_access_token_model(), get_id_token_model()):
        model.objects.filter(user=user).delete()
