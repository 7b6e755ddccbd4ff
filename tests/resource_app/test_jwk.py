"""Which keys of a published key set may verify a signature."""

from typing import Any

import pytest

from crossapp.core.algorithms import ALGORITHMS
from crossapp.core.jwk import UnknownKey, VerificationKey, find_key, usable_keys
from tests.resource_app.broken_id_jags import SOMEBODYS_RSA_KEY
from tests.resource_app.broken_keys import UNUSABLE
from tests.resource_app.fakes import (
    EC_KEY,
    ED_KEY,
    P384_KEY,
    P521_KEY,
    RSA_KEY,
    ec_jwk,
    ed_jwk,
    jwks,
    number,
    rsa_jwk,
)

GOOD = rsa_jwk(RSA_KEY, "good")


def kids(*unverified_keys: Any) -> list[str | None]:
    return [key.kid for key in usable_keys(unverified_keys)]


def found(*unverified_keys: Any, kid: str | None = "same", alg: str = "RS256") -> VerificationKey:
    return find_key(usable_keys(unverified_keys), kid=kid, alg=alg)


@pytest.mark.clause("RFC 7517", "5", "usable keys are found by kid")
def test_the_good_keys_of_a_set_are_usable() -> None:
    keys = usable_keys(jwks())
    assert [(key.kid, key.kty, key.crv) for key in keys] == [
        ("rsa", "RSA", ""),
        ("ec", "EC", "P-256"),
        ("p384", "EC", "P-384"),
        ("p521", "EC", "P-521"),
        ("ed", "OKP", "Ed25519"),
    ]
    assert find_key(keys, kid="rsa", alg="RS256").public_key == RSA_KEY.public_key()


@pytest.mark.parametrize(
    "jwk",
    [
        rsa_jwk(RSA_KEY, "k", alg="PS256"),
        rsa_jwk(RSA_KEY, "k", key_ops=["verify"]),
        rsa_jwk(RSA_KEY, "k", x5c=["certificate"], x5t="thumbprint", unknown={"a": 1}),
        {name: value for name, value in rsa_jwk(RSA_KEY, "k").items() if name != "use"},
        ec_jwk(EC_KEY, "k", alg="ES256"),
        ec_jwk(P384_KEY, "k", alg="ES384"),
        ec_jwk(P521_KEY, "k", alg="ES512"),
        ed_jwk(ED_KEY, "k", alg="EdDSA", use="sig"),
        ed_jwk(ED_KEY, "k", alg="Ed25519"),
    ],
    ids=["alg", "key_ops", "certificate", "no use", "EC", "P-384", "P-521", "OKP", "Ed25519"],
)
@pytest.mark.clause("RFC 7517", "4", "what honest issuers publish")
def test_what_honest_issuers_publish_is_usable(jwk: dict[str, Any]) -> None:
    assert kids(jwk) == ["k"]


@pytest.mark.clause("RFC 7517", "4.5", "control: the limits are for what is beyond them")
def test_the_longest_key_id_and_the_largest_key_are_usable() -> None:
    assert kids(rsa_jwk(RSA_KEY, "k" * 255)) == ["k" * 255]
    assert kids(rsa_jwk(RSA_KEY, "k", n=number((1 << 8191) + 1))) == ["k"]


@pytest.mark.parametrize("jwk", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.clause("RFC 7517", "5", "keys that can not or must not be used are ignored")
def test_a_bad_key_is_left_out_and_the_good_ones_stay(jwk: Any) -> None:
    assert kids(jwk, GOOD) == ["good"]


@pytest.mark.clause("RFC 7517", "4.5", "a kid that two keys for one algorithm share names neither")
def test_a_kid_that_two_keys_for_one_algorithm_share_names_neither() -> None:
    ours, theirs = rsa_jwk(RSA_KEY, "same"), rsa_jwk(SOMEBODYS_RSA_KEY, "same", alg="RS256")
    for keys in ([ours, theirs], [theirs, ours], [ours, ours, theirs]):
        with pytest.raises(UnknownKey, match="keys fit kid 'same' and alg RS256"):
            found(*keys)
    assert found(ours, theirs, alg="PS256").public_key == RSA_KEY.public_key()
    assert found(ours, theirs, GOOD, kid="good").kid == "good"


@pytest.mark.parametrize(
    "keys",
    [
        [rsa_jwk(RSA_KEY, "same"), rsa_jwk(RSA_KEY, "same")],
        [rsa_jwk(RSA_KEY, "same", alg="RS256"), rsa_jwk(RSA_KEY, "same", alg="PS256"), rsa_jwk(RSA_KEY, "same")],
        [rsa_jwk(SOMEBODYS_RSA_KEY, "same", alg="RS512"), rsa_jwk(RSA_KEY, "same", alg="RS256")],
        [ec_jwk(EC_KEY, "same"), rsa_jwk(RSA_KEY, "same")],
        [rsa_jwk(SOMEBODYS_RSA_KEY, "same", use="enc"), rsa_jwk(RSA_KEY, "same")],
        [rsa_jwk(SOMEBODYS_RSA_KEY, "same", alg="RSA-OAEP"), rsa_jwk(RSA_KEY, "same")],
        [rsa_jwk(SOMEBODYS_RSA_KEY, None), rsa_jwk(RSA_KEY, "same")],
    ],
    ids=["one key twice", "one key for each alg", "two keys, two algs", "two types", "use enc", "OAEP", "one without"],
)
@pytest.mark.clause("RFC 7517", "4.5", "kid and alg choose the key together")
def test_a_kid_that_several_keys_share_is_chosen_by_the_algorithm(keys: list[dict[str, Any]]) -> None:
    assert found(*keys).public_key == found(*reversed(keys)).public_key == RSA_KEY.public_key()


@pytest.mark.clause("OpenID Connect Core", "10.1", "without a kid in the header, the key is the only one that fits")
def test_without_a_kid_the_only_key_for_the_algorithm_is_used() -> None:
    keys = [rsa_jwk(RSA_KEY, "1"), ec_jwk(EC_KEY, "2")]
    assert found(*keys, kid=None).kid == "1"
    assert found(*keys, kid=None, alg="ES256").kid == "2"
    assert found(*keys, rsa_jwk(RSA_KEY, "1", alg="RS256"), kid=None).kid == "1"
    for second in (rsa_jwk(SOMEBODYS_RSA_KEY, "3"), rsa_jwk(RSA_KEY, "3"), rsa_jwk(SOMEBODYS_RSA_KEY, None)):
        with pytest.raises(UnknownKey, match="2 keys fit kid None and alg RS256"):
            found(*keys, second, kid=None)


@pytest.mark.clause("OpenID Connect Core", "10.1", "without a kid in the key, it is the only one that fits")
def test_a_key_without_a_kid_is_used_if_it_is_the_only_one_for_the_algorithm() -> None:
    unnamed = [rsa_jwk(RSA_KEY, None), ec_jwk(EC_KEY, "2")]
    for kid in (None, "any"):
        assert found(*unnamed, kid=kid).public_key == RSA_KEY.public_key()
        with pytest.raises(UnknownKey):
            found(*unnamed, rsa_jwk(SOMEBODYS_RSA_KEY, None), kid=kid)
    with pytest.raises(UnknownKey, match="no key fits kid 'any' and alg ES256"):
        found(*unnamed, kid="any", alg="ES256")
    assert found(rsa_jwk(RSA_KEY, "k") | {"kid": None}, kid=None).kid is None


@pytest.mark.parametrize(
    ("jwk", "fits"),
    [
        (rsa_jwk(RSA_KEY, "k"), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (rsa_jwk(RSA_KEY, "k", alg="RS256"), {"RS256"}),
        (rsa_jwk(RSA_KEY, "k", alg="PS512", crv="P-256"), {"PS512"}),
        (ec_jwk(EC_KEY, "k"), {"ES256"}),
        (ec_jwk(P384_KEY, "k"), {"ES384"}),
        (ec_jwk(P521_KEY, "k"), {"ES512"}),
        (ed_jwk(ED_KEY, "k"), {"EdDSA", "Ed25519"}),
        (ed_jwk(ED_KEY, "k", alg="EdDSA"), {"EdDSA", "Ed25519"}),
        (ed_jwk(ED_KEY, "k", alg="Ed25519"), {"EdDSA", "Ed25519"}),
    ],
    ids=["RSA", "RS256", "PS512", "P-256", "P-384", "P-521", "OKP", "EdDSA", "Ed25519"],
)
@pytest.mark.clause("RFC 8725", "3.1", "a key is used with algorithms of its own type and curve only")
def test_a_key_fits_the_algorithms_of_its_type_and_curve(jwk: dict[str, Any], fits: set[str]) -> None:
    (key,) = usable_keys([jwk])
    assert {alg for alg in [*ALGORITHMS, "RS1", "ES256K", "Ed448", "HS256", "none", ""] if key.fits(alg)} == fits
