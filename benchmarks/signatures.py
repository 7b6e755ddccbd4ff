"""How fast this machine signs and verifies: the limit for an authorization server, and a measure of how fast it is now.

In operations a second of CPU time of one core, so that other processes do not count, only how much they slow the core.
"""

import time
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

MESSAGE = bytes(600)  # about as long as what is signed of a JWT here


def rates(seconds: float = 1.0) -> dict[str, float]:
    """Return the operations a second by name."""
    return {name: _rate(operation, seconds) for name, operation in _operations().items()}


def signing_rate(seconds: float = 0.1) -> float:
    """Return the RS256 signatures a second that a core makes now."""
    return _rate(_operations()["RS256 sign"], seconds)


@cache
def _operations() -> dict[str, Callable[[], object]]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    sha256, pkcs1, ecdsa = hashes.SHA256(), padding.PKCS1v15(), ec.ECDSA(hashes.SHA256())
    rsa_signature, ec_signature = rsa_key.sign(MESSAGE, pkcs1, sha256), ec_key.sign(MESSAGE, ecdsa)
    rsa_public, ec_public = rsa_key.public_key(), ec_key.public_key()
    return {
        "RS256 sign": lambda: rsa_key.sign(MESSAGE, pkcs1, sha256),
        "RS256 verify": lambda: rsa_public.verify(rsa_signature, MESSAGE, pkcs1, sha256),
        "ES256 sign": lambda: ec_key.sign(MESSAGE, ecdsa),
        "ES256 verify": lambda: ec_public.verify(ec_signature, MESSAGE, ecdsa),
    }


def _rate(operation: Callable[[], object], seconds: float) -> float:
    operation()
    count, started = 0, time.process_time()
    while (used := time.process_time() - started) < seconds:
        for _ in range(10):
            operation()
        count += 10
    return count / used
