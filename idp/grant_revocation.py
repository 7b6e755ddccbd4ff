"""What the embedded IdP has handed out in a person's name, and its end.

A sign-out at the IdP ends all of it, at every app and from every browser: no ID token or refresh token from before is
exchanged or refreshed any more. What was redeemed already lives on at the resource app until it expires.
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
    """End the codes, ID tokens, access tokens and refresh tokens of a person of the directory."""
    get_refresh_token_model().objects.filter(user=user, revoked=None).update(revoked=timezone.now())
    for model in (get_grant_model(), get_access_token_model(), get_id_token_model()):
        model.objects.filter(user=user).delete()
