"""RFC 7518 section 3.1, RFC 8037 section 3.1 and RFC 9864 section 2.2: the supported signature algorithms.

The only table: keys, signatures, hashes, settings and published metadata follow it. Nothing symmetric, never "none".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm


@dataclass(frozen=True)
class SignatureAlgorithm:
    """One algorithm, with the only type and curve of key it is used with: RFC 8725 section 3.1.

    `crv` is "" for RSA. `hash_name` is hashlib's name of the hash, also that of `at_hash` in an ID token.
    """

    kty: str
    crv: str
    hash_name: str
    verifier: Algorithm


_ED25519 = SignatureAlgorithm("OKP", "Ed25519", "sha512", OKPAlgorithm())

ALGORITHMS: Mapping[str, SignatureAlgorithm] = MappingProxyType(
    {
        "RS256": SignatureAlgorithm("RSA", "", "sha256", RSAAlgorithm(RSAAlgorithm.SHA256)),
        "RS384": SignatureAlgorithm("RSA", "", "sha384", RSAAlgorithm(RSAAlgorithm.SHA384)),
        "RS512": SignatureAlgorithm("RSA", "", "sha512", RSAAlgorithm(RSAAlgorithm.SHA512)),
        "PS256": SignatureAlgorithm("RSA", "", "sha256", RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256)),
        "PS384": SignatureAlgorithm("RSA", "", "sha384", RSAPSSAlgorithm(RSAPSSAlgorithm.SHA384)),
        "PS512": SignatureAlgorithm("RSA", "", "sha512", RSAPSSAlgorithm(RSAPSSAlgorithm.SHA512)),
        "ES256": SignatureAlgorithm("EC", "P-256", "sha256", ECAlgorithm(ECAlgorithm.SHA256, SECP256R1)),
        "ES384": SignatureAlgorithm("EC", "P-384", "sha384", ECAlgorithm(ECAlgorithm.SHA384, SECP384R1)),
        "ES512": SignatureAlgorithm("EC", "P-521", "sha512", ECAlgorithm(ECAlgorithm.SHA512, SECP521R1)),
        "EdDSA": _ED25519,  # Ed448 is not supported, so the old name and the new one mean the same
        "Ed25519": _ED25519,
    }
)
