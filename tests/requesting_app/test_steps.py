"""What `step_taken` tells: everything that happened, and nothing that could be used."""

import base64
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import quote_plus

import pytest
import requests

from crossapp.requesting_app.errors import CrossAppError
from crossapp.requesting_app.flow import access_token_for, call_api
from crossapp.requesting_app.models import ResourceApp
from crossapp.requesting_app.signals import Step, step_taken
from tests.requesting_app.conftest import make_todo0
from tests.requesting_app.peers import (
    API,
    IDP,
    TODO,
    TODO_SECRET,
    WIKI_SECRET,
    MemoryStore,
    World,
    exchanged,
    id_jag,
    jwt,
    redeemed,
    sign_in,
)


@pytest.fixture
def steps() -> Iterator[list[Step]]:
    """The steps that were told, in order."""
    told: list[Step] = []

    def listen(sender: Any, *, user: Any, resource_app: ResourceApp, step: Step, **kwargs: Any) -> None:
        assert (sender, user.username, resource_app.key) == (ResourceApp, "bob", "todo0")
        told.append(step)

    step_taken.connect(listen)
    yield told
    step_taken.disconnect(listen)


def secrets_of(world: World, user: Any) -> list[str]:
    """Return every string that went over the wire and must not be told."""
    found = [WIKI_SECRET, TODO_SECRET, quote_plus(TODO_SECRET), "canary", "-signature"]
    found += [base64.b64encode(b"canary-signature").decode().rstrip("=")]
    for sent in world.sent:
        found += [sent.headers.get("Authorization", "Basic x ").split(" ")[1]]
        found += [sent.form[name] for name in ("subject_token", "assertion", "refresh_token") if name in sent.form]
    return [secret for secret in found if len(secret) > 3]


def test_every_exchange_is_told_with_its_decoded_tokens(
    world: World, bob: Any, todo0: ResourceApp, steps: list[Step]
) -> None:
    sign_in(bob, seconds=1)
    world.next["jwt_bearer"] = [(200, redeemed(access_token=jwt({"aud": API}, typ="at+jwt")))]
    call_api(user=bob, resource_app=todo0, method="GET", path="/todos", params={"id": 1})

    assert [(step.kind, step.method, step.url, step.status) for step in steps] == [
        ("refresh", "POST", f"{IDP}/oauth2/v1/token", 200),
        ("token_exchange", "POST", f"{IDP}/oauth2/v1/token", 200),
        ("jwt_bearer", "POST", f"{TODO}/oauth2/v1/token", 200),
        ("api", "GET", f"{API}/todos", 200),
    ]
    refresh, exchange, redemption, api = steps
    assert refresh.claims["subject_token"]["claims"]["sub"] == "bob"
    assert exchange.claims["subject_token"]["claims"]["aud"] == "wiki0"
    assert exchange.claims["id_jag"] == redemption.claims["id_jag"]
    assert exchange.claims["id_jag"]["header"]["typ"] == "oauth-id-jag+jwt"
    assert redemption.claims["access_token"] == api.claims["access_token"]
    assert redemption.claims["access_token"]["claims"] == {"aud": API}
    assert exchange.request["form"]["audience"] == TODO
    assert exchange.request["form"]["subject_token"] == "[masked]"
    assert exchange.request["headers"] == {"Authorization": "Basic [masked]"}
    assert exchange.response["access_token"] == "[masked]"
    assert exchange.response["token_type"] == "N_A"
    assert redemption.request["form"]["assertion"] == "[masked]"
    assert (api.request["params"], api.response) == ({"id": 1}, {"items": []})
    assert api.request["headers"] == {"Authorization": "Bearer [masked]"}
    assert all(step.duration_ms >= 0 and step.started_at.tzinfo for step in steps)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_no_step_holds_a_secret_even_if_peers_echo_everything(
    world: World, bob: Any, steps: list[Step], method: str
) -> None:
    todo0 = make_todo0(auth_method=method)
    tokens = sign_in(bob, seconds=1, auth_method=method)
    grant = id_jag()
    echo = {
        "debug": f"{tokens.refresh_token} {WIKI_SECRET} {grant}",
        "more": [{"token": "canary-token", TODO_SECRET: f"Basic {quote_plus(TODO_SECRET)}"}],
    }
    world.next["token_exchange"] = [
        (200, exchanged(access_token=grant) | {"echo": {"of": grant, "id": tokens.id_token}})
    ]
    world.next["jwt_bearer"] = [
        (200, redeemed(access_token="canary-opaque") | {"echo": f"canary-opaque {TODO_SECRET} {grant}"})
    ]
    world.next["api"] = [(200, {"echo": "Bearer canary-opaque", "token": "canary-of-the-api"})]
    call_api(user=bob, resource_app=todo0, method="POST", path="/echo", json={"token": "canary-in-the-body"})
    world.always["refresh"] = (400, {"error": "invalid_grant", "error_description": echo["debug"]} | {"new": "text"})
    sign_in(bob, seconds=1, auth_method=method)
    todo0.save()
    with pytest.raises(CrossAppError) as caught:
        access_token_for(user=bob, resource_app=todo0)

    told = repr([asdict(step) for step in steps]) + str(caught.value) + repr(caught.value.__cause__.__context__)
    assert len(steps) == 5
    for secret in secrets_of(world, bob):
        assert secret not in told, secret
    assert "eyJ" not in told


def test_a_body_that_is_no_json_is_told_by_its_size(
    world: World, bob: Any, todo0: ResourceApp, steps: list[Step]
) -> None:
    world.next["token_exchange"] = [(200, b"access_token=canary", "text/plain")]
    with pytest.raises(CrossAppError):
        access_token_for(user=bob, resource_app=todo0)

    assert steps[-1].response == "[19 bytes that are not the expected JSON]"
    assert "id_jag" not in steps[-1].claims


def test_an_exchange_without_an_answer_is_told_too(
    world: World, bob: Any, todo0: ResourceApp, steps: list[Step]
) -> None:
    world.next["token_exchange"] = [requests.ReadTimeout()]
    with pytest.raises(CrossAppError):
        access_token_for(user=bob, resource_app=todo0)

    assert (steps[-1].kind, steps[-1].status, steps[-1].response) == ("token_exchange", None, None)


def test_a_listener_that_fails_does_not_break_the_flow(world: World, bob: Any, todo0: ResourceApp) -> None:
    def fail(sender: Any, **kwargs: Any) -> None:
        raise ValueError("the console is full")

    step_taken.connect(fail)
    try:
        assert access_token_for(user=bob, resource_app=todo0)
    finally:
        step_taken.disconnect(fail)


def test_the_subject_tokens_do_not_show_themselves(bob: Any) -> None:
    assert "canary" not in repr(MemoryStore.kept[bob.pk])
    assert "eyJ" not in repr(MemoryStore.kept[bob.pk])
