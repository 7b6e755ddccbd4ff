"""RFC 7523 sections 2.2 and 3, client side: the client's signing key, and the assertion signed with it.

RSA signs with RS256, P-256 with ES256, Ed25519 with EdDSA. The `kid` of a key is its thumbprint (RFC 7638), as in the
key set that `public_key_set` returns.
"""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

LIFETIME = 60  # seconds
TYP = "client-authentication+jwt"  # rfc7523bis-11 section 4
_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}  # RFC 7638


class NoSigningKey(Exception):
    """There is no usable key; the message says why, without quoting the key."""


@dataclass(frozen=True)
class SigningKey:
    """A private key and its public JWK."""

    private_key: Any = field(repr=False)
    alg: str
    public_jwk: dict[str, Any]

    @property
    def kid(self) -> str:
        return str(self.public_jwk["kid"])

    @property
    def public_key_set(self) -> dict[str, Any]:
        """The key set (RFC 7517 section 5) to register or publish."""
        return {"keys": [self.public_jwk]}


def client_assertion(key: SigningKey, *, client_id: str, audience: str) -> str:
    """Return a new assertion of `client_id` for the authorization server whose issuer is `audience`, signed with `key`.

    rfc7523bis-11 section 4: the issuer is the one audience, and the type says what it is.
    """
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode(claims, key.private_key, algorithm=key.alg, headers={"typ": TYP, "kid": key.kid})


def is_key_text(text: object) -> bool:
    """Say whether `text` may be a PEM or a JWK."""
    return isinstance(text, str) and text.lstrip().startswith(("-----BEGIN", "{"))


@lru_cache(maxsize=4)
def read_signing_key(text: str) -> SigningKey:
    """Return the key in a PEM or JWK (RFC 7517); raises NoSigningKey.

    It is read once per process and key, because checking a key takes longer than a signature.
    """
    try:
        private_key = _from_jwk(text) if text.lstrip().startswith("{") else load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm, jwt.PyJWTError) as error:
        raise NoSigningKey(f"CLIENT_SIGNING_KEY is not a usable private key: {type(error).__name__}") from error
    if isinstance(private_key, RSAPrivateKey) and private_key.key_size >= 2048:
        return _described(private_key, "RS256", RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True))
    if isinstance(private_key, EllipticCurvePrivateKey) and isinstance(private_key.curve, SECP256R1):
        return _described(private_key, "ES256", ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True))
    if isinstance(private_key, Ed25519PrivateKey):
        return _described(private_key, "EdDSA", OKPAlgorithm.to_jwk(private_key.public_key(), as_dict=True))
    raise NoSigningKey("CLIENT_SIGNING_KEY is not an RSA key of 2048 bits or more, a P-256 key or an Ed25519 key")


def _from_jwk(text: str) -> Any:
    members = json.loads(text)
    members.pop("alg", None)  # the type of the key decides
    return jwt.PyJWK(members).key


def _described(private_key: Any, alg: str, public: dict[str, Any]) -> SigningKey:
    members = {name: public[name] for name in _MEMBERS[public["kty"]]}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    return SigningKey(private_key, alg, {**members, "kid": kid, "use": "sig", "alg": alg})
