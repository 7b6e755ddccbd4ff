"""However many ask at a time, one exchange is made: across threads, and across processes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier, BoundedSemaphore
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crossapp.requesting_app import api, failures, leases, stored_tokens
from crossapp.requesting_app.errors import Cause, CrossAppError
from crossapp.requesting_app.flow import AccessToken, access_token_for, call_api
from crossapp.requesting_app.models import Lease, ResourceApp, StoredAccessToken
from tests.requesting_app.conftest import make_todo0
from tests.requesting_app.peers import MemoryStore, World, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 20


def at_once(act: Callable[[], Any], threads: int = THREADS) -> list[Any]:
    """Run `act` in that many threads at the same moment and return what came of each, errors included."""
    barrier = Barrier(threads)

    def run(_: int) -> Any:
        try:
            barrier.wait()
            return act()
        except CrossAppError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def slowly(kind: str) -> None:
    time.sleep(0.05)


@pytest.mark.clause("requirements.md", "CL-30", "single flight")
def test_twenty_threads_make_one_exchange(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.before_answering = slowly

    tokens = at_once(lambda: access_token_for(user=bob, resource_app=todo0))

    assert world.kinds() == ["token_exchange", "jwt_bearer"]
    assert [type(token) for token in tokens] == [AccessToken] * THREADS
    assert len({token.value for token in tokens}) == 1


def test_of_twenty_threads_one_asks_the_database_for_the_lease(
    world: World, bob: Any, todo0: ResourceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims: list[str] = []
    held = leases.held

    def noted(name: str, **more: Any) -> Any:
        claims.append(name)
        return held(name, **more)

    monkeypatch.setattr(leases, "held", noted)
    world.before_answering = slowly

    at_once(lambda: access_token_for(user=bob, resource_app=todo0))

    assert claims == [f"exchange:{bob.pk}:{todo0.pk}"]


def test_twenty_threads_share_one_failure(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.before_answering = slowly
    world.always["token_exchange"] = (400, {"error": "access_denied"})

    errors = at_once(lambda: access_token_for(user=bob, resource_app=todo0))

    assert world.kinds() == ["token_exchange"]
    assert [error.cause for error in errors] == [Cause.NOT_ALLOWED] * THREADS


def just_before_the_claim(act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another process do `act` between this one's look at the rows and its claim of the lease."""
    held = leases.held

    def late(name: str, *, seconds: float) -> Any:
        act()
        return held(name, seconds=seconds)

    monkeypatch.setattr(leases, "held", late)


def test_who_comes_second_uses_the_token_of_who_came_first(
    world: World, bob: Any, todo0: ResourceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = AccessToken("of-the-first", "read", timezone.now() + timedelta(hours=1))
    just_before_the_claim(lambda: stored_tokens.store(bob, todo0, first), monkeypatch)

    assert access_token_for(user=bob, resource_app=todo0) == first
    assert world.sent == []


def test_who_comes_second_shares_the_failure_of_who_came_first(
    world: World, bob: Any, todo0: ResourceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = CrossAppError(Cause.NOT_ALLOWED, "access_denied", step="token_exchange")
    just_before_the_claim(lambda: failures.remember(f"exchange:{bob.pk}:{todo0.pk}", failed), monkeypatch)

    with pytest.raises(CrossAppError) as caught:
        access_token_for(user=bob, resource_app=todo0)
    assert caught.value.cause is Cause.NOT_ALLOWED
    assert world.sent == []


@pytest.mark.clause("RFC 9700", "4.14.2", "CL-06: one refresh at a time, for all resource apps of a user")
def test_two_resource_apps_of_a_user_make_one_refresh(world: World, bob: Any, todo0: ResourceApp) -> None:
    sign_in(bob, seconds=1)
    world.before_answering = slowly
    apps = [todo0, make_todo0(key="todo1")]

    tokens = at_once(lambda: access_token_for(user=bob, resource_app=apps.pop()), threads=2)

    assert [type(token) for token in tokens] == [AccessToken] * 2
    assert world.kinds().count("refresh") == 1
    assert world.kinds().count("token_exchange") == 2
    assert MemoryStore.kept[bob.pk].refresh_token == "canary-refresh-2"


def test_twenty_threads_with_a_revoked_token_make_one_new_exchange(world: World, bob: Any, todo0: ResourceApp) -> None:
    world.refused_tokens.add(access_token_for(user=bob, resource_app=todo0).value)
    world.before_answering = slowly
    world.sent.clear()

    responses = at_once(lambda: call_api(user=bob, resource_app=todo0, method="GET", path="/todos"))

    assert [response.status for response in responses] == [200] * THREADS
    assert world.kinds().count("token_exchange") == 1


def test_of_many_threads_so_many_are_at_the_api_at_a_time(
    world: World, bob: Any, todo0: ResourceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "AT_A_TIME", 3)
    monkeypatch.setattr(api, "_turns", {})
    access_token_for(user=bob, resource_app=todo0)
    there: list[int] = []
    most: list[int] = []

    def count(kind: str) -> None:
        there.append(1)
        most.append(len(there))
        slowly(kind)
        there.pop()

    world.before_answering = count
    responses = at_once(lambda: call_api(user=bob, resource_app=todo0, method="GET", path="/todos"))

    assert [response.status for response in responses] == [200] * THREADS
    assert max(most) == 3


def test_waiting_for_ones_turn_at_the_api_ends(
    world: World, bob: Any, todo0: ResourceApp, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    access_token_for(user=bob, resource_app=todo0)
    monkeypatch.setattr(api, "_turns", {todo0.pk: BoundedSemaphore(1)})
    settings.CROSSAPP_REQUESTING_APP |= {"LEASE_SECONDS": 0}
    world.sent.clear()
    with api._turns[todo0.pk], pytest.raises(CrossAppError) as caught:
        call_api(user=bob, resource_app=todo0, method="GET", path="/todos")
    assert (caught.value.cause, caught.value.step) == (Cause.UNREACHABLE, "api")
    assert world.sent == []


def test_waiting_for_a_crashed_holder_ends_with_the_lease(
    world: World, bob: Any, todo0: ResourceApp, settings: Any
) -> None:
    name = f"exchange:{bob.pk}:{todo0.pk}"
    Lease.objects.create(name=name, expires_at=timezone.now() + timedelta(seconds=0.4))

    assert access_token_for(user=bob, resource_app=todo0)

    StoredAccessToken.objects.all().delete()
    Lease.objects.filter(name=name).update(expires_at=timezone.now() + timedelta(hours=1))
    settings.CROSSAPP_REQUESTING_APP |= {"LEASE_SECONDS": 1}
    with pytest.raises(CrossAppError) as caught:
        access_token_for(user=bob, resource_app=todo0)
    assert (caught.value.cause, caught.value.step) == (Cause.UNREACHABLE, "lease")


def test_waiters_outlast_the_lease_of_a_crashed_holder(
    world: World, bob: Any, todo0: ResourceApp, settings: Any
) -> None:
    settings.CROSSAPP_REQUESTING_APP |= {"LEASE_SECONDS": 2}
    Lease.objects.create(name=f"exchange:{bob.pk}:{todo0.pk}", expires_at=timezone.now() + timedelta(seconds=2.5))
    assert access_token_for(user=bob, resource_app=todo0)


def test_an_exchange_ends_before_its_lease_does(world: World, bob: Any, todo0: ResourceApp, settings: Any) -> None:
    settings.CROSSAPP_REQUESTING_APP |= {"LEASE_SECONDS": 2}
    world.before_answering = lambda kind: time.sleep(0.6)

    with pytest.raises(CrossAppError) as caught:
        access_token_for(user=bob, resource_app=todo0)
    assert caught.value.cause is Cause.UNREACHABLE
    assert "jwt_bearer" not in world.kinds()


def test_nothing_is_sent_inside_a_transaction(world: World, bob: Any, todo0: ResourceApp) -> None:
    states: list[bool] = []
    world.before_answering = lambda kind: states.append(connection.in_atomic_block)

    call_api(user=bob, resource_app=todo0, method="GET", path="/todos")

    assert states == [False] * 5


PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth import get_user_model
from tests.requesting_app.conftest import make_todo0
get_user_model().objects.create_user("bob")
make_todo0()
"""
ASK = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
import django; django.setup()
from django.contrib.auth import get_user_model
from crossapp.requesting_app.flow import access_token_for
from crossapp.requesting_app.models import ResourceApp
from tests.requesting_app.peers import sign_in, world
bob, todo0 = get_user_model().objects.get(), ResourceApp.objects.get()
sign_in(bob)
world.before_answering = lambda kind: time.sleep(0.2)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(100) as pool:
    tokens = list(pool.map(lambda _: access_token_for(user=bob, resource_app=todo0).value, range(100)))
print(*sorted(set(tokens)))
others = {"base", "tenants", "audit", "authserver", "wiki", "todo", "idp", "operations", "idjag_demo"}
print(*sorted(others & sys.modules.keys()))
"""


def python(code: str, folder: Path) -> subprocess.Popen[str]:
    """Start a process of a product that has only the requesting app, with its database in `folder`."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.requesting_app.minimal_settings",
        "MINIMAL_DATABASE_FOLDER": str(folder),
        "PEERS_LOG": str(folder / "sent.log"),
    }
    root = Path(__file__).parents[2]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=root, **pipes)  # type: ignore[call-overload]


@pytest.mark.slow
def test_two_hundred_threads_of_two_processes_that_share_a_database_make_one_exchange(tmp_path: Path) -> None:
    with python(PREPARE, tmp_path) as prepare:
        assert prepare.wait(60) == 0
    processes = [python(ASK, tmp_path) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]

    tokens = {lines[0] for lines in outputs}
    assert len(tokens) == 1
    assert tokens.pop().startswith("canary-access-")
    sent = (tmp_path / "sent.log").read_text().split()
    assert [kind for kind in sent if kind != "metadata"] == ["token_exchange", "jwt_bearer"]
    assert {lines[1] for lines in outputs} == {""}
