"""Which keys of the IdP verify its ID-JAGs, and what a client is told while they cannot be had: over HTTP."""

from typing import Any

import pytest
from django.core.cache import cache

from tests.redemption.conftest import TokenEndpoint
from tests.resource_app.broken_id_jags import SOMEBODYS_RSA_KEY
from tests.resource_app.broken_keys import KEYS, KEYS_ANSWERS, METADATA, METADATA_ANSWERS, UNUSABLE, document
from tests.resource_app.fakes import ED_KEY, RSA_KEY, World, ed_jwk, jwks, rsa_jwk

OUTAGE = "The issuer's keys are unavailable. Try again later."


def no_usable_key(kid: str, alg: str) -> tuple[str, str, str]:
    return "invalid_grant", f"The issuer publishes no usable key '{kid}' for {alg}.", "key"


@pytest.mark.parametrize("jwk", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.clause("RFC 7517", "5", "keys that can not or must not be used are ignored")
def test_a_key_that_must_not_be_used_verifies_nothing(todo0: TokenEndpoint, idp: World, jwk: Any) -> None:
    idp.session.publish([jwk, *jwks()])
    kty = str(jwk.get("kty")) if isinstance(jwk, dict) else ""
    alg = {"EC": "ES256", "OKP": "EdDSA"}.get(kty, "RS256")
    response = todo0.redeem(todo0.mint(alg=alg, header={"kid": "bad"}))
    todo0.assert_refused(response, *no_usable_key("bad", alg))
    todo0.assert_redeemed(todo0.redeem(todo0.mint(alg=alg)))


@pytest.mark.parametrize(
    ("alg", "kid"),
    [
        ("RS256", "ec"),
        ("RS256", "ed"),
        ("RS512", "p521"),
        ("PS256", "ec"),
        ("ES256", "rsa"),
        ("ES256", "ed"),
        ("ES256", "p384"),
        ("ES384", "ec"),
        ("ES384", "p521"),
        ("ES512", "p384"),
        ("EdDSA", "rsa"),
        ("Ed25519", "ec"),
    ],
)
@pytest.mark.clause("RFC 8725", "3.1", "the algorithm fits the key's type and curve")
def test_a_key_is_used_with_the_algorithms_of_its_type_only(todo0: TokenEndpoint, alg: str, kid: str) -> None:
    todo0.assert_refused(todo0.redeem(todo0.mint(alg=alg, header={"kid": kid})), *no_usable_key(kid, alg))
    todo0.assert_redeemed(todo0.redeem(todo0.mint(alg=alg)))


@pytest.mark.clause("RFC 8725", "3.1", "the algorithm is the one the key is for")
def test_a_key_is_used_with_the_algorithm_it_is_for_only(todo0: TokenEndpoint, idp: World) -> None:
    idp.session.publish([rsa_jwk(RSA_KEY, "rsa", alg="PS256")])
    todo0.assert_refused(todo0.redeem(todo0.mint(alg="RS256")), *no_usable_key("rsa", "RS256"))
    todo0.assert_redeemed(todo0.redeem(todo0.mint(alg="PS256")))


@pytest.mark.clause("RFC 7517", "4.5", "a kid that two keys for one algorithm share names neither")
def test_a_key_id_that_two_keys_for_one_algorithm_share_names_neither(todo0: TokenEndpoint, idp: World) -> None:
    idp.session.publish([rsa_jwk(RSA_KEY, "rsa"), rsa_jwk(SOMEBODYS_RSA_KEY, "rsa"), ed_jwk(ED_KEY, "ed")])
    todo0.assert_refused(todo0.redeem(), *no_usable_key("rsa", "RS256"))
    todo0.assert_redeemed(todo0.redeem(todo0.mint(alg="EdDSA")))


@pytest.mark.parametrize(
    "keys",
    [
        [rsa_jwk(RSA_KEY, "rsa"), rsa_jwk(RSA_KEY, "rsa")],
        [rsa_jwk(SOMEBODYS_RSA_KEY, "rsa", alg="PS256"), rsa_jwk(RSA_KEY, "rsa", alg="RS256")],
        [rsa_jwk(RSA_KEY, "rsa"), ed_jwk(ED_KEY, "rsa")],
        [rsa_jwk(SOMEBODYS_RSA_KEY, "rsa", alg="RSA-OAEP"), rsa_jwk(RSA_KEY, "rsa")],
        [rsa_jwk(RSA_KEY, None)],
    ],
    ids=[
        "one key twice",
        "a key for each algorithm",
        "keys of two types",
        "a key for encryption",
        "one key without kid",
    ],
)
@pytest.mark.clause("RFC 7517", "4.5", "kid and alg choose the key together")
def test_a_key_is_chosen_by_its_id_and_the_algorithm(
    todo0: TokenEndpoint, idp: World, keys: list[dict[str, Any]]
) -> None:
    idp.session.publish(keys)
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("RFC 8725", "3.10", "a key the IdP has withdrawn verifies nothing")
def test_a_withdrawn_key_verifies_nothing_once_its_keys_are_read_again(todo0: TokenEndpoint, idp: World) -> None:
    idp.session.publish([ed_jwk(ED_KEY, "ed")])
    todo0.assert_refused(todo0.redeem(), *no_usable_key("rsa", "RS256"))
    todo0.assert_redeemed(todo0.redeem(todo0.mint(alg="EdDSA")))


@pytest.mark.parametrize(
    "document_and_answer",
    [(METADATA, answer) for answer in METADATA_ANSWERS.values()] + [(KEYS, answer) for answer in KEYS_ANSWERS.values()],
    ids=[f"metadata: {name}" for name in METADATA_ANSWERS] + [f"keys: {name}" for name in KEYS_ANSWERS],
)
@pytest.mark.clause("P7", "JWKS outage", "503 temporarily_unavailable, and the ID-JAG is not burnt")
def test_an_idp_whose_keys_can_not_be_had_is_an_outage_and_burns_nothing(
    todo0: TokenEndpoint, idp: World, document_and_answer: tuple[str, Any]
) -> None:
    url, answer = document_and_answer
    good = dict(idp.session.answers)
    idp.session.answers[url] = answer
    response = todo0.redeem()
    todo0.assert_refused(response, "temporarily_unavailable", OUTAGE, "key", status=503)
    assert response["Retry-After"] == "30"
    idp.session.answers = good
    cache.clear()  # the cool-down is over
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("RFC 8414", "2", "jwks_uri may be on another host")
def test_keys_may_be_on_another_host_if_the_metadata_says_so(todo0: TokenEndpoint, idp: World) -> None:
    elsewhere = "https://keys.example/keys"
    idp.session.answers[elsewhere] = idp.session.answers.pop(KEYS)
    idp.session.answers[METADATA] = document(jwks_uri=elsewhere)
    todo0.assert_redeemed(todo0.redeem())


@pytest.mark.clause("RFC 8725", "3.10", "nothing is fetched for what can be refused without")
def test_nothing_is_fetched_for_a_stranger_or_an_unknown_issuer(todo0: TokenEndpoint, idp: World) -> None:
    assert todo0.redeem(headers={}).status_code == 401
    assert todo0.redeem(todo0.mint(iss="https://evil.example")).status_code == 400
    assert todo0.redeem(todo0.mint(exp=1)).status_code == 400
    assert idp.session.requested == []
    todo0.redeem()
    assert idp.session.requested == [METADATA, KEYS]
