"""From one valid ID-JAG, one thing broken at a time: which check says so, and in which words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from crossapp import DRAFT
from crossapp.core import id_jag_checks as module
from crossapp.core.id_jag import CHECKS, Expected, IdJag, parse_id_jag, verify_id_jag
from crossapp.core.jwk import KeysUnavailable, UnknownKey, VerificationKey, usable_keys
from crossapp.core.refusals import Refused
from crossapp.resource_app.host import IssuerRefused, TrustedIssuer
from crossapp.resource_app.oauthlib_errors import as_oauth_error
from tests.resource_app.broken_id_jags import (
    FAMILIES,
    GOOD,
    HEADER,
    NOW,
    UNTRUSTED,
    WRONG_AT,
    Case,
    claims_with,
    parameters,
    timed,
    wrong_from,
)
from tests.resource_app.fakes import ABSENT, AUDIENCE, CLIENT_ID, ISSUER, KIDS, RESOURCE, compact, jwks

TRUSTED = {ISSUER: TrustedIssuer(ISSUER, connection="ours")}
WITHOUT_A_KEY = ["jws", *(check.name for check in CHECKS[: [check.name for check in CHECKS].index("key")])]
asked_for_keys: list[tuple[str, str, str]] = []


@pytest.fixture(autouse=True)
def _no_keys_asked_for_yet() -> None:
    asked_for_keys.clear()


def key_for(issuer: str, kid: str, alg: str) -> VerificationKey:
    asked_for_keys.append((issuer, kid, alg))
    for key in usable_keys(jwks()):
        if key.kid == kid:
            return key
    raise UnknownKey


def expected(**changes: Any) -> Expected:
    fields: dict[str, Any] = {
        "audience": AUDIENCE,
        "client_id": CLIENT_ID,
        "now": NOW,
        "trusted_issuer": TRUSTED.get,
        "key_for": key_for,
    }
    return Expected(**fields | changes)


def verify(assertion: str, **changes: Any) -> IdJag:
    return verify_id_jag(parse_id_jag(assertion), expected(**changes))[1]


def assert_refused(
    assertion: str, check: str, description: str, *, error: str = "invalid_grant", **changes: Any
) -> None:
    with pytest.raises(Refused) as refused:
        verify(assertion, **changes)
    answer = as_oauth_error(refused.value)
    assert (refused.value.check, answer.error, answer.status_code) == (check, error, 400)
    assert json.loads(answer.json) == {"error": error, "error_description": description}


# --- The controls ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 7523", "3", "a JWT that meets every rule is accepted")
def test_a_valid_id_jag_is_accepted_and_read_whole() -> None:
    assertion = timed(tenant="acme", name="Bobby Tables", email_verified=True, act={"sub": "agent"}, sub_profile="user")
    found = verify(assertion)
    assert (found.issuer, found.subject, found.audience, found.client_id) == (ISSUER, "bob", AUDIENCE, CLIENT_ID)
    assert (found.issued_at.timestamp(), found.expires_at.timestamp()) == (NOW, NOW + 300)
    assert (found.scope, found.resource) == (("read", "write"), (RESOURCE,))
    assert (found.email, found.email_verified, found.name, found.tenant) == (
        "bob@tables.fake",
        True,
        "Bobby Tables",
        "acme",
    )
    assert found.jti
    assert found.claims["act"] == {"sub": "agent"}


def test_the_verified_claims_can_not_be_changed() -> None:
    found = verify(timed())
    with pytest.raises(TypeError):
        found.claims["sub"] = "eve"  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.subject = "eve"  # type: ignore[misc]
    assert "tables.fake" in found.email
    assert "claims" not in repr(found)


@pytest.mark.clause("ID-JAG", "3.1", "email, scope, resource and tenant are optional")
def test_an_id_jag_with_the_required_claims_only_is_accepted() -> None:
    found = verify(timed(scope=ABSENT, resource=ABSENT, email=ABSENT))
    assert (found.scope, found.resource, found.email, found.email_verified) == (None, (), "", False)
    assert (found.name, found.tenant) == ("", "")


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
@pytest.mark.clause("ID-JAG", "3.1", "what honest peers send, at its limits")
def test_what_honest_peers_send_is_accepted(changes: dict[str, Any]) -> None:
    found = verify(timed(**changes))
    assert (found.issuer, found.audience) == (ISSUER, AUDIENCE)
    alg = changes.get("alg", "RS256")
    assert asked_for_keys == [(ISSUER, KIDS[alg], alg)]  # whatever key the header brings


@pytest.mark.parametrize("resource", [[RESOURCE, "https://todo.example/reports"], ["x"]], ids=str)
@pytest.mark.clause("ID-JAG", "3.1", "resource may be an array; whose it is, is for the grant to say")
def test_resources_are_taken_as_they_are(resource: list[str]) -> None:
    assert verify(timed(resource=resource)).resource == tuple(resource)


@pytest.mark.clause("ID-JAG branch resource-iss-validation", "4.4.1", "the claim resource may be required")
def test_the_resource_is_required_of_an_issuer_whose_connection_says_so() -> None:
    strict = {ISSUER: TrustedIssuer(ISSUER, connection=None, requires_resource=True)}.get
    assert verify(timed(), trusted_issuer=strict).resource == (RESOURCE,)
    assert_refused(timed(resource=ABSENT), "resource", "resource in the ID-JAG is missing.", trusted_issuer=strict)


@pytest.mark.clause("ID-JAG", "3.1", "an empty scope is none")
def test_an_empty_scope_is_accepted_and_is_none() -> None:
    assert verify(timed(scope="")).scope == ()


def test_the_audience_may_be_compared_with_a_trailing_slash_when_that_is_our_issuer() -> None:
    assert verify(timed(aud=f"{AUDIENCE}/"), audience=f"{AUDIENCE}/").audience == f"{AUDIENCE}/"


# --- One thing wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", parameters(FAMILIES))
def test_an_id_jag_with_one_thing_wrong_is_refused(case: Case) -> None:
    assert_refused(case.make(timed), case.check, case.description)
    assert bool(asked_for_keys) == (case.check not in WITHOUT_A_KEY)


@pytest.mark.clause("RFC 8725", "3.11", "the size limit is for what is too long only")
def test_an_id_jag_of_exactly_the_size_limit_is_accepted() -> None:
    candidates = (timed(filler="x" * length, header={"x": "y" * n}) for length in range(11650, 11800) for n in (0, 1))
    assertion = next(candidate for candidate in candidates if len(candidate) == 16384)
    assert verify(assertion).subject == "bob"


@pytest.mark.parametrize("nested", [b"[" * 15 + b"1" + b"]" * 15, b'{"a":' * 15 + b"1" + b"}" * 15])
@pytest.mark.clause("RFC 8725", "3.11", "the limit of nesting is for what is too deep only")
def test_sixteen_levels_are_not_too_deep(nested: bytes) -> None:
    assert verify(compact(HEADER, claims_with(b'"x": ' + nested), alg="RS256")).subject == "bob"


@pytest.mark.clause("RFC 7515", "4.1.4", "kid is any string")
def test_a_long_kid_is_accepted() -> None:
    key = key_for(ISSUER, "rsa", "RS256")
    assert verify(timed(header={"kid": "k" * 255}), key_for=lambda *_: key).subject == "bob"


@pytest.mark.clause("RFC 8725", "3.1", "a shorter list of algorithms is kept to")
def test_an_algorithm_that_the_operator_took_off_the_list_is_refused() -> None:
    description = "alg in the header of the ID-JAG must be one of ES256."
    assert_refused(timed(), "alg", description, algorithms=("ES256",))


@pytest.mark.clause("RFC 7523", "3", "(1) the issuer is one we trust, byte for byte")
def test_an_issuer_that_a_database_takes_for_another_is_refused() -> None:
    loose = {f"{ISSUER}/": TRUSTED[ISSUER]}.get
    assert_refused(timed(iss=f"{ISSUER}/"), "iss", UNTRUSTED, trusted_issuer=loose)


@pytest.mark.clause("ID-JAG", "9.3", "an authorization server does not redeem what it issued itself")
def test_our_own_id_jag_is_refused_even_if_the_host_trusts_us() -> None:
    ourselves = {AUDIENCE: TrustedIssuer(AUDIENCE, connection=None)}.get
    assert_refused(timed(iss=AUDIENCE), "iss", UNTRUSTED, trusted_issuer=ourselves)


@pytest.mark.clause("RFC 7523", "3", "(1) the log reads why an issuer is not trusted, the peer does not")
def test_a_host_says_why_an_issuer_is_not_trusted() -> None:
    def refuse(issuer: str) -> TrustedIssuer:
        raise IssuerRefused(f"{issuer} was disconnected")

    assert_refused(timed(), "iss", UNTRUSTED, trusted_issuer=refuse)
    with pytest.raises(Refused) as refused:
        verify(timed(), trusted_issuer=refuse)
    assert refused.value.detail == f"{ISSUER} was disconnected"


def test_the_lifetime_and_the_skew_are_the_operators() -> None:
    assert verify(timed(exp=NOW + 600), max_lifetime=600).subject == "bob"
    assert verify(timed(iat=NOW - 300, exp=NOW - 59), clock_skew=60).subject == "bob"
    assert_refused(timed(iat=NOW + 1), "iat", "iat in the ID-JAG is in the future.", clock_skew=0)


@pytest.mark.parametrize(
    "changes", [{"iat": NOW - 300, "exp": NOW - 99}, {"iat": NOW + 100}, {"nbf": NOW + 100}], ids=str
)
@pytest.mark.clause("RFC 7523", "3", "LIM-13 (4) to (6): the difference of clocks is a setting of the connection")
def test_the_skew_of_one_issuer_replaces_that_of_the_settings(changes: dict[str, Any]) -> None:
    def trusted(skew: int | None) -> Callable[[str], TrustedIssuer]:
        return lambda issuer: TrustedIssuer(issuer, connection="ours", clock_skew=skew)

    late = timed(**{"exp": NOW + 300, **changes})
    assert verify(late, trusted_issuer=trusted(100)).subject == "bob"
    for skew in (None, 99, 0):
        with pytest.raises(Refused):
            verify(late, trusted_issuer=trusted(skew))


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"iat": NOW - 300, "exp": NOW - 95}, "exp has passed by 95 s; 30 s are accepted: compare the clocks"),
        ({"iat": NOW + 95, "exp": NOW + 300}, "iat is in the future by 95 s; 30 s are accepted: compare the clocks"),
        ({"nbf": NOW + 30.5}, "nbf is in the future by 31 s; 30 s are accepted: compare the clocks"),
        ({"iat": -1e300, "exp": -1e300}, "exp has passed by 10000000000 s; 30 s are accepted: compare the clocks"),
        ({"iat": 10**19}, "iat is in the future by 10000000000 s; 30 s are accepted: compare the clocks"),
    ],
    ids=str,
)
@pytest.mark.clause("RFC 7523", "3", "LIM-13 (4) to (6): the log says by how much a time is off, the peer reads it not")
def test_the_refusal_of_a_time_says_by_how_much_it_is_off(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(Refused) as refused:
        verify(timed(**changes))
    assert refused.value.detail == detail
    assert "clock" not in refused.value.description


_WRONG_SIGNATURE = "The signature of the ID-JAG is wrong."


@pytest.mark.parametrize(
    ("alg", "kid"),
    [("RS256", "ec"), ("ES256", "rsa"), ("PS256", "ed"), ("EdDSA", "ec"), ("ES256", "p384"), ("ES384", "p521")],
)
@pytest.mark.clause("RFC 8725", "3.1", "the algorithm fits the key's type and curve")
def test_a_key_of_another_type_is_refused_even_if_it_is_found(alg: str, kid: str) -> None:
    assert_refused(timed(alg=alg, header={"kid": kid}), "signature", _WRONG_SIGNATURE)


@pytest.mark.clause("RFC 8725", "3.1", "the algorithm fits what the key is for")
def test_a_key_that_is_for_another_algorithm_is_refused() -> None:
    (key,) = usable_keys([jwks()[0] | {"alg": "RS256"}])
    assert verify(timed(alg="RS256"), key_for=lambda *_: key).subject == "bob"
    assert_refused(timed(alg="PS256"), "signature", _WRONG_SIGNATURE, key_for=lambda *_: key)


@pytest.mark.clause("P7", "JWKS outage", "an outage is 503 temporarily_unavailable, never invalid_grant")
def test_keys_that_can_not_be_had_are_an_outage() -> None:
    def unavailable(*_: str) -> VerificationKey:
        raise KeysUnavailable("the IdP is down")

    with pytest.raises(Refused) as refused:
        verify(timed(), key_for=unavailable)
    answer = as_oauth_error(refused.value)
    assert (refused.value.check, answer.error, answer.status_code) == ("key", "temporarily_unavailable", 503)
    assert answer.headers == {"Retry-After": "30"}
    assert refused.value.description == "The issuer's keys are unavailable. Try again later."
    assert refused.value.detail == "the IdP is down"


# --- The list --------------------------------------------------------------------------------------------------------


def test_the_checks_run_in_the_order_of_the_list() -> None:
    """With everything wrong at once the first check speaks; with it mended, the next."""
    assert [check.name for check in CHECKS] == [name for name, _ in WRONG_AT]
    for number, (name, _) in enumerate(WRONG_AT):
        with pytest.raises(Refused) as refused:
            verify(timed(**wrong_from(WRONG_AT[number:])))
        assert refused.value.check == name


def test_every_check_cites_its_clause() -> None:
    for check in CHECKS:
        assert check.run.__name__ == f"check_{check.name}"
        assert check.run.__doc__.startswith(("RFC ", f"ID-JAG {DRAFT[-3:]} section "))
        assert getattr(module, check.run.__name__) is check.run
