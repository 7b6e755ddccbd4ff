"""A failure names the party, the step and the peer's error, and is told once with the reference of its request."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.core.cache import cache

from crossapp.requesting_app.errors import Cause, CrossAppError, Party
from crossapp.requesting_app.flow import access_token_for, call_api, failed
from crossapp.requesting_app.models import ResourceApp
from crossapp.requesting_app.signals import access_failed
from tests.requesting_app import peers
from tests.requesting_app.conftest import make_todo0
from tests.requesting_app.peers import MemoryStore, World, id_token, metadata_of, sign_in

IDP, SERVER, API, OURS = (
    Party.IDENTITY_PROVIDER,
    Party.AUTHORIZATION_SERVER,
    Party.API,
    Party.REQUESTING_APP,
)
numbers = iter(range(10**6))


def numbered_request() -> str:
    """Return another reference at each call, as if each failure happened in another request."""
    return f"request-{next(numbers)}"


@pytest.fixture(autouse=True)
def references(world: World, settings: Any) -> None:
    settings.CROSSAPP_REQUESTING_APP |= {"REFERENCE": "tests.requesting_app.test_failures.numbered_request"}


@pytest.fixture
def told() -> Iterator[list[CrossAppError]]:
    """The failures that `access_failed` tells, in order."""
    heard: list[CrossAppError] = []

    def listen(sender: Any, *, user: Any, resource_app: ResourceApp, error: CrossAppError, **kwargs: Any) -> None:
        assert (sender, user.username[:4], resource_app.key) == (ResourceApp, "user", "todo0")
        heard.append(error)
        raise RuntimeError("a bug in a receiver")

    access_failed.connect(listen)
    yield heard
    access_failed.disconnect(listen)


@pytest.fixture
def user(db: None) -> Any:
    return new_user("user-1")


def new_user(name: str, **changes: Any) -> Any:
    user = get_user_model().objects.create_user(name)
    sign_in(user, **changes)
    return user


def failure(user: Any, resource_app: ResourceApp, path: str = "/todos") -> CrossAppError:
    with pytest.raises(CrossAppError) as caught:
        call_api(user=user, resource_app=resource_app, method="GET", path=path)
    return caught.value


def refusal(code: str, status: int = 400) -> Any:
    return status, {"error": code, "error_description": "because"}


@pytest.mark.parametrize(
    ("kind", "answer", "party", "cause", "said"),
    [
        ("token_exchange", (500, b"Traceback"), IDP, Cause.UNREACHABLE, ("", "")),
        ("token_exchange", refusal("server_error", 500), IDP, Cause.UNREACHABLE, ("server_error", "because")),
        ("token_exchange", refusal("access_denied"), IDP, Cause.NOT_ALLOWED, ("access_denied", "because")),
        (
            "token_exchange",
            refusal("unsupported_grant_type"),
            IDP,
            Cause.NOT_OFFERED,
            ("unsupported_grant_type", "because"),
        ),
        ("token_exchange", (404, b"<h1>Not found</h1>"), IDP, Cause.NOT_OFFERED, ("", "")),
        ("token_exchange", (200, {"access_token": "x"}), IDP, Cause.BAD_ANSWER, ("", "")),
        ("jwt_bearer", requests.ConnectTimeout("slow"), SERVER, Cause.UNREACHABLE, ("", "")),
        (
            "jwt_bearer",
            refusal("temporarily_unavailable", 503),
            SERVER,
            Cause.UNREACHABLE,
            ("temporarily_unavailable", "because"),
        ),
        (
            "jwt_bearer",
            refusal("temporarily_unavailable", 400),
            SERVER,
            Cause.UNREACHABLE,
            ("temporarily_unavailable", "because"),
        ),
        ("jwt_bearer", refusal("access_denied"), SERVER, Cause.NOT_ALLOWED, ("access_denied", "because")),
        ("jwt_bearer", refusal("invalid_grant"), SERVER, Cause.REFUSED, ("invalid_grant", "because")),
        ("jwt_bearer", (200, {"token": "x"}), SERVER, Cause.BAD_ANSWER, ("", "")),
        ("api", requests.ReadTimeout("slow"), API, Cause.UNREACHABLE, ("", "")),
        ("api", (503, b""), API, Cause.UNREACHABLE, ("", "")),
        ("api", (302, b""), API, Cause.BAD_ANSWER, ("", "")),
        ("api", (401, {"error": "invalid_token"}), API, Cause.REFUSED, ("", "")),
    ],
)
def test_a_failure_names_the_party_the_step_and_the_error_of_the_peer(
    world: World,
    user: Any,
    todo0: ResourceApp,
    told: list[CrossAppError],
    kind: str,
    answer: Any,
    party: Party,
    cause: Cause,
    said: tuple[str, str],
) -> None:
    world.always[kind] = answer
    error = failure(user, todo0)
    assert (error.party, error.step, error.cause, (error.code, error.description)) == (party, kind, cause, said)
    assert told == [error]


@pytest.mark.parametrize("missing", ["token_exchange", "jwt_bearer"])
def test_metadata_without_a_token_endpoint_mean_that_the_peer_does_not_offer_it(
    world: World, user: Any, todo0: ResourceApp, missing: str
) -> None:
    forms = 2  # of metadata, each asked in turn
    world.next["metadata"] = [(200, {"issuer": peers.IDP})] * forms
    if missing == "jwt_bearer":
        world.next["metadata"] = [(200, metadata_of(peers.IDP)), *[(200, {"issuer": peers.TODO})] * forms]
    error = failure(user, todo0)
    assert (error.step, error.cause) == (missing, Cause.NOT_OFFERED)
    assert error.detail.endswith("name no token_endpoint")


@pytest.mark.parametrize(
    ("break_it", "step"),
    [
        (lambda user: make_todo0(auth_method="tls_client_auth"), "jwt_bearer"),
        (lambda user: sign_in(user, auth_method="private_key_jwt") and make_todo0(), "token_exchange"),
    ],
    ids=["method", "key"],
)
def test_a_request_that_this_app_cannot_send_is_its_own_fault(
    world: World, user: Any, break_it: Callable[[Any], ResourceApp], step: str
) -> None:
    error = failure(user, break_it(user))
    assert (error.party, error.step, error.cause) == (OURS, step, Cause.REFUSED)
    assert step not in world.kinds()


def test_a_path_that_leads_out_of_the_api_is_this_apps_own_fault(world: World, user: Any, todo0: ResourceApp) -> None:
    error = failure(user, todo0, path="/../x")
    assert (error.party, error.step, error.cause) == (OURS, "api", Cause.REFUSED)


def test_another_persons_tokens_are_the_fault_of_the_idp(world: World, user: Any, todo0: ResourceApp) -> None:
    sign_in(user, seconds=-1)
    world.next["refresh"] = [(200, {"id_token": id_token(sub="john"), "refresh_token": "x"})]
    error = failure(user, todo0)
    assert (error.party, error.cause) == (IDP, Cause.SIGN_IN_AGAIN)


def test_no_secret_is_in_the_error_that_a_peer_sends(world: World, user: Any, todo0: ResourceApp) -> None:
    secret = MemoryStore.kept[user.pk].client_secret
    world.next["token_exchange"] = [(400, {"error": secret, "error_description": f"not {secret}"})]
    error = failure(user, todo0)
    assert (error.code, error.description) == ("[masked]", "not [masked]")


# --- Told once -------------------------------------------------------------------------------------------------------


def test_a_remembered_failure_is_told_once_and_keeps_its_reference(
    world: World, user: Any, todo0: ResourceApp, told: list[CrossAppError]
) -> None:
    world.always["token_exchange"] = refusal("access_denied")
    errors = [failure(user, todo0) for _ in range(30)]
    assert len(told) == 1
    assert {error.reference for error in errors} == {told[0].reference}
    assert {(error.code, error.description, error.party) for error in errors} == {("access_denied", "because", IDP)}

    cache.clear()  # it is forgotten
    assert failure(user, todo0).reference == told[1].reference != told[0].reference


@pytest.mark.parametrize("kind", ["token_exchange", "jwt_bearer", "api"])
def test_an_outage_is_told_once_for_all_users(
    world: World, todo0: ResourceApp, told: list[CrossAppError], kind: str
) -> None:
    world.always[kind] = requests.ReadTimeout("slow")
    errors = [failure(new_user(f"user-{number}"), todo0) for number in range(5)]
    assert len(told) == 1
    assert {error.reference for error in errors} == {told[0].reference}


@pytest.mark.parametrize("answer", [(500, b""), (302, b""), (401, b"")], ids=["500", "redirect", "401"])
def test_a_failure_of_the_api_that_is_not_remembered_is_told_once_in_a_while(
    world: World, user: Any, todo0: ResourceApp, told: list[CrossAppError], answer: Any
) -> None:
    world.always["api"] = answer
    errors = [failure(user, todo0) for _ in range(5)]
    assert world.kinds().count("api") >= 5, "it is asked each time"
    assert len(told) == 1
    assert {error.reference for error in errors} == {told[0].reference}
    assert failure(new_user("user-2"), todo0).reference == told[1].reference


def test_another_failure_of_the_same_user_is_told_too(
    world: World, user: Any, todo0: ResourceApp, told: list[CrossAppError]
) -> None:
    world.next["api"] = [(500, b""), (302, b""), (500, b"")]
    assert [failure(user, todo0).cause for _ in range(3)] == [Cause.UNREACHABLE, Cause.BAD_ANSWER, Cause.UNREACHABLE]
    assert [error.cause for error in told] == [Cause.UNREACHABLE, Cause.BAD_ANSWER]


def test_a_step_that_succeeds_at_its_second_try_is_no_failure(
    world: World, user: Any, todo0: ResourceApp, told: list[CrossAppError]
) -> None:
    world.next["token_exchange"] = [refusal("invalid_grant")]
    world.next["jwt_bearer"] = [refusal("invalid_grant")]
    assert access_token_for(user=user, resource_app=todo0)
    assert told == []


def test_a_failure_that_the_caller_finds_is_logged_and_told(
    user: Any, todo0: ResourceApp, told: list[CrossAppError], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with pytest.raises(CrossAppError) as caught:
            failed(CrossAppError(Cause.BAD_ANSWER, "no list", step="api"), user=user, resource_app=todo0)
    assert len(told) == 1
    assert caught.value.reference == told[0].reference
    assert "party=api step=api cause=bad_answer" in caplog.records[0].message
    assert f"reference={told[0].reference} reason=no list" in caplog.records[0].message


def test_without_a_user_nothing_is_told(todo0: ResourceApp, told: list[CrossAppError]) -> None:
    assert failure(None, todo0).cause is Cause.SIGN_IN_AGAIN
    assert told == []


def test_without_the_setting_there_is_no_reference(world: World, user: Any, todo0: ResourceApp, settings: Any) -> None:
    settings.CROSSAPP_REQUESTING_APP |= {"REFERENCE": ""}
    world.next["token_exchange"] = [refusal("access_denied")]
    assert failure(user, todo0).reference == ""
