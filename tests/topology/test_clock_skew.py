"""Processes whose clocks differ: within the tolerance it works, beyond it there is a clear refusal and never a 500."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from audit.models import Act, AuditEvent, Outcome
from crossapp.requesting_app.models import StoredAccessToken
from crossapp.resource_app.conf import conf
from idp.id_jag import LIFETIME
from tenants.single_sign_on.id_token import SKEW_SECONDS
from tests.topology.legs import Legs
from tests.topology.people import Person
from tests.topology.processes import program
from tests.topology.topology import Since, Topology, mistakes_in
from tests.topology.webs import Web

pytestmark = pytest.mark.services

IDP, TODO = r"^\w+ customer1\.idp\.", r"^\w+ todo\."
NEAR, FAR = 20, 120  # seconds, on either side of the tolerance

Skewed = Callable[[int, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that lets a process believe in another time."""
    library, source = tmp_path_factory.mktemp("clock") / "clock.so", Path(__file__).with_name("clock.c")
    subprocess.run([program("cc", "gcc"), "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture
def skewed(topology: Topology, tmp_path: Path, clock: Path) -> Skewed:
    """Return what lets a site be answered by a process whose clock is so many seconds ahead."""

    @contextmanager
    def skewed(seconds: int, site: str) -> Iterator[None]:
        web = Web(tmp_path, f"c{len(list(tmp_path.iterdir()))}")
        web.set_environment(topology.environment(LD_PRELOAD=str(clock), CLOCK_AHEAD=str(seconds)))
        web.start()
        topology.proxy.named_only.append(web)
        try:
            topology.proxy.route({site: web.name})
            yield
        finally:
            topology.proxy.named_only.remove(web)
            topology.proxy.route()
            web.stop()
        assert not mistakes_in(web.said())

    return skewed


def test_the_clocks_are_within_and_beyond_the_tolerance_of_both_apps() -> None:
    assert NEAR < conf().clock_skew < FAR
    assert NEAR < SKEW_SECONDS < FAR


@pytest.mark.parametrize("site", [IDP, TODO], ids=["IdP", "Todo0"])
@pytest.mark.clause("limits", "", "LIM-13")
def test_a_clock_that_is_a_little_ahead_is_not_noticed(
    topology: Topology, since: Since, skewed: Skewed, site: str
) -> None:
    with skewed(NEAR, site):
        person = Person().sign_in().sign_in("todo")
        assert person.is_shown(person.ask_for_card())
    assert not since.errors()


@pytest.mark.clause("limits", "", "LIM-13")
def test_a_sign_in_fails_at_an_idp_with_a_clock_in_the_future(topology: Topology, since: Since, skewed: Skewed) -> None:
    person = Person()
    with skewed(FAR, IDP):
        page = person.browser.sign_in("wiki", person.email)
    assert page.status == 502
    assert "Your organisation's identity provider" in page.text
    refusal = AuditEvent.objects.filter(act=Act.SIGN_IN, outcome=Outcome.REFUSED).latest("pk")
    assert re.fullmatch(r"iat is in the future by 1[12]\d s; 30 s are accepted: compare the clocks", refusal.detail)
    assert not since.errors()


@pytest.mark.parametrize(
    ("site", "seconds", "check"), [(IDP, FAR, "iat"), (TODO, LIFETIME + FAR, "exp")], ids=["IdP", "Todo0"]
)
@pytest.mark.clause("limits", "", "LIM-13")
def test_an_id_jag_of_another_time_is_refused_and_the_link_stays_plain(
    topology: Topology, since: Since, skewed: Skewed, site: str, seconds: int, check: str
) -> None:
    person = Person().sign_in()
    legs = Legs(person)
    with skewed(seconds, site):
        answer = legs.redeem(legs.id_jag())
        card = person.card()
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert AuditEvent.objects.filter(act=Act.REDEMPTION).latest("pk").failed_check == check
    assert (card["card"], card["reason"]["code"]) == (None, "not_set_up")
    assert not StoredAccessToken.objects.filter(user=person.wiki_user).exists()
    assert not since.errors()
