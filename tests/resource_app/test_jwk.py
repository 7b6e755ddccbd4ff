"""Which keys of a published key set may verify a signature."""

from typing import Any

import pytest

from crossapp.core.jwk import usable_keys
from tests.resource_app.broken_keys import UNUSABLE
from tests.resource_app.fakes import EC_KEY, ED_KEY, RSA_KEY, ec_jwk, ed_jwk, jwks, number, rsa_jwk

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


@pytest.mark.clause("RFC 7517", "4.5", "control: the limits are for what is beyond them")
def test_the_longest_key_id_and_the_largest_key_are_usable() -> None:
    assert set(usable_keys([rsa_jwk(RSA_KEY, "k" * 255)])) == {"k" * 255}
    assert set(usable_keys([rsa_jwk(RSA_KEY, "k", n=number((1 << 8191) + 1))])) == {"k"}


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
