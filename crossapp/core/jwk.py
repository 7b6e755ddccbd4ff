"""RFC 7517 sections 4 and 5: the keys of an issuer's key set that may verify a signature (RFC 8725 section 3.1).

Unusable keys are skipped, as section 5 says; certificates (`x5c`, `x5u`) are ignored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from .algorithms import ALGORITHMS

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MAX_KID_LENGTH = 255

_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_READERS: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}


class UnknownKey(Exception):
    """The issuer has no such key for this algorithm, or several."""


class KeysUnavailable(Exception):
    """The issuer's keys are unavailable; the message is the reason, for the log."""


@dataclass(frozen=True)
class VerificationKey:
    """One public key of an issuer. `kid` is None if the issuer names none.

    `crv` is "" for RSA. `alg` is the only algorithm for the key, if the issuer names one.
    """

    kid: str | None
    kty: str
    crv: str
    alg: str | None
    public_key: PublicKey

    def fits(self, alg: str) -> bool:
        """Say whether this key may verify a signature made with `alg`: RFC 8725 section 3.1, RFC 7518 section 3.4."""
        algorithm = ALGORITHMS.get(alg)
        if algorithm is None or (algorithm.kty, algorithm.crv) != (self.kty, self.crv):
            return False
        return self.alg is None or ALGORITHMS[self.alg] is algorithm


def usable_keys(unverified_keys: Iterable[Any]) -> tuple[VerificationKey, ...]:
    """Return the keys of a key set's `keys` that may verify signatures, in its order, without the others."""
    return tuple(key for key in map(_read, unverified_keys) if key)


def find_key(keys: Sequence[VerificationKey], *, kid: str | None, alg: str) -> VerificationKey:
    """Return the one key of `keys` for a signature with this key id, or with none, and this algorithm.

    OpenID Connect Core 1.0 section 10.1: without a key id in the header or in the key, the key must be the only one for
    the algorithm. The same key may be listed several times with one key id. Raises UnknownKey if no key fits, or if
    several different ones do.
    """
    fitting = [key for key in keys if key.fits(alg)]
    named = [key for key in fitting if kid is not None and key.kid == kid]
    candidates = named or [key for key in fitting if None in (kid, key.kid)]
    if not candidates:
        raise UnknownKey(f"no key fits kid {kid!a} and alg {alg}")
    first = candidates[0]
    if any((key.kid, key.public_key) != (first.kid, first.public_key) for key in candidates[1:]):
        raise UnknownKey(f"{len(candidates)} keys fit kid {kid!a} and alg {alg}")
    return first


def _read(jwk: Any) -> VerificationKey | None:
    """Return the key in `jwk`, or None if it cannot verify signatures here: RFC 7517 section 4."""
    if not isinstance(jwk, dict) or not _is_for_signatures(jwk):
        return None
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_LENGTH):
        return None
    kty: Any = jwk.get("kty")
    crv: Any = "" if kty == "RSA" else jwk.get("crv")
    fitting = [name for name, algorithm in ALGORITHMS.items() if (algorithm.kty, algorithm.crv) == (kty, crv)]
    if not fitting or (alg is not None and alg not in fitting):
        return None
    public_key = _public_key(kty, jwk)
    return VerificationKey(kid, kty, crv, alg, public_key) if public_key else None


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
    if not all(isinstance(value, str) for value in members.values()):
        return None
    try:
        key: Any = _READERS[kty]({"kty": kty, **members})
    except (InvalidKeyError, ValueError, UnsupportedAlgorithm):
        return None
    if kty == "RSA" and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return None
    return key
