"""The rules for a client's registration; each raises ValidationError with the field and the correction."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from crossapp.core.client_authentication import AUTH_METHODS, AuthMethod
from crossapp.core.jwk import PRIVATE_MEMBERS, usable_keys
from crossapp.core.urls import is_acceptable_url, is_local

HEADER_OR_BODY = "client_secret"
"""A registration for both methods with a secret, client_secret_basic and client_secret_post."""
REGISTRATIONS = [(HEADER_OR_BODY, f"{HEADER_OR_BODY}: in the header or in the body"), *AUTH_METHODS]
"""What a client may be registered for, as a column's choices. A method that is registered alone excludes the others."""
_METHODS = {HEADER_OR_BODY: (AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST)}


def accepts(registered: str, method: str) -> bool:
    """Say whether a client that is registered for `registered` may authenticate with `method`."""
    return method in _METHODS.get(registered, (registered,))


def check_grants(grants: Any, server: Any) -> None:
    """Check that the grants are a JSON list of grant types that the server offers."""
    if not isinstance(grants, list) or not all(isinstance(grant, str) for grant in grants):
        raise ValidationError({"grants": "Enter a JSON list of grant types."})
    if unknown := sorted(set(grants) - set(server.grant_types)):
        raise ValidationError({"grants": f"{server} does not offer {', '.join(unknown)}."})


def check_scope(scope: str, server: Any) -> None:
    """Check that the server has all scopes."""
    if unknown := sorted(set(scope.split()) - set(server.scopes)):
        raise ValidationError({"scope": f"{server} has no scope {', '.join(unknown)}."})


def check_keys(auth_method: str, jwks: Any, jwks_uri: str) -> None:
    """OpenID Connect Core section 9: a client has one key set, here or at a URL, if it uses private_key_jwt."""
    if auth_method != AuthMethod.PRIVATE_KEY_JWT:
        if jwks or jwks_uri:
            raise ValidationError({"auth_method": "Keys are for private_key_jwt only."})
        return
    if jwks and jwks_uri:
        raise ValidationError({"jwks": "Enter a key set or its URL, not both."})
    if not (jwks or jwks_uri):
        raise ValidationError({"jwks": "private_key_jwt needs the client's public keys: a key set or its URL."})
    if jwks_uri and not is_acceptable_url(jwks_uri, http_on_loopback=settings.DEMO):
        raise ValidationError({"jwks_uri": f"{jwks_uri!r} is not an https URL without query and fragment."})
    if jwks:
        _check_key_set(jwks)


def _check_key_set(jwks: Any) -> None:
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list):
        raise ValidationError({"jwks": 'A key set must be {"keys": [...]} (RFC 7517).'})
    if any(isinstance(key, dict) and PRIVATE_MEMBERS & key.keys() for key in keys):
        raise ValidationError({"jwks": "The key set contains private or shared keys. Enter public keys only."})
    if not any(key.kid for key in usable_keys(keys)):
        kinds = "RSA (2048 bits or more), P-256, P-384, P-521 or Ed25519"
        raise ValidationError({"jwks": f"The key set has no usable key: {kinds}, each with its own kid."})


def check_redirect_uris(uris: Sequence[str], *, needed: bool) -> None:
    """RFC 6749 section 3.1.2, RFC 9700 section 2.1: whole URLs, https except on this machine in demo mode."""
    if needed and not uris:
        raise ValidationError({"redirect_uris": "The code flow needs at least one redirect URI."})
    for uri in uris:
        if not _is_redirect_uri(uri):
            raise ValidationError({"redirect_uris": f"{uri!r} is not an https URL without user name and fragment."})


def _is_redirect_uri(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    plain = parts.scheme == "http" and settings.DEMO and is_local(host)
    return (parts.scheme == "https" or plain) and bool(host) and "@" not in parts.netloc and "#" not in uri
