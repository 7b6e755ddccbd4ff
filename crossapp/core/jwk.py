"""RFC 7517 sections 4 and 5: the keys of an issuer's key set that may verify a signature (RFC 8725 section 3.1).

Unusable keys are skipped, as section 5 says; certificates (`x5c`, `x5u`) are ignored.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

# The supported algorithms and their key types. Nothing symmetric, never "none".
KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MAX_KID_LENGTH = 255

_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_READERS: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}


class UnknownKey(Exception):
    """The issuer has no such key for this algorithm."""


class KeysUnavailable(Exception):
    """The issuer's keys are unavailable; the message is the reason, for the log."""


@dataclass(frozen=True)
class VerificationKey:
    """One public key of an issuer. `alg` is the only algorithm for it, if the issuer names one."""

    kid: str
    kty: str
    alg: str | None
    public_key: PublicKey

    def fits(self, alg: str) -> bool:
        """Say whether this key may verify a signature made with `alg`: RFC 8725 section 3.1."""
        return KEY_TYPES.get(alg) == self.kty and self.alg in (None, alg)


def usable_keys(unverified_keys: Iterable[Any]) -> dict[str, VerificationKey]:
    """Return the keys of a key set's `keys` that may verify signatures, by key id, without the others."""
    keys = [key for key in map(_read, unverified_keys) if key]
    occurrences = Counter(key.kid for key in keys)
    return {key.kid: key for key in keys if occurrences[key.kid] == 1}


def _read(jwk: Any) -> VerificationKey | None:
    """Return the key in `jwk`, or None if it cannot verify signatures here: RFC 7517 section 4."""
    if not isinstance(jwk, dict) or not _is_for_signatures(jwk):
        return None
    kid, kty, alg = jwk.get("kid"), jwk.get("kty"), jwk.get("alg")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        return None
    if not isinstance(kty, str) or kty not in _PUBLIC_MEMBERS:
        return None
    if alg is not None and (not isinstance(alg, str) or KEY_TYPES.get(alg) != kty):
        return None
    public_key = _public_key(kty, jwk)
    return VerificationKey(kid, kty, alg, public_key) if public_key else None


def _is_for_signatures(jwk: dict[str, Any]) -> bool:
    """Check `use` and `key_ops`, and refuse a key with a published private half."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and not PRIVATE_MEMBERS & jwk.keys()
    )


def _public_key(kty: str, jwk: Mapping[str, Any]) -> PublicKey | None:
    """Build the key (RFC 7518 section 6, RFC 8037 section 2) from its public members."""
    members = {name: jwk.get(name) for name in _PUBLIC_MEMBERS[kty]}
    if not all(isinstance(value, str) for value in members.values()) or members.get("crv") != _CURVES.get(kty):
        return None
    try:
        key: Any = _READERS[kty]({"kty": kty, **members})
    except (InvalidKeyError, ValueError, UnsupportedAlgorithm):
        return None
    if kty == "RSA" and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return None
    return key
