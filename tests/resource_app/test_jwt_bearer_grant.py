"""An ID-JAG at the token endpoint: what is granted, what is refused, and in which order."""

import json
import logging
import math
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from oauthlib.oauth2.rfc6749.errors import InvalidClientError

from crossapp.core.id_jag import CHECKS
from crossapp.core.refusals import AccessDenied
from crossapp.resource_app import jwt_bearer_grant, replay
from crossapp.resource_app.host import SubjectDenied, TrustedIssuer
from crossapp.resource_app.models import ConsumedJti
from crossapp.resource_app.replay import fingerprint
from tests.resource_app.fakes import (
    ABSENT,
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    OTHER_RESOURCE,
    RESOURCE,
    Answer,
    FakeValidator,
    World,
    basic,
    id_jag,
    jwks,
    redeem,
)

pytestmark = pytest.mark.django_db

OTHER_ISSUER = "https://other-idp.example"


def assert_refused(answer: Answer, error: str, description: str, status: int = 400) -> None:
    assert (answer.status, answer.body) == (status, {"error": error, "error_description": description})
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


def assert_nothing_happened(world: World) -> None:
    assert not world.saved
    assert not ConsumedJti.objects.exists()


# --- What is granted -------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 7523", "2.1", "a valid ID-JAG is redeemed for an access token")
def test_a_valid_id_jag_is_redeemed(world: World) -> None:
    answer = redeem(id_jag())
    assert answer.status == 200
    assert answer.body.pop("access_token")
    assert answer.body == {"token_type": "Bearer", "expires_in": 3600, "scope": "read write", "resource": RESOURCE}
    assert answer.headers == {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}


@pytest.mark.clause("ID-JAG", "4.4.3", "no refresh token")
def test_there_is_no_refresh_token(world: World) -> None:
    assert "refresh_token" not in redeem(id_jag()).body


def test_what_is_stored_names_user_client_scope_and_resource(world: World) -> None:
    redeem(id_jag(scope="read"))
    [(token, request)] = world.saved
    assert token["scope"] == "read"
    assert request.user is world.users["bob"]
    assert (request.client.client_id, request.scopes, request.resource) == (CLIENT_ID, ["read"], [RESOURCE])


def test_the_host_gets_its_own_connection_back_with_the_verified_id_jag(world: World) -> None:
    connection_of_the_host = object()
    world.trusted[ISSUER] = TrustedIssuer(ISSUER, connection_of_the_host)
    redeem(id_jag())
    [(trusted, found)] = world.seen_id_jags
    assert trusted.connection is connection_of_the_host
    assert (found.issuer, found.subject) == (ISSUER, "bob")


@pytest.mark.clause("RFC 6749", "2.3.1", "credentials in the body")
def test_the_client_may_authenticate_in_the_body(world: World) -> None:
    answer = redeem(id_jag(), headers={}, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    assert answer.status == 200


def test_the_client_may_say_its_own_id_in_the_body_as_well(world: World) -> None:
    assert redeem(id_jag(), client_id=CLIENT_ID).status == 200


@pytest.mark.clause("RFC 6749", "3.2", "unrecognized parameters are ignored, empty ones are as if omitted")
def test_unknown_and_empty_parameters_are_ignored(world: World) -> None:
    answer = redeem(id_jag(), scope="", resource="", x="1", authorization_details="", state="s")
    assert (answer.status, answer.body["scope"], answer.body["resource"]) == (200, "read write", RESOURCE)


@pytest.mark.parametrize("name", ["client", "user", "scopes", "extra_credentials", "claims", "headers", "expires_in"])
@pytest.mark.clause("RFC 6749", "3.2", "unrecognized parameters are ignored, whatever oauthlib calls its own things")
def test_a_parameter_named_like_something_of_oauthlibs_is_ignored(world: World, name: str) -> None:
    answer = redeem(id_jag(), more=[(name, "x")])
    assert (answer.status, answer.body["scope"], answer.body["expires_in"]) == (200, "read write", 3600)
    assert world.saved[0][1].user is world.users["bob"]


@pytest.mark.parametrize(
    ("requested", "claimed", "allowed", "granted"),
    [
        (None, "read write", ["read", "write"], "read write"),
        ("read", "read write", ["read", "write"], "read"),
        ("read write", "read", ["read", "write"], "read"),
        ("read write", "read write", ["write"], "write"),
    ],
)
@pytest.mark.clause("ID-JAG", "4.4.1", "the answer says the scope granted")
def test_the_answer_says_the_scope(
    world: World, requested: str | None, claimed: str, allowed: list[str], granted: str
) -> None:
    world.client_scopes = allowed
    parameters = {"scope": requested} if requested else {}
    answer = redeem(id_jag(scope=claimed), **parameters)
    assert (answer.status, answer.body["scope"]) == (200, granted)


@pytest.mark.parametrize(
    ("requested", "claimed", "granted"),
    [
        ([], ABSENT, RESOURCE),
        ([RESOURCE], ABSENT, RESOURCE),
        ([OTHER_RESOURCE], ABSENT, OTHER_RESOURCE),
        ([], OTHER_RESOURCE, OTHER_RESOURCE),
        ([], [RESOURCE, OTHER_RESOURCE], [RESOURCE, OTHER_RESOURCE]),
        ([OTHER_RESOURCE], [RESOURCE, OTHER_RESOURCE], OTHER_RESOURCE),
        ([OTHER_RESOURCE, RESOURCE], [RESOURCE, OTHER_RESOURCE], [OTHER_RESOURCE, RESOURCE]),
    ],
)
@pytest.mark.clause("RFC 8707", "2", "resource may be repeated; the answer says what was granted")
def test_the_answer_says_the_resource(world: World, requested: list[str], claimed: Any, granted: Any) -> None:
    answer = redeem(id_jag(resource=claimed), more=[("resource", resource) for resource in requested])
    assert (answer.status, answer.body["resource"]) == (200, granted)


@pytest.mark.clause("RFC 6749", "5.1", "the answer may have more members")
def test_what_the_product_adds_to_the_answer_is_in_it(world: World) -> None:
    body = redeem(id_jag(), credentials={"region": "eu", "resource": "not the product's to say"}).body
    assert (body["region"], body["resource"]) == ("eu", RESOURCE)


# --- The request and the client --------------------------------------------------------------------------------------


@pytest.mark.parametrize("assertion", [None, ""], ids=["absent", "empty"])
@pytest.mark.clause("RFC 7523", "2.1", "assertion is required")
def test_a_request_without_an_assertion_is_refused(world: World, assertion: str | None) -> None:
    assert_refused(redeem(assertion), "invalid_request", "The parameter 'assertion' is missing.")


@pytest.mark.parametrize(
    ("name", "value"),
    [("assertion", "x"), ("scope", "read"), ("client_id", CLIENT_ID), ("grant_type", "password"), ("unknown", "x")],
)
@pytest.mark.clause("RFC 6749", "3.2", "parameters are not repeated")
def test_a_repeated_parameter_is_refused(world: World, name: str, value: str) -> None:
    first = [] if name in ("assertion", "grant_type") else [(name, value)]
    assertion = id_jag()
    answer = redeem(assertion, more=[*first, (name, value)])
    if name == "grant_type":
        # oauthlib looks at the last one; whatever it says, ours says that there are two.
        assert answer.status == 400
    assert_refused(answer, "invalid_request", f"The parameter '{name}' is repeated.")
    assert redeem(assertion).status == 200


@pytest.mark.parametrize(
    "headers",
    [basic(secret="wrong"), basic(client_id="wiki0"), basic(client_id=CLIENT_ID.upper()), {}],
    ids=["wrong secret", "unknown client", "other case", "no credentials"],
)
@pytest.mark.clause("RFC 6749", "5.2", "invalid_client before anything in the assertion is looked at")
def test_a_client_that_does_not_authenticate_is_refused_whatever_it_sends(
    world: World, headers: dict[str, str]
) -> None:
    for assertion in (id_jag(), "nonsense"):
        answer = redeem(assertion, headers=headers)
        assert_refused(answer, "invalid_client", "Client authentication failed.", 401)
        assert "WWW-Authenticate" in answer.headers
    assert not world.session.requested
    assert_nothing_happened(world)


@pytest.mark.clause("RFC 6749", "2.3", "one client per request")
def test_a_client_id_in_the_body_that_is_not_the_authenticated_one_is_refused(world: World) -> None:
    description = "client_id is not that of the authenticated client."
    assert_refused(redeem(id_jag(), client_id="another"), "invalid_request", description)


@pytest.mark.clause("ID-JAG", "9.1", "confidential clients only")
def test_a_public_client_is_refused(world: World) -> None:
    world.client_type = "public"
    description = "Only a confidential client may use this grant."
    assert_refused(redeem(id_jag()), "unauthorized_client", description)
    assert_nothing_happened(world)


@pytest.mark.clause("RFC 6749", "5.2", "unauthorized_client")
def test_a_client_that_is_not_registered_for_the_grant_is_refused(world: World) -> None:
    world.grants = ["authorization_code"]
    for assertion in (id_jag(), "nonsense"):
        assert_refused(redeem(assertion), "unauthorized_client", "This client may not use this grant.")
    assert not world.session.requested


@pytest.mark.parametrize("details", ["[]", '[{"type": "todo"}]', "x"])
@pytest.mark.clause("RFC 9396", "5", "authorization_details are refused, never ignored")
def test_a_rich_request_is_refused_before_the_client_authenticates(world: World, details: str) -> None:
    assertion, description = id_jag(), "No type of authorization_details is supported here."
    for credentials in (basic(), dict[str, str]()):
        answer = redeem(assertion, headers=credentials, authorization_details=details)
        assert_refused(answer, "invalid_authorization_details", description)
    assert_nothing_happened(world)
    assert redeem(assertion).status == 200


@pytest.mark.parametrize("name", ["DPoP", "dpop", "HTTP_DPOP"])
@pytest.mark.parametrize("proof", ["x.y.z", ""])
@pytest.mark.clause("RFC 9449", "5", "a proof of possession is refused, never ignored")
def test_a_proof_of_possession_is_refused_before_the_client_authenticates(world: World, name: str, proof: str) -> None:
    assertion, description = id_jag(), "This server does not bind access tokens to a key: send no DPoP header."
    for credentials in (basic(), dict[str, str]()):
        assert_refused(redeem(assertion, headers=credentials | {name: proof}), "invalid_dpop_proof", description)
    assert_nothing_happened(world)
    assert redeem(assertion).status == 200


@pytest.mark.clause("RFC 6749", "5.2", "why a client does not authenticate is in the log, if the product says so")
def test_the_detail_of_the_products_validator_is_logged_and_not_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="crossapp.resource_app.redemption")
    refused = InvalidClientError()
    refused.detail = "the secret is wrong"

    def refuse(*args: object) -> None:
        raise refused

    monkeypatch.setattr(FakeValidator, "authenticate_client", refuse)
    assert_refused(redeem(id_jag()), "invalid_client", "Client authentication failed.", 401)
    [line] = [record.redemption for record in caplog.records if hasattr(record, "redemption")]
    assert (line["check"], line["detail"]) == ("client", "the secret is wrong")


# --- The ID-JAG ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("assertion", ["x", "a.b.c", "....", "e30.e30.e30", "\0", "é.é.é", "ey" * 20000])
@pytest.mark.clause("RFC 7523", "3.1", "an invalid JWT is invalid_grant")
def test_an_assertion_that_is_no_id_jag_is_invalid_grant(world: World, assertion: str) -> None:
    answer = redeem(assertion)
    assert (answer.status, answer.body["error"]) == (400, "invalid_grant")
    assert answer.body["error_description"]
    assert_nothing_happened(world)


@pytest.mark.clause("RFC 7523", "3", "(1) an unknown, a disabled and another client's issuer get the same answer")
def test_no_key_is_fetched_for_an_issuer_that_is_not_trusted(world: World) -> None:
    description = "The issuer of the ID-JAG is not trusted for this client."
    assert_refused(redeem(id_jag(iss=OTHER_ISSUER)), "invalid_grant", description)
    world.trusted.clear()
    assert_refused(redeem(id_jag()), "invalid_grant", description)
    assert not world.session.requested


@pytest.mark.clause("RFC 7523", "3", "(3) the audience is ours")
def test_a_trailing_slash_is_explained(world: World) -> None:
    description = f"aud in the ID-JAG is '{AUDIENCE}/', but this authorization server is '{AUDIENCE}'."
    assert_refused(redeem(id_jag(aud=f"{AUDIENCE}/")), "invalid_grant", description)


@pytest.mark.clause("ID-JAG", "4.4.1", "client_id names the authenticated client")
def test_the_clients_id_at_the_idp_is_explained(world: World) -> None:
    description = (
        f"client_id in the ID-JAG is 'wiki0', but '{CLIENT_ID}' authenticated."
        " It must be the client's identifier at this authorization server."
    )
    assert_refused(redeem(id_jag(client_id="wiki0")), "invalid_grant", description)


@pytest.mark.clause("RFC 7523", "3", "(9) a signature with another key")
def test_an_id_jag_signed_by_another_trusted_idp_is_refused(world: World) -> None:
    world.trusted[OTHER_ISSUER] = TrustedIssuer(OTHER_ISSUER, connection=None)
    world.session.publish([], issuer=OTHER_ISSUER)
    description = "The issuer publishes no usable key 'rsa' for RS256."
    assert_refused(redeem(id_jag(iss=OTHER_ISSUER)), "invalid_grant", description)


@pytest.mark.clause("P7", "JWKS outage", "503 temporarily_unavailable, and the ID-JAG is not burnt")
def test_an_idp_that_does_not_answer_is_503_and_burns_nothing(world: World) -> None:
    assertion, documents = id_jag(), dict(world.session.answers)
    world.session.fail()
    answer = redeem(assertion)
    assert_refused(answer, "temporarily_unavailable", "The issuer's keys are unavailable. Try again later.", 503)
    assert answer.headers["Retry-After"] == "30"
    world.session.answers = documents
    cache.clear()
    assert redeem(assertion).status == 200


# --- Subject, scope, resource, policy --------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["eve", "Bob", "bob ", "7"])
@pytest.mark.clause("RFC 7523", "3", "(2) a subject that has no access, for whatever reason")
def test_a_subject_that_the_host_refuses_is_refused_without_a_reason(world: World, subject: str) -> None:
    answer = redeem(id_jag(sub=subject))
    assert_refused(answer, "invalid_grant", "The subject of the ID-JAG has no access to this app.")
    assert_nothing_happened(world)


@pytest.mark.parametrize(
    ("claims", "parameters", "error", "description"),
    [
        ({"scope": ABSENT}, {}, "invalid_grant", "The ID-JAG has no scope, so there is nothing to grant."),
        ({"scope": ""}, {"scope": "read"}, "invalid_grant", "The ID-JAG has no scope, so there is nothing to grant."),
        (
            {"scope": "read"},
            {"scope": "write"},
            "invalid_scope",
            "None of the requested scopes is in the ID-JAG, which has 'read'.",
        ),
        ({"scope": "admin"}, {}, "invalid_grant", "scope in the ID-JAG is 'admin', which this client may not have."),
        ({}, {"scope": "a\tb"}, "invalid_scope", "scope must be a string of scopes with single spaces between them."),
    ],
)
@pytest.mark.clause("MCP EMA", "7.6.2", "a scope claim that does not fit is invalid_grant")
@pytest.mark.clause("RFC 6749", "5.2", "invalid_scope")
def test_nothing_to_grant_is_refused_with_the_code_of_what_does_not_fit(
    world: World, claims: dict[str, Any], parameters: dict[str, str], error: str, description: str
) -> None:
    assert_refused(redeem(id_jag(**claims), **parameters), error, description)
    assert_nothing_happened(world)


@pytest.mark.parametrize(
    ("claimed", "requested", "error"),
    [
        ("https://wiki.example/api", [], "invalid_grant"),
        ([RESOURCE, f"{RESOURCE}/"], [], "invalid_grant"),
        (ABSENT, ["https://wiki.example/api"], "invalid_target"),
        (RESOURCE, ["https://wiki.example/api"], "invalid_target"),
        (RESOURCE, [OTHER_RESOURCE], "invalid_target"),
        (RESOURCE, [RESOURCE, OTHER_RESOURCE], "invalid_target"),
        (RESOURCE, [OTHER_RESOURCE, RESOURCE], "invalid_target"),
        (ABSENT, ["not a URI"], "invalid_target"),
    ],
)
@pytest.mark.clause("RFC 8707", "2", "a resource that is not ours, or not the ID-JAG's")
def test_a_resource_that_does_not_fit_is_refused(world: World, claimed: Any, requested: list[str], error: str) -> None:
    answer = redeem(id_jag(resource=claimed), more=[("resource", resource) for resource in requested])
    assert (answer.status, answer.body["error"]) == (400, error)
    assert answer.body["error_description"]
    assert_nothing_happened(world)


@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "access_denied tells a policy from a broken grant")
def test_a_policy_of_the_hosts_is_access_denied(world: World) -> None:
    def deny() -> None:
        raise AccessDenied("Your organisation does not allow this at night.", check="office hours", detail="02:13")

    world.on_subject = deny
    assert_refused(redeem(id_jag()), "access_denied", "Your organisation does not allow this at night.")
    assert_nothing_happened(world)


@pytest.mark.parametrize("tells", [True, False], ids=["told", "not told"])
@pytest.mark.clause("ID-JAG branch access_denied_error", "4.4.3", "a known subject without access, by a switch")
def test_a_known_subject_without_access_is_told_if_the_connection_says_so(world: World, tells: bool) -> None:
    def deny() -> None:
        raise SubjectDenied("no licence")

    world.trusted[ISSUER] = TrustedIssuer(ISSUER, connection=None, tells_access_denied=tells)
    world.on_subject = deny
    told = ("access_denied", "The subject of the ID-JAG is known here and has no access.")
    assert_refused(
        redeem(id_jag()),
        *(told if tells else ("invalid_grant", "The subject of the ID-JAG has no access to this app.")),
    )
    assert_nothing_happened(world)
    world.on_subject = lambda: None
    assert redeem(id_jag()).status == 200


# --- Once ------------------------------------------------------------------------------------------------------------

_REPLAYED = "The ID-JAG has been redeemed before. Get a new one from the IdP."


@pytest.mark.clause("RFC 7523", "3", "(7) an ID-JAG is redeemed once")
def test_an_id_jag_is_redeemed_once(world: World) -> None:
    assertion = id_jag()
    assert redeem(assertion).status == 200
    for _ in range(2):
        assert_refused(redeem(assertion), "invalid_grant", _REPLAYED)
    assert len(world.saved) == 1


@pytest.mark.parametrize(("skew", "kept"), [(None, 30), (0, 0), (300, 300)])
@pytest.mark.clause("RFC 7523", "3", "(7) once, for as long as the connection's skew lets it be good")
def test_a_jti_is_kept_until_the_id_jag_has_expired_for_its_issuer(world: World, skew: int | None, kept: int) -> None:
    world.trusted[ISSUER] = TrustedIssuer(ISSUER, connection=None, clock_skew=skew)
    assertion = id_jag()
    assert redeem(assertion).status == 200
    [(_, found)] = world.seen_id_jags
    row = ConsumedJti.objects.get()
    assert row.expires_at == found.expires_at + timedelta(seconds=kept)


@pytest.mark.clause("RFC 7523", "3", "(7) once, also where the connection accepts more than the settings")
def test_an_id_jag_is_good_once_to_the_end_of_a_large_skew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.trusted[ISSUER] = TrustedIssuer(ISSUER, connection=None, clock_skew=300)
    assertion, now = id_jag(), time.time()
    assert redeem(assertion).status == 200
    for seconds in (0, 400, 599):
        monkeypatch.setattr(jwt_bearer_grant, "time", SimpleNamespace(time=lambda at=now + seconds: at))
        later = datetime.fromtimestamp(now + seconds, UTC)
        monkeypatch.setattr(replay.timezone, "now", lambda at=later: at)
        assert replay.sweep() == 0
        assert_refused(redeem(assertion), "invalid_grant", _REPLAYED)


@pytest.mark.clause("RFC 7523", "3", "(7) it is the jti that counts, not the text")
def test_another_id_jag_with_the_same_jti_is_refused(world: World) -> None:
    assert redeem(id_jag(jti="one")).status == 200
    assert_refused(redeem(id_jag(jti="one", scope="read", alg="ES256")), "invalid_grant", _REPLAYED)
    assert redeem(id_jag(jti="ONE")).status == 200
    assert redeem(id_jag(jti="one ")).status == 200


@pytest.mark.clause("RFC 7519", "4.1.7", "jti is unique per issuer")
def test_the_same_jti_of_another_issuer_is_another(world: World) -> None:
    world.trusted[OTHER_ISSUER] = TrustedIssuer(OTHER_ISSUER, connection=None)
    world.session.publish(jwks(), issuer=OTHER_ISSUER)
    assert redeem(id_jag(jti="one")).status == 200
    assert redeem(id_jag(jti="one", iss=OTHER_ISSUER)).status == 200


@pytest.mark.clause("RFC 7523", "3", "(7) a jti is kept as long as its JWT would be good")
def test_a_jti_is_kept_until_the_id_jag_has_expired_for_good(world: World) -> None:
    expires = int(time.time()) + 120
    redeem(id_jag(exp=expires))
    [row] = ConsumedJti.objects.all()
    assert row.expires_at == datetime.fromtimestamp(expires, UTC) + timedelta(seconds=30)


@pytest.mark.clause("P1", "single use", "resubmission is a switch of the connection, off by default")
def test_a_connection_may_allow_resubmission(world: World) -> None:
    world.trusted[ISSUER] = TrustedIssuer(ISSUER, connection=None, single_use=False)
    assertion = id_jag()
    assert [redeem(assertion).status, redeem(assertion).status] == [200, 200]
    assert not ConsumedJti.objects.exists()


@pytest.mark.parametrize(
    ("parameters", "headers"),
    [
        ({"scope": "admin"}, basic()),
        ({"resource": "https://wiki.example/api"}, basic()),
        ({"client_id": "another"}, basic()),
        ({}, basic(secret="wrong")),
    ],
)
@pytest.mark.clause("RFC 7523", "3", "(7) a refused request burns nothing")
def test_a_refused_request_burns_nothing(world: World, parameters: dict[str, str], headers: dict[str, str]) -> None:
    assertion = id_jag()
    assert redeem(assertion, headers=headers, **parameters).status in (400, 401)
    assert redeem(assertion).status == 200


def test_a_token_that_can_not_be_stored_burns_nothing(world: World) -> None:
    def fail() -> None:
        raise RuntimeError("no space left")

    assertion = id_jag()
    world.on_save = fail
    with pytest.raises(RuntimeError):
        redeem(assertion)
    assert_nothing_happened(world)
    world.on_save = lambda: None
    assert redeem(assertion).status == 200


def test_a_database_that_is_busy_is_503_and_burns_nothing(world: World, lines: list[dict[str, Any]]) -> None:
    def lock() -> None:
        raise OperationalError("database is locked")

    assertion = id_jag()
    world.on_save = lock
    answer = redeem(assertion)
    assert_refused(answer, "temporarily_unavailable", "The server is busy. Try again later.", 503)
    assert (lines[0]["check"], lines[0]["detail"]) == ("store", "database is locked")
    world.on_save = lambda: None
    assert redeem(assertion).status == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("RFC 7523", "3", "(7) of many at once, one is first")
def test_of_eight_redemptions_at_once_one_succeeds(world: World) -> None:
    assertion, barrier, answers = id_jag(), threading.Barrier(8), []
    redeem(id_jag())
    world.on_save = lambda: time.sleep(0.05)

    def run() -> None:
        barrier.wait()
        try:
            answers.append(redeem(assertion))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    for answer in answers:
        if answer.status == 400:
            assert_refused(answer, "invalid_grant", _REPLAYED)
    assert len(world.saved) == 2


@pytest.mark.django_db(transaction=True)
def test_the_rows_of_expired_id_jags_go_now_and_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_asked_at", -math.inf)
    past = datetime.now(UTC) - timedelta(minutes=1)
    ConsumedJti.objects.create(issuer_hash="i", jti_hash="old", expires_at=past)
    assert redeem(id_jag(jti="new")).status == 200
    assert ConsumedJti.objects.count() == 1
    ConsumedJti.objects.create(issuer_hash="i", jti_hash="old", expires_at=past)
    assert redeem(id_jag(jti="newer")).status == 200
    assert ConsumedJti.objects.count() == 3


# --- The order -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("RFC 7523", "3.1", "the order of checks, from the request to the replay")
def test_the_steps_run_in_order(world: World) -> None:
    """A request that is wrong at every step, mended one step at a time."""
    used, headers, repeat = id_jag(jti="used"), basic(secret="wrong"), [("x", "1"), ("x", "2")]
    redeem(used)
    errors = []

    def send(assertion: str, **parameters: str) -> None:
        errors.append(redeem(assertion, headers=headers, more=repeat, **parameters).body["error_description"])

    send("x")
    repeat = []
    send("x")
    headers, world.grants = basic(), []
    send("x")
    world.grants = ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    wrong: dict[str, Any] = {"jti": "used", "sub": "eve", "scope": "admin", "resource": "x", "cnf": {"jkt": "x"}}
    wrong["authorization_details"] = [{"type": "x"}]
    send("x", resource="y")
    send(id_jag(**wrong, aud="x"), resource="y")
    send(id_jag(**wrong, header={"kid": "unknown"}), resource="y")
    send(id_jag(**wrong), resource="y")
    world.users["eve"] = SimpleNamespace(pk=8)
    send(id_jag(**wrong), resource="y")
    send(id_jag(**wrong | {"scope": "read"}), resource="y")
    send(id_jag(**wrong | {"scope": "read", "resource": RESOURCE}), resource="y")
    send(id_jag(**wrong | {"scope": "read", "resource": RESOURCE}), resource=RESOURCE)
    del wrong["cnf"]
    send(id_jag(**wrong | {"scope": "read", "resource": RESOURCE}), resource=RESOURCE)
    del wrong["authorization_details"]
    send(id_jag(**wrong | {"scope": "read", "resource": RESOURCE}), resource=RESOURCE)
    assert [error.partition(",")[0] for error in errors] == [
        "The parameter 'x' is repeated.",
        "Client authentication failed.",
        "This client may not use this grant.",
        "The assertion is not a compact JWT: it does not have three parts.",
        "aud in the ID-JAG is 'x'",
        "The issuer publishes no usable key 'unknown' for RS256.",
        "The subject of the ID-JAG has no access to this app.",
        "scope in the ID-JAG is 'admin'",
        "resource in the ID-JAG is 'x'",
        "resource is 'y'",
        "The ID-JAG is bound to a key (cnf)",
        "The ID-JAG has authorization_details",
        _REPLAYED,
    ]


# --- The log ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """The structured lines, as they are written."""
    found: list[dict[str, Any]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.getMessage() == f"redemption {json.dumps(record.redemption)}"
            found.append(record.redemption)

    logger, handler = logging.getLogger("crossapp.resource_app.redemption"), Handler()
    caplog.set_level(logging.INFO, logger.name)
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


BEFORE = ["request", "authorization_details", "dpop", "client", "grant_type", "jws"]
OF_THE_ID_JAG = [check.name for check in CHECKS]
AFTER = ["subject", "scope", "resource", "cnf", "authorization_details", "replay"]


def test_a_redemption_is_one_line_with_everything_but_the_id_jag(world: World, lines: list[dict[str, Any]]) -> None:
    assertion = id_jag(jti="the jti")
    answer = redeem(assertion, scope="read admin")
    [line] = lines
    assert line.pop("ms") >= 0
    assert line == {
        "decision": "granted",
        "client_id": CLIENT_ID,
        "audience": AUDIENCE,
        "scope_asked": "read admin",
        "issuer": ISSUER,
        "jti": fingerprint("the jti"),
        "scope_id_jag": "read write",
        "checks_passed": BEFORE + OF_THE_ID_JAG + AFTER,
        "user": "7",
        "scope_granted": "read",
        "resource": [RESOURCE],
    }
    text = json.dumps(line)
    assert assertion not in text
    assert answer.body["access_token"] not in text
    assert "the jti" not in text
    assert "tables.fake" not in text


def test_a_refusal_is_one_line_with_the_check_and_its_reason(world: World, lines: list[dict[str, Any]]) -> None:
    redeem(id_jag(sub="eve", jti="the jti"))
    [line] = lines
    assert (line["decision"], line["error"], line["check"]) == ("refused", "invalid_grant", "subject")
    assert line["detail"] == "no user eve"
    assert (line["issuer"], line["jti"]) == (ISSUER, fingerprint("the jti"))
    assert "unverified_issuer" not in line


def test_what_is_not_verified_is_logged_as_such_and_escaped(world: World, lines: list[dict[str, Any]]) -> None:
    redeem(id_jag(iss="https://evil.example\nredemption {}", jti=["x"]))
    [line] = lines
    assert line["check"] == "iss"
    assert line["unverified_issuer"].startswith("https://evil.example")
    assert (line["unverified_jti"], "issuer" in line) == ("", False)
    assert "\n" not in json.dumps(line)


@pytest.mark.parametrize(
    ("send", "check"),
    [
        (lambda: redeem(None), "request"),
        (lambda: redeem("x", headers={}), "client"),
        (lambda: redeem("x", client_id="another"), "client"),
        (lambda: redeem("x"), "jws"),
        (lambda: redeem(id_jag(aud="x")), "aud"),
        (lambda: redeem(id_jag(header={"kid": "x"})), "key"),
        (lambda: redeem(id_jag(scope=ABSENT)), "scope"),
        (lambda: redeem(id_jag(), resource="x"), "resource"),
    ],
)
def test_the_line_names_the_check_that_failed(world: World, lines: list[dict[str, Any]], send: Any, check: str) -> None:
    send()
    [line] = lines
    assert (line["decision"], line["check"]) == ("refused", check)


def test_the_line_of_a_replay_names_the_replay(world: World, lines: list[dict[str, Any]]) -> None:
    assertion = id_jag()
    redeem(assertion)
    redeem(assertion)
    assert [line.get("check") for line in lines] == [None, "replay"]


@pytest.mark.parametrize(
    ("send", "passed"),
    [
        (lambda: redeem(None), []),
        (lambda: redeem("x", headers={}), BEFORE[:3]),
        (lambda: redeem("x"), BEFORE[:5]),
        (lambda: redeem(id_jag(aud="x")), BEFORE + OF_THE_ID_JAG[: OF_THE_ID_JAG.index("aud")]),
        (lambda: redeem(id_jag(), resource="x"), BEFORE + OF_THE_ID_JAG + AFTER[:2]),
    ],
    ids=["request", "client", "jws", "aud", "resource"],
)
def test_the_line_of_a_refusal_names_the_checks_that_passed(
    world: World, lines: list[dict[str, Any]], send: Any, passed: list[str]
) -> None:
    send()
    assert lines[0]["checks_passed"] == passed


def test_a_parameter_is_never_taken_for_the_facts(world: World, lines: list[dict[str, Any]]) -> None:
    assert redeem(id_jag(), facts="x").status == 200
    assert lines[0]["client_id"] == CLIENT_ID
