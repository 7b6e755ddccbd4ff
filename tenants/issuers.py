"""Checks the form of an issuer (OpenID Connect Discovery section 3: https, a host, no query, no fragment)."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from base.addresses import is_ours, is_public
from crossapp.core.urls import address_of, is_local


def validate_issuer(issuer: str) -> None:
    """Raise ValidationError unless an operator may connect `issuer`; only its form is checked."""
    try:
        parts = urlsplit(issuer)
        name, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValidationError("The issuer is not a URL.") from error
    local = is_local(name)
    if parts.scheme != "https" and not is_ours(issuer) and not (settings.DEMO and local and parts.scheme == "http"):
        raise ValidationError("The issuer must begin with https://.")
    if local and not settings.DEMO and not is_ours(issuer):
        raise ValidationError("The issuer must not be on this machine.")
    if address_of(name) and not local and not is_public(name):
        raise ValidationError("The issuer must have a public address.")
    if not name or "@" in parts.netloc or "?" in issuer or "#" in issuer:
        raise ValidationError("The issuer must have a host, and no user name, query or fragment.")
    if not issuer.isascii() or not issuer.isprintable() or " " in issuer or parts.netloc != parts.netloc.lower():
        raise ValidationError("The issuer must be plain ASCII with its host in lower case.")
