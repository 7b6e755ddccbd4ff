"""An access token on demand: what is asked, how often, and what becomes of a refusal."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.utils import timezone

from crossapp.requesting_app import failures
from crossapp.requesting_app.errors import Cause, CrossAppError, Party
from crossapp.requesting_app.flow import access_token_for, forget_tokens
from crossapp.requesting_app.models import Lease, ResourceApp, StoredAccessToken
from crossapp.requesting_app.signals import token_looked_up
from tests.requesting_app.conftest import make_todo0
from tests.requesting_app.peers import (
    API,
    IDP,
    TODO,
    MemoryStore,
    World,
    exchanged,
    id_jag,
    id_token,
    redeemed,
    sign_in,
    subject_tokens,
)

EXCHANGE = ["token_exchange", "jwt_bearer"]


def refusal(code: str, status: int = 400) -> Any:
    return status, {"error": code, "error_description": "because"}


def failure(user: Any, resource_app: ResourceApp) -> CrossAppError:
    with pytest.raises(CrossAppError) as caught:
        access_token_for(user=user, resource_app=resource_app)
    return caught.value


def age_stored_token(**ago: int) -> None:
    StoredAccessToken.objects.update(expires_at=timezone.now() + timedelta(**ago))


def test_an_exchange_asks_the_idp_then_the_resource_app_and_nothing_else(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    token = access_token_for(user=bob, resource_app=todo0)

    assert token.value.startswith("canary-access-")
    assert token.scope == "read write"
    assert [sent.url for sent in world.sent] == [
        f"{IDP}/.well-known/openid-configuration",
        f"{IDP}/oauth2/v1/token",
        f"{TODO}/.well-known/oauth-authorization-server",
        f"{TODO}/oauth2/v1/token",
    ]
    exchange, redemption = world.last("token_exchange").form, world.last("jwt_bearer").form
    assert exchange["subject_token"] == MemoryStore.kept[bob.pk].id_token
    assert (exchange["audience"], exchange["resource"], exchange["scope"]) == (TODO, API, "read write")
    assert (redemption["resource"], redemption["scope"]) == (API, "read write")
    assert world.last("token_exchange").headers["Authorization"] != world.last("jwt_bearer").headers["Authorization"]


def test_a_client_secret_goes_into_the_form_where_the_connection_says_so(world: World, bob: Any) -> None:
    sign_in(bob, auth_method="client_secret_post")
    access_token_for(user=bob, resource_app=make_todo0(auth_method="client_secret_post"))

    assert world.last("token_exchange").form["client_id"] == "wiki0"
    assert world.last("jwt_bearer").form["client_id"] == "wiki0-at-todo0"
    assert "Authorization" not in world.last("jwt_bearer").headers


def test_a_stored_token_is_used_without_any_request(world: World, bob: Any, todo0: ResourceApp) -> None:
    first = access_token_for(user=bob, resource_app=todo0)
    world.sent.clear()

    assert access_token_for(user=bob, resource_app=todo0) == first
    assert world.sent == []


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-28: a token about to expire is replaced by a new exchange")
def test_a_stored_token_that_expires_within_half_a_minute_is_replaced(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    first = access_token_for(user=bob, resource_app=todo0)
    age_stored_token(seconds=29)

    assert access_token_for(user=bob, resource_app=todo0).value != first.value
    assert world.kinds() == EXCHANGE * 2
    assert StoredAccessToken.objects.count() == 1

    age_stored_token(seconds=40)
    access_token_for(user=bob, resource_app=todo0)
    assert world.kinds() == EXCHANGE * 2


@pytest.mark.clause("RFC 7523", "3", "CL-31: an ID-JAG is sent once and a new one is fetched for the next token")
def test_every_redemption_has_an_id_jag_of_its_own(world: World, bob: Any, todo0: ResourceApp) -> None:
    access_token_for(user=bob, resource_app=todo0)
    age_stored_token(seconds=0)
    access_token_for(user=bob, resource_app=todo0)

    first, second = (sent.form["assertion"] for sent in world.sent if sent.kind == "jwt_bearer")
    assert first != second


def test_the_scope_asked_of_the_resource_app_is_that_of_the_id_jag(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.next["token_exchange"] = [(200, exchanged(access_token=id_jag(scope="read"), scope="read"))]
    world.next["jwt_bearer"] = [(200, redeemed(scope="read"))]

    assert access_token_for(user=bob, resource_app=todo0).scope == "read"
    assert world.last("jwt_bearer").form["scope"] == "read"


@pytest.mark.clause("requirements.md", "CL-26", "two users never share a token")
def test_each_user_has_a_token_of_their_own(world: World, bob: Any, todo0: ResourceApp) -> None:
    john = get_user_model().objects.create_user("john")
    sign_in(john)

    assert access_token_for(user=bob, resource_app=todo0) != access_token_for(user=john, resource_app=todo0)


@pytest.mark.clause("requirements.md", "CL-34, CL-35", "without an active user there is no exchange")
@pytest.mark.parametrize("nobody", [None, AnonymousUser(), "inactive", "unsaved"])
def test_without_an_active_user_nothing_is_asked(world: World, bob: Any, todo0: ResourceApp, nobody: Any) -> None:
    access_token_for(user=bob, resource_app=todo0)
    world.sent.clear()
    if nobody == "inactive":
        bob.is_active = False
        nobody = bob
    elif nobody == "unsaved":
        nobody = get_user_model()(username="x")

    error = failure(nobody, todo0)

    assert (error.cause, error.detail) == (Cause.SIGN_IN_AGAIN, "no active user to act for")
    assert world.sent == []


def test_a_disabled_resource_app_is_not_asked(world: World, bob: Any) -> None:
    assert failure(bob, make_todo0(enabled=False)).cause is Cause.NOT_ALLOWED
    assert world.sent == []


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-01: without subject tokens the user has to sign in")
def test_without_subject_tokens_nothing_is_asked(world: World, bob: Any, todo0: ResourceApp) -> None:
    MemoryStore.kept.clear()

    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert world.sent == []


# --- The ID token and its refresh ------------------------------------------------------------------------------------


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-02: an ID token about to expire is refreshed once")
@pytest.mark.parametrize("seconds", [-100, 0, 59])
def test_an_id_token_about_to_expire_is_refreshed_first(
    world: World, bob: Any, todo0: ResourceApp, seconds: int
) -> None:
    old = sign_in(bob, seconds=seconds)

    access_token_for(user=bob, resource_app=todo0)

    assert world.kinds() == ["refresh", *EXCHANGE]
    assert world.last("refresh").form == {"grant_type": "refresh_token", "refresh_token": "canary-refresh-1"}
    kept = MemoryStore.kept[bob.pk]
    assert kept.refresh_token == "canary-refresh-2"
    assert world.last("token_exchange").form["subject_token"] == kept.id_token != old.id_token


def test_an_id_token_good_for_more_than_a_minute_is_not_refreshed(world: World, bob: Any, todo0: ResourceApp) -> None:
    sign_in(bob, seconds=70)
    access_token_for(user=bob, resource_app=todo0)
    assert world.kinds() == EXCHANGE


def test_without_a_refresh_token_the_id_token_serves_to_its_last_second(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    sign_in(bob, seconds=30, refresh_token="")
    access_token_for(user=bob, resource_app=todo0)
    assert world.kinds() == EXCHANGE


def test_an_expired_id_token_without_a_refresh_token_means_sign_in_again(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    sign_in(bob, seconds=-1, refresh_token="")
    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert world.sent == []


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-03: a refused refresh deletes the tokens; the user signs in again")
def test_a_refused_refresh_forgets_the_tokens(world: World, bob: Any, todo0: ResourceApp) -> None:
    sign_in(bob, seconds=-1)
    world.always["refresh"] = refusal("invalid_grant")

    error = failure(bob, todo0)

    assert (error.cause, error.step, error.code) == (Cause.SIGN_IN_AGAIN, "refresh", "invalid_grant")
    assert MemoryStore.kept == {}
    cache.clear()
    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert world.kinds() == ["refresh"]


@pytest.mark.clause("OIDC Core", "12.2", "CL-05: without a valid ID token of the same person the refresh is refused")
@pytest.mark.parametrize("answer", [{"id_token": id_token(sub="john")}, {}, {"id_token": id_token(bad=True)}])
def test_a_refresh_with_a_wrong_id_token_forgets_the_tokens_and_raises_the_alarm(
    world: World, bob: Any, todo0: ResourceApp, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(bob, seconds=-1)
    world.next["refresh"] = [(200, answer)]

    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert MemoryStore.kept == {}
    assert any(record.levelno == logging.ERROR and "refused" in record.message for record in caplog.records)


@pytest.mark.clause("requirements.md", "CL-07", "dying between the refresh and its storing costs one new sign-in")
def test_a_crash_after_the_refresh_does_not_block_later_refreshes(
    world: World, bob: Any, todo0: ResourceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> None:
        raise Died

    sign_in(bob, seconds=-1)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "replace", die)
        patch.setattr("django.db.models.query.QuerySet.update", lambda *args, **kwargs: 0)  # it releases no lease
        with pytest.raises(Died):
            access_token_for(user=bob, resource_app=todo0)
    assert Lease.objects.filter(expires_at__gt=timezone.now()).count() == 2
    Lease.objects.update(expires_at=timezone.now())  # their time is over

    world.always["refresh"] = refusal("invalid_grant")  # the refresh token was spent
    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert MemoryStore.kept == {}
    sign_in(bob)
    forget_tokens(bob)
    assert access_token_for(user=bob, resource_app=todo0)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((503, b""), Cause.UNREACHABLE),
        (requests.ReadTimeout(), Cause.UNREACHABLE),
        ((200, b"<html>"), Cause.BAD_ANSWER),
        (refusal("invalid_client", 401), Cause.REFUSED),
    ],
)
def test_a_refresh_that_fails_for_another_reason_keeps_the_tokens(
    world: World, bob: Any, todo0: ResourceApp, answer: Any, cause: Cause
) -> None:
    sign_in(bob, seconds=-1)
    world.next["refresh"] = [answer]

    assert failure(bob, todo0).cause is cause
    assert bob.pk in MemoryStore.kept


# --- The token exchange at the IdP -----------------------------------------------------------------------------------


@pytest.mark.clause("RFC 8693", "2.2.2", "P2 CL-08: invalid_grant and invalid_request are treated alike")
@pytest.mark.parametrize("code", ["invalid_grant", "invalid_request"])
def test_an_unusable_subject_token_is_refreshed_once_and_tried_again(
    world: World, bob: Any, todo0: ResourceApp, code: str
) -> None:
    world.next["token_exchange"] = [refusal(code)]
    assert access_token_for(user=bob, resource_app=todo0)
    assert world.kinds() == ["token_exchange", "refresh", *EXCHANGE]

    forget_tokens(bob)
    world.sent.clear()
    world.always["token_exchange"] = refusal(code)
    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert world.kinds() == ["token_exchange", "refresh", "token_exchange"]


def test_a_subject_token_refreshed_a_moment_ago_is_not_refreshed_again(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    sign_in(bob, seconds=1)
    world.always["token_exchange"] = refusal("invalid_grant")

    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert world.kinds() == ["refresh", "token_exchange"]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (refusal("access_denied"), Cause.NOT_ALLOWED),
        (refusal("invalid_target"), Cause.NOT_ALLOWED),
        (refusal("invalid_scope"), Cause.NOT_ALLOWED),
        (refusal("unauthorized_client"), Cause.NOT_ALLOWED),
        (refusal("insufficient_user_authentication"), Cause.SIGN_IN_AGAIN),
        (refusal("invalid_client", 401), Cause.REFUSED),
        (refusal("unsupported_grant_type"), Cause.NOT_OFFERED),
        (refusal("we_are_on_holiday"), Cause.REFUSED),
        ((400, b"<html>"), Cause.BAD_ANSWER),
        ((400, b""), Cause.BAD_ANSWER),
        ((404, b"<html>"), Cause.NOT_OFFERED),
        ((404, {"message": "no such page"}), Cause.NOT_OFFERED),
        ((302, b""), Cause.BAD_ANSWER),
        ((200, exchanged(token_type="Bearer")), Cause.BAD_ANSWER),
        ((200, exchanged(access_token=id_jag(aud="https://evil.example"))), Cause.BAD_ANSWER),
        ((503, b""), Cause.UNREACHABLE),
        ((429, {"error": "slow_down"}), Cause.UNREACHABLE),
        (requests.ReadTimeout(), Cause.UNREACHABLE),
        (requests.exceptions.SSLError(), Cause.UNREACHABLE),
    ],
)
def test_a_refusal_of_the_idp_has_a_cause_and_nothing_is_sent_to_the_resource_app(
    world: World, bob: Any, todo0: ResourceApp, answer: Any, cause: Cause
) -> None:
    world.next["token_exchange"] = [answer]

    error = failure(bob, todo0)

    assert (error.cause, error.step, error.party) == (cause, "token_exchange", Party.IDENTITY_PROVIDER)
    assert world.kinds() == ["token_exchange"]
    assert StoredAccessToken.objects.count() == 0


@pytest.mark.clause("RFC 9470", "4", "CL-09: the next sign-in is told what the IdP wants")
def test_a_wish_for_stronger_authentication_reaches_the_page(world: World, bob: Any, todo0: ResourceApp) -> None:
    answer = {"error": "insufficient_user_authentication", "max_age": 5}
    world.next["token_exchange"] = [(400, answer)]

    assert failure(bob, todo0).sign_in_parameters == {"max_age": "5"}
    assert failure(bob, todo0).sign_in_parameters == {"max_age": "5"}
    assert world.kinds() == ["token_exchange"]


# --- The redemption at the resource app ------------------------------------------------------------------------------


@pytest.mark.clause("ID-JAG", "4.4.3", "CL-22: one new ID-JAG, then give up")
def test_a_refused_id_jag_is_replaced_once(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.next["jwt_bearer"] = [refusal("invalid_grant")]
    assert access_token_for(user=bob, resource_app=todo0)
    assert world.kinds() == EXCHANGE * 2

    forget_tokens(bob)
    world.sent.clear()
    world.always["jwt_bearer"] = refusal("invalid_grant")
    assert failure(bob, todo0).cause is Cause.REFUSED
    assert world.kinds() == EXCHANGE * 2


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (refusal("access_denied"), Cause.NOT_ALLOWED),
        (refusal("invalid_client", 401), Cause.REFUSED),
        (refusal("invalid_target"), Cause.REFUSED),
        (refusal("unsupported_grant_type"), Cause.REFUSED),
        ((200, redeemed(token_type="mac")), Cause.BAD_ANSWER),
        ((200, b"x" * 300_000), Cause.BAD_ANSWER),
        ((404, b"<html>"), Cause.NOT_OFFERED),
        ((502, b"<html>"), Cause.UNREACHABLE),
        (requests.ReadTimeout(), Cause.UNREACHABLE),
    ],
)
def test_a_refusal_of_the_resource_app_has_a_cause_and_is_not_repeated(
    world: World, bob: Any, todo0: ResourceApp, answer: Any, cause: Cause
) -> None:
    world.next["jwt_bearer"] = [answer]

    error = failure(bob, todo0)

    assert (error.cause, error.step, error.party) == (cause, "jwt_bearer", Party.AUTHORIZATION_SERVER)
    assert world.kinds() == EXCHANGE


@pytest.mark.clause("RFC 6749", "5.2", "CL-21: invalid_client is an alarm without the secret")
@pytest.mark.parametrize("kind", EXCHANGE)
def test_a_refused_client_is_an_error_in_the_log_without_the_secret(
    world: World, bob: Any, todo0: ResourceApp, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    echo = {
        "error": "invalid_client",
        "error_description": f"not {todo0.client_secret}, {subject_tokens().client_secret}",
    }
    world.next[kind] = [(401, echo)]

    error = failure(bob, todo0)

    assert error.cause is Cause.REFUSED
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"step={kind}" in record.message
    assert "[masked]" in record.message
    secret = todo0.client_secret if kind == "jwt_bearer" else subject_tokens().client_secret
    assert secret not in caplog.text + str(error)


# --- Metadata, failures remembered, tokens forgotten -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((404, b""), Cause.BAD_ANSWER),
        ((200, {"issuer": IDP + "/"}), Cause.BAD_ANSWER),
        ((200, {"issuer": IDP}), Cause.NOT_OFFERED),
        ((500, b""), Cause.UNREACHABLE),
        (requests.ConnectTimeout(), Cause.UNREACHABLE),
    ],
)
def test_metadata_that_cannot_be_had_have_a_cause(
    world: World, bob: Any, todo0: ResourceApp, answer: Any, cause: Cause
) -> None:
    world.always["metadata"] = answer
    assert failure(bob, todo0).cause is cause
    assert world.kinds() == []


@pytest.mark.clause("ID-JAG", "4.3.3", "CL-10: a refusal is remembered, for a minute at most")
def test_a_failure_is_remembered_for_a_moment(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.next["token_exchange"] = [refusal("access_denied")]

    errors = [failure(bob, todo0) for _ in range(30)]

    assert {(error.cause, error.detail, error.code) for error in errors} == {
        (Cause.NOT_ALLOWED, "access_denied: because", "access_denied")
    }
    assert world.kinds() == ["token_exchange"]
    assert failures.SECONDS[Cause.NOT_ALLOWED] <= 60
    assert max(failures.SECONDS[cause] for cause in (Cause.UNREACHABLE, Cause.REFUSED)) <= 10
    assert failures.SECONDS[Cause.SIGN_IN_AGAIN] <= 5


def somebody_else(name: str) -> Any:
    user = get_user_model().objects.create_user(name)
    sign_in(user)
    return user


@pytest.mark.clause("requirements.md", "UF-38", "an IdP that hangs keeps one person waiting, not everybody")
@pytest.mark.parametrize("kind", ["metadata", "token_exchange", "jwt_bearer"])
def test_a_peer_that_does_not_answer_is_left_alone_by_everybody(
    world: World, bob: Any, todo0: ResourceApp, kind: str
) -> None:
    world.always[kind] = requests.ReadTimeout()
    assert failure(bob, todo0).cause is Cause.UNREACHABLE
    before = [sent.kind for sent in world.sent].count(kind)

    for number in range(5):
        assert failure(somebody_else(f"user-{number}"), todo0).cause is Cause.UNREACHABLE
    assert [sent.kind for sent in world.sent].count(kind) == before == 1

    world.always.clear()
    cache.clear()
    assert access_token_for(user=bob, resource_app=todo0)


@pytest.mark.parametrize("answer", [requests.ReadTimeout(), (503, b"", {"Retry-After": "30"})], ids=["silent", "busy"])
@pytest.mark.clause(
    "requirements.md", "UF-38", "an IdP that the resource app waits for in vain is its own tenant's matter"
)
def test_a_resource_app_that_has_no_answer_for_one_idp_is_asked_for_the_people_of_another(
    world: World, bob: Any, todo0: ResourceApp, answer: Any
) -> None:
    world.next["jwt_bearer"] = [answer]
    assert failure(bob, todo0).step == "jwt_bearer"
    assert failure(somebody_else("alice"), todo0).cause is Cause.UNREACHABLE
    assert world.kinds().count("jwt_bearer") == 1

    john, theirs = somebody_else("john"), "http://customer2.idp.localhost:8100"
    sign_in(john, issuer=theirs)
    world.next["token_exchange"] = [(200, exchanged(access_token=id_jag(iss=theirs)))]
    assert access_token_for(user=john, resource_app=todo0)


def test_an_error_of_the_server_is_of_the_one_whom_it_hit(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.next["token_exchange"] = [(503, b"")]
    assert failure(bob, todo0).cause is Cause.UNREACHABLE
    assert access_token_for(user=somebody_else("john"), resource_app=todo0)


@pytest.mark.clause("RFC 9110", "10.2.3", "CL-18: a server that says when to come back is left alone, a minute at most")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "kept"), [("3600", failures.LONGEST), ("7", 7)])
def test_a_server_that_says_when_to_come_back_is_left_alone_until_then(
    world: World, bob: Any, todo0: ResourceApp, status: int, asked: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered: list[int] = []
    monkeypatch.setattr(cache, "set", lambda key, value, seconds: remembered.append(seconds))
    world.next["token_exchange"] = [(status, b"", {"Retry-After": asked})]
    assert failure(bob, todo0).cause is Cause.UNREACHABLE
    assert kept in remembered and max(remembered) <= 300
    monkeypatch.undo()

    world.next["token_exchange"] = [(status, b"", {"Retry-After": asked})]
    assert failure(bob, todo0).cause is Cause.UNREACHABLE
    world.sent.clear()
    assert failure(somebody_else("john"), todo0).cause is Cause.UNREACHABLE
    assert world.sent == []


def test_an_exchange_that_ran_out_of_time_says_nothing_about_the_peer(
    world: World, bob: Any, todo0: ResourceApp, settings: Any
) -> None:
    settings.CROSSAPP_REQUESTING_APP |= {"LEASE_SECONDS": 1}
    assert failure(bob, todo0).detail.startswith("no time left")
    settings.CROSSAPP_REQUESTING_APP |= {"LEASE_SECONDS": 15}
    assert access_token_for(user=somebody_else("john"), resource_app=todo0)


def test_a_failure_of_one_user_is_not_anothers(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.next["token_exchange"] = [refusal("access_denied")]
    failure(bob, todo0)
    john = get_user_model().objects.create_user("john")
    sign_in(john)

    assert access_token_for(user=john, resource_app=todo0)


@pytest.mark.clause("requirements.md", "CL-27", "after sign-out there is no token and no memory of failures")
def test_forgetting_leaves_nothing_of_the_user_and_everything_of_others(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    john = get_user_model().objects.create_user("john")
    sign_in(john)
    access_token_for(user=bob, resource_app=todo0)
    access_token_for(user=john, resource_app=todo0)

    forget_tokens(bob)

    assert [token.user for token in StoredAccessToken.objects.all()] == [john]
    MemoryStore.kept.pop(bob.pk)
    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    sign_in(bob)
    forget_tokens(bob)
    assert access_token_for(user=bob, resource_app=todo0)


@pytest.mark.clause("requirements.md", "CL-32", "a changed registration is used at once")
def test_a_changed_resource_app_loses_the_tokens_of_its_old_registration(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    access_token_for(user=bob, resource_app=todo0)

    todo0.client_secret = "new-secret"
    todo0.save()

    assert StoredAccessToken.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_user_deleted_during_the_exchange_leaves_nothing_behind(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.before_answering = lambda kind: type(bob).objects.filter(pk=bob.pk).delete() if kind == "jwt_bearer" else None

    assert access_token_for(user=bob, resource_app=todo0)
    assert StoredAccessToken.objects.count() == 0


@pytest.mark.clause("requirements.md", "CL-27", "a sign-out during the exchange wins")
def test_a_user_who_signs_out_during_the_exchange_leaves_nothing_behind(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    world.before_answering = lambda kind: MemoryStore.kept.clear() if kind == "jwt_bearer" else None

    assert failure(bob, todo0).cause is Cause.SIGN_IN_AGAIN
    assert StoredAccessToken.objects.count() == 0


def test_one_line_says_what_was_granted_without_any_token(
    world: World, bob: Any, todo0: ResourceApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="crossapp.requesting_app")

    access_token_for(user=bob, resource_app=todo0)

    [record] = [record for record in caplog.records if record.name.startswith("crossapp")]
    whose = f"resource_app=todo0 audience={TODO} user={bob.pk}"
    assert record.message.startswith(f"cross-app access granted {whose} asked='read write' granted='read write' jti='")
    assert "canary" not in caplog.text
    assert "eyJ" not in caplog.text


def test_the_lease_is_free_again_afterwards(world: World, bob: Any, todo0: ResourceApp) -> None:
    access_token_for(user=bob, resource_app=todo0)
    assert not Lease.objects.filter(expires_at__gt=timezone.now()).exists()
    world.next["token_exchange"] = [refusal("access_denied")]
    age_stored_token(seconds=0)
    failure(bob, todo0)
    assert not Lease.objects.filter(expires_at__gt=timezone.now()).exists()


@pytest.fixture
def lookups() -> Iterator[list[str]]:
    """What `token_looked_up` tells, in order."""
    told: list[str] = []

    def listen(sender: Any, *, user: Any, resource_app: ResourceApp, result: str, **kwargs: Any) -> None:
        assert (sender, resource_app.key) == (ResourceApp, "todo0")
        told.append(result)
        raise RuntimeError("a bug in a receiver")

    token_looked_up.connect(listen)
    yield told
    token_looked_up.disconnect(listen)


def test_token_looked_up_is_sent_and_its_receivers_cannot_break_the_flow(
    world: World, bob: Any, todo0: ResourceApp, lookups: list[str]
) -> None:
    for _ in range(2):
        assert access_token_for(user=bob, resource_app=todo0)
    age_stored_token(seconds=29)
    assert access_token_for(user=bob, resource_app=todo0)
    assert lookups == ["miss", "hit", "miss"]


def test_a_failure_and_that_it_is_remembered_are_told_as_no_token(
    world: World, bob: Any, todo0: ResourceApp, lookups: list[str]
) -> None:
    world.always["token_exchange"] = refusal("access_denied")
    for _ in range(2):
        assert failure(bob, todo0).cause is Cause.NOT_ALLOWED
    assert lookups == ["failed", "failed"]
