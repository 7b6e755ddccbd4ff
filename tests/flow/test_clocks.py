"""Hosts whose clocks differ: half a minute is nothing, ten minutes are too much."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from crossapp.requesting_app.models import StoredAccessToken
from tests.support.demo import Demo
from tests.support.in_process import InProcessNetwork

BOB = "bob@tables.fake"
IDP, TODO = "customer1.idp.localhost:8000", "todo.localhost:8000"
SetClock = Callable[[str, float], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Return what sets the clock of a host, as those see it who are asked by another host."""
    real, send, here = time.time, InProcessNetwork.send, [0.0]
    ahead: dict[str, float] = {}

    def send_there(self: InProcessNetwork, request: Any, *args: Any, **kwargs: Any) -> Any:
        before, here[0] = here[0], ahead.get(request.url.split("/")[2], 0.0)
        try:
            return send(self, request, *args, **kwargs)
        finally:
            here[0] = before

    def set_clock(host: str, seconds: float) -> None:
        ahead[host] = seconds

    monkeypatch.setattr(time, "time", lambda: real() + here[0])
    monkeypatch.setattr(InProcessNetwork, "send", send_there)
    return set_clock


def signs_in(demo: Demo) -> bool:
    demo.browser.clients.clear()
    page = demo.browser.sign_in("wiki", BOB)
    return page.url.startswith("http://wiki.localhost:8000/") and page.status == 200


def shows_a_card(demo: Demo) -> bool:
    StoredAccessToken.objects.all().delete()
    return demo.unfurl([demo.link_to(BOB)])[0]["card"] is not None


@pytest.mark.parametrize(("seconds", "accepted"), [(0, True), (30, True), (-30, True), (600, False), (-600, False)])
@pytest.mark.clause("RFC 7523", "3", "LIM-13")
def test_the_clock_of_the_resource_app(
    demo: Demo,
    set_clock: SetClock,
    seconds: int,
    accepted: bool,
) -> None:
    assert signs_in(demo)
    set_clock(TODO, seconds)
    assert shows_a_card(demo) is accepted


@pytest.mark.parametrize(("seconds", "accepted"), [(0, True), (30, True), (-30, True), (600, False), (-1200, False)])
@pytest.mark.clause("OIDC Core", "3.1.3.7", "LIM-13")
def test_the_clock_of_the_idp_as_a_sign_in_sees_it(
    demo: Demo,
    set_clock: SetClock,
    seconds: int,
    accepted: bool,
) -> None:
    set_clock(IDP, seconds)
    assert signs_in(demo) is accepted


@pytest.mark.parametrize(("seconds", "accepted"), [(30, True), (-30, True), (600, False), (-600, False)])
@pytest.mark.clause("RFC 7523", "3", "LIM-13")
def test_the_clock_of_the_idp_as_the_resource_app_sees_it(
    demo: Demo,
    set_clock: SetClock,
    seconds: int,
    accepted: bool,
) -> None:
    assert signs_in(demo)
    set_clock(IDP, seconds)
    assert shows_a_card(demo) is accepted
