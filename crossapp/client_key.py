"""The signing key of this project's clients (private_key_jwt), from Django's settings.

It is `CROSSAPP_REQUESTING_APP["CLIENT_SIGNING_KEY"]`: a PEM or JWK (RFC 7517) as text, or the dotted path of a callable
that returns one.
"""

from django.conf import settings
from django.utils.module_loading import import_string

from .core.client_signing_key import NoSigningKey, SigningKey, is_key_text, read_signing_key


def client_key() -> SigningKey:
    """Return the key; raises NoSigningKey."""
    text = getattr(settings, "CROSSAPP_REQUESTING_APP", {}).get("CLIENT_SIGNING_KEY", "")
    if text and not is_key_text(text):
        text = _called(text)
    if not text:
        raise NoSigningKey("CLIENT_SIGNING_KEY is not set")
    return read_signing_key(text)


def _called(path: str) -> str:
    try:
        found = import_string(path)()
    except (ImportError, TypeError) as error:
        reason = type(error).__name__  # its message may quote a part of the key
        raise NoSigningKey(f"CLIENT_SIGNING_KEY is neither a key nor a callable that returns one: {reason}") from error
    if not is_key_text(found):
        raise NoSigningKey(f"{path} returned neither PEM nor JWK")
    return str(found)
