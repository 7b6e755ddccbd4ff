"""RFC 6749 section 4.1.2, RFC 9700 section 4.5: a code that is used twice has leaked, so its tokens are revoked."""

import hashlib
from datetime import timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_id_token_model, get_refresh_token_model

from authserver.models import Client, UsedCode

KEPT = timedelta(days=1)
SWEEP_SECONDS = 600
MOST = 1000  # rows at a time, because a peer waits for the answer


def remember(code: str, *, client: Client, access_token: str) -> None:
    """Remember the tokens issued for `code`; call it in the transaction that stores them."""
    checksum = _sha256(access_token)
    refresh_token = get_refresh_token_model().objects.filter(access_token__token_checksum=checksum).first()
    UsedCode.objects.create(
        code_hash=_sha256(code),
        client=client,
        access_token_checksum=checksum,
        token_family=refresh_token.token_family if refresh_token else None,
        expires_at=timezone.now() + KEPT,
    )
    if cache.add("authserver:sweep-used-codes", True, SWEEP_SECONDS):
        expired = UsedCode.objects.filter(expires_at__lt=timezone.now()).values_list("pk", flat=True)
        UsedCode.objects.filter(pk__in=list(expired[:MOST])).delete()


def revoke_what_was_issued(code: str, *, client: Client) -> UUID | None:
    """Revoke the tokens that `client` got for `code`; return the family of its refresh token, which ends with them."""
    used = UsedCode.objects.filter(code_hash=_sha256(code), client=client).first()
    if used is None:
        return None
    tokens = get_access_token_model().objects.filter(token_checksum=used.access_token_checksum)
    with transaction.atomic():
        found = list(tokens.values_list("pk", "id_token_id"))
        get_access_token_model().objects.filter(pk__in=[pk for pk, _ in found]).delete()
        get_id_token_model().objects.filter(pk__in=[pk for _, pk in found]).delete()
    return used.token_family


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
