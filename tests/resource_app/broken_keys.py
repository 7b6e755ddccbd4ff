"""What an issuer may publish that is no good: keys, key sets, metadata.

Shared by the tests of the keys alone and those of the token endpoints (`tests/redemption`).
"""

import json
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from tests.resource_app.fakes import (
    EC_KEY,
    ED_KEY,
    ISSUER,
    P384_KEY,
    RSA_KEY,
    b64,
    ec_jwk,
    ed_jwk,
    jwks,
    number,
    rsa_jwk,
)

METADATA = f"{ISSUER}/.well-known/openid-configuration"
KEYS = f"{ISSUER}/oauth2/v1/keys"
_SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
_SECP256K1 = ec.generate_private_key(ec.SECP256K1())
_RSA_PRIVATE = RSA_KEY.private_numbers()
_LARGE = (1 << 8192) + 1

# One key of a key set that must not be used; most are called "bad".
UNUSABLE: dict[str, Any] = {
    "encryption": rsa_jwk(RSA_KEY, "bad", use="enc"),
    "use of another type": rsa_jwk(RSA_KEY, "bad", use=["sig"]),
    "key_ops without verify": rsa_jwk(RSA_KEY, "bad", key_ops=["encrypt"]),
    "key_ops that are no list": rsa_jwk(RSA_KEY, "bad", key_ops="verify"),
    "private RSA": rsa_jwk(RSA_KEY, "bad", d=number(_RSA_PRIVATE.d)),
    "half a private RSA": rsa_jwk(RSA_KEY, "bad", p=number(_RSA_PRIVATE.p)),
    "private EC": ec_jwk(EC_KEY, "bad", d=number(EC_KEY.private_numbers().private_value)),
    "private OKP": ed_jwk(ED_KEY, "bad", d=b64(ED_KEY.private_bytes_raw())),
    "symmetric": {"kty": "oct", "kid": "bad", "k": b64(b"secret" * 8), "alg": "HS256"},
    "symmetric without a value": {"kty": "oct", "kid": "bad"},
    "unknown type": {"kty": "AKP", "kid": "bad", "pub": "AAAA"},
    "no type": {name: value for name, value in rsa_jwk(RSA_KEY, "bad").items() if name != "kty"},
    "type of another type": rsa_jwk(RSA_KEY, "bad", kty=["RSA"]),
    "type in lower case": rsa_jwk(RSA_KEY, "bad", kty="rsa"),
    "empty kid": rsa_jwk(RSA_KEY, ""),
    "kid too long": rsa_jwk(RSA_KEY, "k" * 256),
    "kid a number": rsa_jwk(RSA_KEY, "bad") | {"kid": 7},
    "RSA of 1024 bits": rsa_jwk(_SMALL, "bad"),
    "RSA of 8193 bits": rsa_jwk(RSA_KEY, "bad", n=number(_LARGE)),
    "RSA with exponent 1": rsa_jwk(RSA_KEY, "bad", e=number(1)),
    "RSA with an even exponent": rsa_jwk(RSA_KEY, "bad", e=number(4)),
    "RSA without n": rsa_jwk(RSA_KEY, "bad", n=None),
    "RSA with n a number": rsa_jwk(RSA_KEY, "bad", n=65537),
    "RSA with n no base64": rsa_jwk(RSA_KEY, "bad", n="é!"),
    "RSA with n empty": rsa_jwk(RSA_KEY, "bad", n=""),
    "RSA for OAEP": rsa_jwk(RSA_KEY, "bad", alg="RSA-OAEP"),
    "RSA for RS1": rsa_jwk(RSA_KEY, "bad", alg="RS1"),
    "RSA for ES256": rsa_jwk(RSA_KEY, "bad", alg="ES256"),
    "RSA for HS256": rsa_jwk(RSA_KEY, "bad", alg="HS256"),
    "RSA with alg of another type": rsa_jwk(RSA_KEY, "bad", alg=["RS256"]),
    "EC on secp256k1": ec_jwk(_SECP256K1, "bad", crv="secp256k1"),
    "EC on P-384 for ES256": ec_jwk(P384_KEY, "bad", alg="ES256"),
    "EC on P-256 that says P-384": ec_jwk(EC_KEY, "bad", crv="P-384"),
    "EC on P-384 that says P-256": ec_jwk(P384_KEY, "bad", crv="P-256"),
    "EC without a curve": ec_jwk(EC_KEY, "bad", crv=None),
    "EC off the curve": ec_jwk(EC_KEY, "bad", y=b64(b"\1" * 32)),
    "EC with short coordinates": ec_jwk(EC_KEY, "bad", x=b64(b"\1")),
    "EC for RS256": ec_jwk(EC_KEY, "bad", alg="RS256"),
    "OKP on Ed448": {
        "kty": "OKP",
        "crv": "Ed448",
        "kid": "bad",
        "x": b64(ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw()),
    },
    "OKP for key agreement": ed_jwk(ED_KEY, "bad", crv="X25519"),
    "OKP with a short key": ed_jwk(ED_KEY, "bad", x=b64(b"\1" * 31)),
    "OKP with no base64": ed_jwk(ED_KEY, "bad", x="="),
    "null": None,
    "a string": "key",
    "a list": [1],
}


def document(**changes: Any) -> tuple[int, bytes]:
    """Return the answer that is the issuer's metadata but for `changes`."""
    return 200, json.dumps({"issuer": ISSUER, "jwks_uri": KEYS} | changes).encode()


# What may be at METADATA.
METADATA_ANSWERS: dict[str, Any] = {
    "connection refused": requests.ConnectionError("refused"),
    "timeout": requests.Timeout("too slow"),
    "invalid URL": requests.exceptions.InvalidURL("no"),
    "not found": (404, b""),
    "redirect": (302, b""),
    "server error": (500, document()[1]),
    "no JSON": (200, b"<html>"),
    "an array": (200, b"[]"),
    "duplicate members": (200, document()[1][:-1] + b', "jwks_uri": "https://evil.example"}'),
    "no issuer": document(issuer=None),
    "issuer with a slash": document(issuer=f"{ISSUER}/"),
    "issuer in capitals": document(issuer=ISSUER.upper()),
    "another issuer": document(issuer="https://evil.example"),
    "issuer in an array": document(issuer=[ISSUER]),
    "no jwks_uri": document(jwks_uri=None),
    "jwks_uri in an array": document(jwks_uri=[KEYS]),
    "jwks_uri in plain http": document(jwks_uri=KEYS.replace("https", "http")),
    "jwks_uri a file": document(jwks_uri="file:///etc/passwd"),
    "jwks_uri data": document(jwks_uri="data:application/json,{}"),
    "jwks_uri relative": document(jwks_uri="/oauth2/v1/keys"),
    "jwks_uri with a password": document(jwks_uri="https://user:pw@idp.example/keys"),
    "jwks_uri malformed": document(jwks_uri="https://[::1/keys"),
    "jwks_uri without a host": document(jwks_uri="https:///keys"),
}

# What may be at KEYS.
KEYS_ANSWERS: dict[str, Any] = {
    "connection refused": requests.ConnectionError("refused"),
    "not found": (404, json.dumps({"keys": jwks()}).encode()),
    "redirect": (301, b""),
    "no JSON": (200, b"keys"),
    "not UTF-8": (200, b'{"keys": ["\xff"]}'),
    "no keys": (200, b"{}"),
    "keys an object": (200, b'{"keys": {}}'),
    "keys null": (200, b'{"keys": null}'),
    "one key without a set": (200, json.dumps(jwks()[0]).encode()),
}
