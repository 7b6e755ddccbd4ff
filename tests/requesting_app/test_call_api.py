"""Calls of the resource app's API with the user's token."""

import logging
import re
import time
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model

from crossapp.core import http
from crossapp.core.errors import BadAnswer
from crossapp.requesting_app.api import url_below
from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.flow import ApiResponse, access_token_for, call_api
from crossapp.requesting_app.models import ResourceApp, StoredAccessToken
from tests.requesting_app.peers import API, World, sign_in


def call(
    user: Any, resource_app: ResourceApp, path: str = "/todos", method: str = "GET", **content: Any
) -> ApiResponse:
    return call_api(user=user, resource_app=resource_app, method=method, path=path, **content)


def failure(*args: Any, **kwargs: Any) -> CrossAppError:
    with pytest.raises(CrossAppError) as caught:
        call(*args, **kwargs)
    return caught.value


@pytest.mark.clause("RFC 6750", "2.1", "the token goes into the Authorization header")
def test_a_call_carries_the_token_in_its_header_and_parameters_in_its_query(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    assert call(bob, todo0, params={"id": [1, 2]}) == ApiResponse(200, {"items": []})

    sent = world.last("api")
    token = access_token_for(user=bob, resource_app=todo0).value
    assert (sent.url, sent.headers["Authorization"]) == (f"{API}/todos?id=1&id=2", f"Bearer {token}")


@pytest.mark.clause("requirements.md", "CL-33", "one user's token never serves another user")
def test_a_call_carries_the_token_of_the_one_it_is_for(world: World, bob: Any, todo0: ResourceApp) -> None:
    john = get_user_model().objects.create_user("john")
    sign_in(john)
    used = []
    for user in (bob, john, bob):
        call(user, todo0)
        used.append(world.last("api").headers["Authorization"])
        assert used[-1] == f"Bearer {StoredAccessToken.objects.get(user=user).access_token}"

    assert used[0] == used[2] != used[1]
    assert world.kinds().count("token_exchange") == 2


@pytest.mark.clause("requirements.md", "UF-36", "a line names host, status, time and ids; no token and no content")
def test_a_call_is_one_line_in_the_log_without_token_and_content(
    world: World, bob: Any, todo0: ResourceApp, caplog: pytest.LogCaptureFixture
) -> None:
    token = access_token_for(user=bob, resource_app=todo0)
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    world.next["api"] = [(200, {"items": [{"task": "canary-task"}]})]
    call(bob, todo0, params={"q": "canary-question"})
    world.always["api"] = (503, {"secret": "canary-answer"})
    failure(bob, todo0)

    called, failed = (record.message for record in caplog.records if record.name.startswith("crossapp"))
    ids = f"resource_app=todo0 host=todo.localhost:8100 user={bob.pk}"
    assert re.fullmatch(rf"API called {ids} status=200 ms=\d+", called)
    assert re.fullmatch(rf"API call failed {ids} cause=unreachable ms=\d+ reason=the API answered 503", failed)
    assert token.value not in caplog.text and "canary" not in caplog.text


def test_a_call_has_three_seconds(world: World, bob: Any, todo0: ResourceApp, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float] = []
    send = http.send

    def note(*args: Any, deadline: float, **kwargs: Any) -> http.Answer:
        left.append(deadline - time.monotonic())
        return send(*args, deadline=deadline, **kwargs)

    access_token_for(user=bob, resource_app=todo0)
    monkeypatch.setattr(http, "send", note)
    call(bob, todo0)
    assert len(left) == 1 and left[0] <= 3


@pytest.mark.clause("requirements.md", "CL-30", "thirty links make one exchange")
def test_thirty_calls_make_one_exchange(world: World, bob: Any, todo0: ResourceApp) -> None:
    for number in range(30):
        call(bob, todo0, f"/todos/{number}")

    assert world.kinds() == ["token_exchange", "jwt_bearer"] + ["api"] * 30


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, [1]), ApiResponse(200, [1])),
        ((201, {"id": 1}), ApiResponse(201, {"id": 1})),
        ((204, b""), ApiResponse(204, None)),
        ((200, b"<html>"), ApiResponse(200, None)),
        ((200, {"items": []}, "text/html"), ApiResponse(200, None)),
        ((200, {"items": []}, "application/json-seq"), ApiResponse(200, None)),
        ((200, {"items": []}, "application/json; charset=utf-8"), ApiResponse(200, {"items": []})),
        ((400, {"title": "no"}, "application/problem+json"), ApiResponse(400, {"title": "no"})),
        ((403, {"error": "insufficient_scope"}), ApiResponse(403, {"error": "insufficient_scope"})),
        ((404, {"error": "not_found"}), ApiResponse(404, {"error": "not_found"})),
        ((422, b'{"a":' * 100_0), ApiResponse(422, None)),
    ],
)
def test_what_the_api_answers_is_the_callers_to_explain(
    world: World, bob: Any, todo0: ResourceApp, answer: Any, expected: ApiResponse
) -> None:
    world.next["api"] = [answer]
    assert call(bob, todo0, method="POST", json={"a": 1}) == expected


@pytest.mark.clause("RFC 6750", "3.1", "CL-29: a refused token is dropped and replaced once")
def test_a_refused_token_is_replaced_once(world: World, bob: Any, todo0: ResourceApp) -> None:
    old = access_token_for(user=bob, resource_app=todo0)
    world.refused_tokens.add(old.value)
    world.sent.clear()

    assert call(bob, todo0).status == 200
    assert world.kinds() == ["api", "token_exchange", "jwt_bearer", "api"]

    world.always["api"] = (401, {"error": "invalid_token"})
    world.sent.clear()
    error = failure(bob, todo0)
    assert (error.cause, error.detail) == (Cause.REFUSED, "the API refuses a new access token")
    assert world.kinds() == ["api", "token_exchange", "jwt_bearer", "api"]


def test_a_refused_token_that_was_replaced_meanwhile_does_not_take_the_new_one_with_it(
    world: World, bob: Any, todo0: ResourceApp
) -> None:
    old = access_token_for(user=bob, resource_app=todo0)
    world.refused_tokens.add(old.value)

    def replace_token(kind: str) -> None:
        row = StoredAccessToken.objects.get(user=bob)
        row.access_token = "replaced-by-somebody-else"
        row.save()

    world.before_answering = replace_token

    assert call(bob, todo0).status == 200
    assert world.kinds()[2:] == ["api", "api"]
    assert world.last("api").headers["Authorization"] == "Bearer replaced-by-somebody-else"


@pytest.mark.parametrize("answer", [(429, b""), (500, b"boom"), (503, b"")])
def test_an_api_in_trouble_is_unreachable_for_this_call(
    world: World, bob: Any, todo0: ResourceApp, answer: Any
) -> None:
    world.next["api"] = [answer]
    assert failure(bob, todo0).cause is Cause.UNREACHABLE
    assert call(bob, todo0).status == 200


@pytest.mark.clause("requirements.md", "CL-19", "an API that does not answer costs one timeout")
def test_an_api_that_does_not_answer_is_not_asked_thirty_times(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.always["api"] = requests.ReadTimeout()
    john = get_user_model().objects.create_user("john")
    sign_in(john)

    errors = [failure(bob, todo0) for _ in range(30)] + [failure(john, todo0)]

    assert {(error.cause, error.step) for error in errors} == {(Cause.UNREACHABLE, "api")}
    assert world.kinds().count("api") == 1


def test_a_redirect_of_the_api_is_not_followed(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.next["api"] = [(302, b"")]
    assert failure(bob, todo0).cause is Cause.BAD_ANSWER


@pytest.mark.parametrize(
    "path",
    ["", "todos", "//evil.example", "/../token", "/a/../../b", "/%2e%2e/x", "/%2E./x", "/a%2f..%2f..", "/a?b=c", "/a#b",
     "/a b", "/a\\b", "/a\r\nX: y", "http://evil.example/", "@evil.example", "/./a", "/é"],
)  # fmt: skip
def test_a_path_that_leads_out_of_the_api_is_refused(world: World, bob: Any, todo0: ResourceApp, path: str) -> None:
    with pytest.raises(BadAnswer):
        url_below(API, path)
    assert failure(bob, todo0, path).cause is Cause.REFUSED
    assert world.kinds().count("api") == 0


def test_a_path_below_the_api_is_joined_with_one_slash() -> None:
    assert url_below(API + "/", "/todos/1") == url_below(API, "/todos/1") == f"{API}/todos/1"
