"""Which keys of a published key set may verify a signature."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from crossapp.resource_app.jwk import usable_keys
from tests.resource_app.fakes import EC_KEY, ED_KEY, RSA_KEY, b64, ec_jwk, ed_jwk, jwks, number, rsa_jwk

SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
P384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
RSA_PRIVATE = RSA_KEY.private_numbers()
LARGE = (1 << 8200) + 1
GOOD = rsa_jwk(RSA_KEY, "good")


@pytest.mark.clause("RFC 7517", "5", "usable keys are found by kid")
def test_the_good_keys_of_a_set_are_usable() -> None:
    keys = usable_keys(jwks())
    assert {kid: key.kty for kid, key in keys.items()} == {"rsa": "RSA", "ec": "EC", "ed": "OKP"}
    assert keys["rsa"].public_key.public_numbers() == RSA_KEY.public_key().public_numbers()


@pytest.mark.parametrize(
    "jwk",
    [
        rsa_jwk(RSA_KEY, "k", alg="PS256"),
        rsa_jwk(RSA_KEY, "k", key_ops=["verify"]),
        rsa_jwk(RSA_KEY, "k", x5c=["certificate"], x5t="thumbprint", unknown={"a": 1}),
        {name: value for name, value in rsa_jwk(RSA_KEY, "k").items() if name != "use"},
        ec_jwk(EC_KEY, "k", alg="ES256"),
        ed_jwk(ED_KEY, "k", alg="EdDSA", use="sig"),
    ],
    ids=["alg", "key_ops", "certificate", "no use", "EC", "OKP"],
)
@pytest.mark.clause("RFC 7517", "4", "what honest issuers publish")
def test_what_honest_issuers_publish_is_usable(jwk: dict[str, Any]) -> None:
    assert set(usable_keys([jwk])) == {"k"}


UNUSABLE: dict[str, Any] = {
    "encryption": rsa_jwk(RSA_KEY, "bad", use="enc"),
    "use of another type": rsa_jwk(RSA_KEY, "bad", use=["sig"]),
    "key_ops without verify": rsa_jwk(RSA_KEY, "bad", key_ops=["encrypt"]),
    "key_ops that are no list": rsa_jwk(RSA_KEY, "bad", key_ops="verify"),
    "private RSA": rsa_jwk(RSA_KEY, "bad", d=number(RSA_PRIVATE.d)),
    "half a private RSA": rsa_jwk(RSA_KEY, "bad", p=number(RSA_PRIVATE.p)),
    "private EC": ec_jwk(EC_KEY, "bad", d=number(EC_KEY.private_numbers().private_value)),
    "private OKP": ed_jwk(ED_KEY, "bad", d=b64(ED_KEY.private_bytes_raw())),
    "symmetric": {"kty": "oct", "kid": "bad", "k": b64(b"secret" * 8), "alg": "HS256"},
    "symmetric without a value": {"kty": "oct", "kid": "bad"},
    "unknown type": {"kty": "AKP", "kid": "bad", "pub": "AAAA"},
    "no type": {name: value for name, value in rsa_jwk(RSA_KEY, "bad").items() if name != "kty"},
    "type of another type": rsa_jwk(RSA_KEY, "bad", kty=["RSA"]),
    "type in lower case": rsa_jwk(RSA_KEY, "bad", kty="rsa"),
    "no kid": {name: value for name, value in rsa_jwk(RSA_KEY, "bad").items() if name != "kid"},
    "empty kid": rsa_jwk(RSA_KEY, ""),
    "kid too long": rsa_jwk(RSA_KEY, "k" * 256),
    "kid a number": rsa_jwk(RSA_KEY, "bad") | {"kid": 7},
    "RSA of 1024 bits": rsa_jwk(SMALL, "bad"),
    "RSA of 8201 bits": rsa_jwk(RSA_KEY, "bad", n=number(LARGE)),
    "RSA with exponent 1": rsa_jwk(RSA_KEY, "bad", e=number(1)),
    "RSA with an even exponent": rsa_jwk(RSA_KEY, "bad", e=number(4)),
    "RSA without n": rsa_jwk(RSA_KEY, "bad", n=None),
    "RSA with n a number": rsa_jwk(RSA_KEY, "bad", n=65537),
    "RSA with n no base64": rsa_jwk(RSA_KEY, "bad", n="é!"),
    "RSA with n empty": rsa_jwk(RSA_KEY, "bad", n=""),
    "RSA for OAEP": rsa_jwk(RSA_KEY, "bad", alg="RSA-OAEP"),
    "RSA for RS512": rsa_jwk(RSA_KEY, "bad", alg="RS512"),
    "RSA for ES256": rsa_jwk(RSA_KEY, "bad", alg="ES256"),
    "RSA for HS256": rsa_jwk(RSA_KEY, "bad", alg="HS256"),
    "RSA with alg of another type": rsa_jwk(RSA_KEY, "bad", alg=["RS256"]),
    "EC on P-384": {"kty": "EC", "crv": "P-384", "kid": "bad", "x": number(P384.x), "y": number(P384.y)},
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


@pytest.mark.parametrize("jwk", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.clause("RFC 7517", "5", "keys that can not or must not be used are ignored")
def test_a_bad_key_is_left_out_and_the_good_ones_stay(jwk: Any) -> None:
    assert set(usable_keys([jwk, GOOD])) == {"good"}


@pytest.mark.clause("RFC 7517", "4.5", "a kid that two keys share names neither")
def test_a_kid_that_occurs_twice_names_no_key() -> None:
    assert set(usable_keys([rsa_jwk(RSA_KEY, "same"), ec_jwk(EC_KEY, "same"), GOOD])) == {"good"}


@pytest.mark.clause("RFC 7517", "4.5", "a kid that a signing key shares with an encryption key names the former")
def test_an_encryption_key_of_the_same_kid_does_no_harm() -> None:
    assert set(usable_keys([rsa_jwk(RSA_KEY, "same", use="enc"), rsa_jwk(RSA_KEY, "same")])) == {"same"}


@pytest.mark.parametrize(
    ("jwk", "fits"),
    [
        (rsa_jwk(RSA_KEY, "k"), {"RS256", "PS256"}),
        (rsa_jwk(RSA_KEY, "k", alg="RS256"), {"RS256"}),
        (ec_jwk(EC_KEY, "k"), {"ES256"}),
        (ed_jwk(ED_KEY, "k"), {"EdDSA"}),
    ],
    ids=["RSA", "RS256", "EC", "OKP"],
)
@pytest.mark.clause("RFC 8725", "3.1", "a key is used with algorithms of its own type only")
def test_a_key_fits_the_algorithms_of_its_type(jwk: dict[str, Any], fits: set[str]) -> None:
    key = usable_keys([jwk])["k"]
    algorithms = ["RS256", "PS256", "ES256", "EdDSA", "RS512", "HS256", "none", ""]
    assert {alg for alg in algorithms if key.fits(alg)} == fits
