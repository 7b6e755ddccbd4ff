"""How the keys of an issuer are fetched, kept and looked for again."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from crossapp.core.jwk import KeysUnavailable, UnknownKey, VerificationKey
from crossapp.core.keys import _Source
from crossapp.core.metadata import Kind, well_known_url
from crossapp.resource_app.issuer_keys import default_keys
from tests.resource_app.broken_keys import KEYS, KEYS_ANSWERS, METADATA, METADATA_ANSWERS, document
from tests.resource_app.fakes import EC_KEY, ISSUER, P384_KEY, RSA_KEY, World, ec_jwk, jwks, rsa_jwk
from tests.support.clock import Clock, clock_of

RFC_8414 = f"{ISSUER}/.well-known/oauth-authorization-server"
ONE_FETCH = [METADATA, KEYS]


def key_for(issuer: str, kid: str | None, alg: str) -> VerificationKey:
    return default_keys().key_for(issuer, kid, alg)


def kids_at(jwks_uri: str, kid: str | None) -> set[str | None]:
    return {key.kid for key in default_keys().keys_at(jwks_uri, kid)}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time pass, for us and for the cache."""
    return clock_of(monkeypatch)


@pytest.mark.clause("RFC 8414", "3", "issuer → metadata → jwks_uri → keys")
def test_a_key_is_found_through_the_issuers_metadata(world: World) -> None:
    key = key_for(ISSUER, "rsa", "RS256")
    assert key.public_key.public_numbers() == RSA_KEY.public_key().public_numbers()
    assert world.session.requested == ONE_FETCH


def test_all_usable_keys_can_be_had(world: World) -> None:
    world.session.publish([*jwks(), {"kty": "oct", "k": "x", "kid": "secret"}])
    assert kids_at(KEYS, None) == {"rsa", "ec", "p384", "p521", "ed"}


@pytest.mark.clause("RFC 8414", "3.1", "the path of an issuer goes after the well-known part")
def test_the_metadata_is_where_the_two_specifications_say() -> None:
    assert tuple(well_known_url(ISSUER, kind) for kind in Kind) == (METADATA, RFC_8414)
    assert tuple(well_known_url("https://login.example/tenant/1", kind) for kind in Kind) == (
        "https://login.example/tenant/1/.well-known/openid-configuration",
        "https://login.example/.well-known/oauth-authorization-server/tenant/1",
    )


@pytest.mark.clause("RFC 8414", "3.1", "an authorization server that is no OpenID Provider")
def test_an_issuer_with_oauth_metadata_only_will_do(world: World) -> None:
    world.session.answers[RFC_8414] = world.session.answers.pop(METADATA)
    assert key_for(ISSUER, "rsa", "RS256")
    assert world.session.requested == [METADATA, RFC_8414, KEYS]


@pytest.mark.parametrize("answer", [(403, b""), (200, b"<html>"), (302, b"")], ids=["403", "HTML", "redirect"])
def test_any_answer_without_a_document_leads_to_the_other_form(world: World, answer: tuple[int, bytes]) -> None:
    world.session.answers[RFC_8414] = world.session.answers[METADATA]
    world.session.answers[METADATA] = answer
    assert key_for(ISSUER, "rsa", "RS256")
    assert world.session.requested == [METADATA, RFC_8414, KEYS]


def test_the_keys_of_an_issuer_with_a_path_are_found_in_the_appended_oauth_form(world: World) -> None:
    issuer = f"{ISSUER}/oauth2/custom"
    world.session.publish(jwks(), issuer=issuer)
    openid = f"{issuer}/.well-known/openid-configuration"
    appended = f"{issuer}/.well-known/oauth-authorization-server"
    world.session.answers[appended] = world.session.answers.pop(openid)
    assert key_for(issuer, "rsa", "RS256")
    assert world.session.requested == [openid, f"{RFC_8414}/oauth2/custom", appended, f"{issuer}/oauth2/v1/keys"]


def test_keys_are_kept_for_ten_minutes(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    later(599)
    key_for(ISSUER, "ec", "ES256")
    assert world.session.requested == ONE_FETCH
    later(2)
    key_for(ISSUER, "rsa", "RS256")
    assert world.session.requested == ONE_FETCH * 2


def test_each_issuer_has_its_own_keys(world: World) -> None:
    world.session.publish([ec_jwk(EC_KEY, "rsa")], issuer="https://other.example")
    assert key_for(ISSUER, "rsa", "RS256").kty == "RSA"
    assert key_for("https://other.example", "rsa", "ES256").kty == "EC"
    with pytest.raises(UnknownKey):
        key_for("https://other.example", "rsa", "RS256")


# --- A key id that is not known -----------------------------------------------------------------------------------


@pytest.mark.clause("OIDC Core", "10.1.1", "rotation: an unknown kid means looking again")
def test_a_new_key_is_found_by_looking_again(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    later(31)
    world.session.publish([rsa_jwk(RSA_KEY, "new")])
    assert key_for(ISSUER, "new", "RS256").kid == "new"
    assert world.session.requested == ONE_FETCH * 2
    later(31)
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "rsa", "RS256")


@pytest.mark.clause("limits", "", "LIM-08")
def test_an_unknown_key_is_looked_for_at_most_once_in_thirty_seconds(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    later(31)
    for number in range(20):
        with pytest.raises(UnknownKey):
            key_for(ISSUER, f"unknown {number}", "RS256")
    assert world.session.requested == ONE_FETCH * 2
    later(31)
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "unknown", "RS256")
    assert world.session.requested == ONE_FETCH * 3


def test_a_known_key_for_another_algorithm_is_not_looked_for_again(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    later(31)
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "rsa", "ES256")
    assert world.session.requested == ONE_FETCH


@pytest.mark.clause("limits", "", "LIM-08")
def test_of_eight_threads_that_miss_a_key_one_fetches_and_all_get_it(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    later(31)
    world.session.publish([rsa_jwk(RSA_KEY, "new")])
    world.session.on_get = lambda url: time.sleep(0.1)
    assert in_threads(8, lambda: key_for(ISSUER, "new", "RS256").kid) == ["new"] * 8
    assert world.session.requested == ONE_FETCH * 2


@pytest.mark.clause("limits", "", "LIM-08")
def test_of_eight_threads_that_start_cold_one_fetches(world: World) -> None:
    world.session.on_get = lambda url: time.sleep(0.1)
    assert in_threads(8, lambda: key_for(ISSUER, "rsa", "RS256").kid) == ["rsa"] * 8
    assert world.session.requested == ONE_FETCH


def test_no_request_waits_for_a_refresh_of_valid_keys(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    later(601)
    arrived, leave = threading.Event(), threading.Event()

    def hold(url: str) -> None:
        arrived.set()
        assert leave.wait(5)

    world.session.on_get = hold
    refresher = threading.Thread(target=key_for, args=(ISSUER, "rsa", "RS256"))
    refresher.start()
    assert arrived.wait(5)
    assert key_for(ISSUER, "rsa", "RS256").kid == "rsa"
    leave.set()
    refresher.join()


def test_keys_that_the_cache_has_dropped_are_fetched_at_once(world: World) -> None:
    key_for(ISSUER, "rsa", "RS256")
    cache.delete(_Source(ISSUER, is_issuer=True).name("keys"))
    assert key_for(ISSUER, "rsa", "RS256").kid == "rsa"


# --- The issuer does not answer -----------------------------------------------------------------------------------


@pytest.mark.clause("P7", "JWKS outage", "the last good keys serve for an hour")
@pytest.mark.clause("limits", "", "LIM-08")
def test_the_last_good_keys_serve_for_an_hour(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    world.session.fail()
    later(3590)
    assert key_for(ISSUER, "rsa", "RS256").kid == "rsa"
    later(20)
    with pytest.raises(KeysUnavailable):
        key_for(ISSUER, "rsa", "RS256")


@pytest.mark.clause("P7", "JWKS outage", "an unknown kid during an outage is an outage")
def test_an_unknown_key_during_an_outage_is_an_outage(world: World, later: Clock) -> None:
    key_for(ISSUER, "rsa", "RS256")
    world.session.fail()
    later(31)
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            key_for(ISSUER, "new", "RS256")
    assert world.session.requested == [*ONE_FETCH, METADATA]


@pytest.mark.clause("limits", "", "LIM-08")
def test_an_issuer_that_is_down_is_not_asked_by_every_request(world: World, later: Clock) -> None:
    documents = dict(world.session.answers)
    world.session.fail()
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            key_for(ISSUER, "rsa", "RS256")
    assert world.session.requested == [METADATA]
    later(6)
    world.session.answers = documents
    assert key_for(ISSUER, "rsa", "RS256").kid == "rsa"


def test_an_unexpected_failure_does_not_make_others_wait(world: World) -> None:
    world.session.answers[METADATA] = RuntimeError("a bug in the session of the host")
    with pytest.raises(RuntimeError):
        key_for(ISSUER, "rsa", "RS256")
    started = time.monotonic()
    with pytest.raises(KeysUnavailable):
        key_for(ISSUER, "rsa", "RS256")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("answer", METADATA_ANSWERS.values(), ids=METADATA_ANSWERS.keys())
@pytest.mark.clause("RFC 8414", "3.3", "metadata that is not the issuer's own, or unusable, is refused")
def test_bad_metadata_means_no_keys_and_nothing_else_is_fetched(world: World, answer: Any) -> None:
    world.session.answers[METADATA] = answer
    with pytest.raises(KeysUnavailable):
        key_for(ISSUER, "rsa", "RS256")
    assert set(world.session.requested) <= {METADATA, RFC_8414}


def test_a_key_set_that_is_not_where_the_metadata_says_means_no_keys(world: World) -> None:
    world.session.answers[METADATA] = document(jwks_uri="https://gone.example/keys")
    with pytest.raises(KeysUnavailable):
        key_for(ISSUER, "rsa", "RS256")
    assert world.session.requested == [METADATA, "https://gone.example/keys"]


@pytest.mark.parametrize("answer", KEYS_ANSWERS.values(), ids=KEYS_ANSWERS.keys())
@pytest.mark.clause("RFC 7517", "5", "a key set is an object with an array of keys")
def test_a_bad_key_set_means_no_keys(world: World, answer: Any) -> None:
    world.session.answers[KEYS] = answer
    with pytest.raises(KeysUnavailable):
        key_for(ISSUER, "rsa", "RS256")


def test_a_plain_http_issuer_that_the_operator_trusts_may_have_plain_http_keys(world: World) -> None:
    issuer = "http://customer1.idp.localhost:8000"
    world.session.publish(jwks(), issuer=issuer)
    assert key_for(issuer, "rsa", "RS256").kid == "rsa"


def test_an_empty_key_set_is_an_answer(world: World) -> None:
    world.session.publish([])
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "rsa", "RS256")


def in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    """Run `work` in that many threads at once and return what they returned."""
    results: list[Any] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- A key set whose address is known -----------------------------------------------------------------------------


@pytest.mark.clause("OIDC Core", "10.1", "a token without a kid is signed with the only key for the algorithm")
def test_a_token_without_a_kid_has_the_only_key_for_its_algorithm(world: World) -> None:
    assert key_for(ISSUER, None, "RS512").kid == "rsa"
    world.session.publish([rsa_jwk(RSA_KEY, "1"), ec_jwk(EC_KEY, "2"), ec_jwk(P384_KEY, "3")])
    cache.clear()
    default_keys.cache_clear()
    assert [key_for(ISSUER, None, alg).kid for alg in ("PS256", "ES256", "ES384")] == ["1", "2", "3"]
    with pytest.raises(UnknownKey, match="no key fits"):
        key_for(ISSUER, None, "ES512")


@pytest.mark.clause("OIDC Core", "10.1", "a key set whose key has no kid")
def test_a_key_without_a_kid_serves_a_token_with_one_and_a_new_key_is_found_after_the_cool_down(
    world: World, later: Clock
) -> None:
    world.session.publish([rsa_jwk(RSA_KEY, None)])
    assert key_for(ISSUER, "unknown here", "RS256").public_key == RSA_KEY.public_key()
    world.session.publish([ec_jwk(EC_KEY, "new")])
    later(31)
    assert key_for(ISSUER, "new", "ES256").kid == "new"
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "unknown here", "RS256")


@pytest.mark.clause("RFC 7591", "2", "jwks_uri of a client")
def test_keys_at_an_address_need_no_metadata_and_are_looked_for_again_once(world: World) -> None:
    world.session.publish([rsa_jwk(RSA_KEY, "old")])
    assert kids_at(KEYS, "old") == {"old"}
    world.session.publish([rsa_jwk(RSA_KEY, "new")])
    assert kids_at(KEYS, "old") == {"old"}
    assert kids_at(KEYS, "new") == {"old"}  # within the cool-down
    assert world.session.requested == [KEYS]


@pytest.mark.clause("RFC 8414", "3.3", "keys are an issuer's only through its own metadata")
def test_keys_at_an_address_are_no_issuers_keys(world: World) -> None:
    world.session.answers[ISSUER] = (200, json.dumps({"keys": [ec_jwk(EC_KEY, "planted")]}).encode())
    assert kids_at(ISSUER, None) == {"planted"}
    with pytest.raises(UnknownKey):
        key_for(ISSUER, "planted", "ES256")
