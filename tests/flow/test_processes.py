"""Several processes, peers that hang, and a process that ends in the middle of an exchange."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone
from requests.adapters import BaseAdapter

from base.outgoing import session
from crossapp.requesting_app.conf import conf
from crossapp.requesting_app.models import StoredAccessToken
from crossapp.resource_app import replay
from crossapp.resource_app.models import ConsumedJti
from tenants.models import SubjectTokens
from tests.flow.test_over_http import unfurl
from tests.support.demo import Demo
from tests.support.in_process import InProcessNetwork, sign_in
from tests.support.legs import id_jag_of, is_refused, redeem
from tests.support.over_http import HttpBrowser
from todo.models import Todo

ROOT = Path(__file__).resolve().parents[2]
BOB, JOHN = "bob@tables.fake", "john@tables.fake2"

CLAIM = """
import sys
import django; django.setup()
from datetime import UTC, datetime, timedelta
from django.db import connection, transaction
connection.settings_dict["NAME"] = sys.argv[1]
from crossapp.resource_app.replay import Replayed, claim
print("ready", flush=True)
sys.stdin.readline()
try:
    with transaction.atomic():
        claim(issuer="https://idp.example", jti="one", expires_at=datetime.now(UTC) + timedelta(minutes=5))
    print("claimed")
except Replayed:
    print("replayed")
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start another process of the project."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, cwd=ROOT, **pipes)  # type: ignore[call-overload]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("RFC 7523", "3", "LIM-09")
def test_of_two_processes_with_the_same_jti_one_is_first() -> None:
    processes = [python(CLAIM, str(connection.settings_dict["NAME"])) for _ in range(2)]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sorted(process.communicate(timeout=60)[0] for process in processes) == ["claimed\n", "replayed\n"]


@pytest.mark.clause("RFC 7523", "3", "LIM-09")
def test_a_jti_is_kept_as_long_as_its_id_jag_is_good_and_no_longer(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    id_jag = id_jag_of(BOB)
    assert redeem(id_jag).status_code == 200
    row = ConsumedJti.objects.get()
    expires = jwt.decode(id_jag, options={"verify_signature": False})["exp"]
    assert row.expires_at.timestamp() == expires + 30
    assert replay.sweep() == 0
    assert is_refused(redeem(id_jag), "invalid_grant")
    ConsumedJti.objects.update(expires_at=timezone.now() - timedelta(seconds=29))
    assert replay.sweep() == 0, "by a clock that is behind ours it may be good still"
    ConsumedJti.objects.update(expires_at=timezone.now() - timedelta(seconds=31))
    assert replay.sweep() == 1
    assert not ConsumedJti.objects.exists()


class Hanging(BaseAdapter):
    """A peer that takes a request and says nothing until `released`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.released = threading.Event(), threading.Event()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        self.asked.set()
        self.released.wait(30)
        raise requests.ConnectionError("it never answered", request=request)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.slow
@pytest.mark.clause("limits", "", "LIM-17")
def test_sixteen_requests_waiting_for_one_idp_do_not_delay_other_tenants(live_demo: dict[str, str]) -> None:
    bob, john = HttpBrowser(), HttpBrowser()
    for browser, person in ((bob, BOB), (john, JOHN)):
        sign_in(browser, "wiki", person)
        browser.get(f"{live_demo['wiki']}/pages/")
    mine, his = (f"{live_demo['todo']}/todos/{Todo.objects.filter(owner__email=p)[0].pk}" for p in (BOB, JOHN))
    hanging, prefix = Hanging(), live_demo["idp"].format(tenant="customer1")
    session().mount(prefix, hanging)
    try:
        with ThreadPoolExecutor(16) as pool:
            waiting = [pool.submit(unfurl, bob, mine) for _ in range(16)]
            assert hanging.asked.wait(30)
            assert unfurl(john, his)["card"]
            for origin in (live_demo["staff"], live_demo["wiki"], live_demo["idp"].format(tenant="customer2")):
                assert john.get(f"{origin}/").status == 200
            assert not any(future.done() for future in waiting)
            hanging.released.set()
            assert {future.result()["reason"]["code"] for future in waiting} == {"no_answer"}
    finally:
        hanging.released.set()
        del session().adapters[prefix]


class Killed(BaseException):
    """What ends a worker: no `except Exception` stops it."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what ends the process at a later request to another site: before it is sent, or when it is answered."""
    send = InProcessNetwork.send

    def kill(at: int, *, answered: bool) -> list[str]:
        sent: list[str] = []

        def send_or_die(self: InProcessNetwork, request: Any, *args: Any, **kwargs: Any) -> Any:
            sent.append(str(request.body or ""))
            if len(sent) == at and not answered:
                raise Killed
            answer = send(self, request, *args, **kwargs)
            if len(sent) == at:
                raise Killed
            return answer

        monkeypatch.setattr(InProcessNetwork, "send", send_or_die)
        return sent

    return kill


@pytest.mark.parametrize("answered", [False, True], ids=["before it is sent", "when it is answered"])
@pytest.mark.clause("limits", "", "LIM-18")
def test_wherever_a_process_ends_in_an_exchange_the_next_one_goes_on(
    demo: Demo,
    kill: Callable[..., list[str]],
    answered: bool,
) -> None:
    sign_in(demo.browser, "wiki", BOB)
    link, died = demo.link_to(BOB), []
    for at in range(1, 10):
        StoredAccessToken.objects.all().delete()
        SubjectTokens.objects.update(id_token_expires_at=timezone.now() + timedelta(seconds=5))
        sent = kill(at, answered=answered)
        try:
            demo.unfurl([link])
        except Killed:
            died.append(sent[-1])
        else:
            break
        kill(0, answered=False)
        result = demo.unfurl([link])[0]
        if answered and "grant_type=refresh_token" in sent[-1]:
            # The one token that is spent before its successor is kept: the person is asked to sign in, and that helps.
            assert result["reason"]["code"] == "sign_in_again"
            demo.browser.clients.clear()
            sign_in(demo.browser, "wiki", BOB)
            result = demo.unfurl([link])[0]
        assert result["card"], sent[-1]
    grants = [name for name in ("refresh_token", "token-exchange", "jwt-bearer") if any(name in body for body in died)]
    assert len(grants) == 3, "it has died at each of the steps"


@pytest.mark.clause("limits", "", "LIM-18")
def test_a_restart_lets_an_exchange_come_to_its_end() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    [grace] = re.findall(r"stop_grace_period: (\d+)s", compose)
    assert "graceful-timeout" not in (ROOT / "Dockerfile").read_text() + compose
    assert conf().lease_seconds < 30 < int(grace), "gunicorn lets requests end within 30 s"
    assert settings.CROSSAPP_REQUESTING_APP.get("LEASE_SECONDS", conf().lease_seconds) == conf().lease_seconds
