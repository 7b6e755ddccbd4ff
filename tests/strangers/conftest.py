"""A person of the live demo with an ID token at Wiki0, and what a stranger's code needs to take Wiki0's place.

Each test module names the package that it tests in `STRANGER`. One from npm also names the script in `SCRIPT`.
"""

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any, NoReturn

import pytest
import requests

from crossapp.requesting_app.models import ResourceApp
from tenants.models import App, IdPConnection, SubjectTokens
from tests.strangers.registered import ID_JAG, ID_TOKEN, TOKEN_EXCHANGE, Registered, register
from tests.support import local_server, node
from tests.support.in_process import sign_in
from tests.support.over_http import HttpBrowser, LoopbackAdapter

BOB = "bob@tables.fake"


@dataclass(frozen=True)
class Peers:
    """The IdP and Todo0 of the live demo, as one who has Wiki0's place among them knows them."""

    issuer: str
    audience: str
    resource: str
    client_id: str
    client_secret: str
    id_token: str
    http: requests.Session

    def id_jag(self, **changes: str) -> str:
        """Get an ID-JAG from the IdP: the first leg, with nothing but HTTP."""
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG,
            "subject_token": self.id_token,
            "subject_token_type": ID_TOKEN,
            "audience": self.audience,
            "resource": self.resource,
            "scope": "read",
        } | changes
        url = f"{self.issuer}/oauth2/v1/token"
        answer = self.http.post(url, data=form, auth=self.credentials_at_idp(), timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def credentials_at_idp(self) -> tuple[str, str]:
        """Return Wiki0's client identifier and secret at the IdP."""
        connection = IdPConnection.objects.get(issuer=self.issuer, app=App.WIKI)
        return connection.client_id, connection.client_secret


@pytest.fixture
def _names_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `*.localhost` be found here, as RFC 6761 section 6.3 has it and many systems do: for code without a hook."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return look_up("127.0.0.1" if str(name).endswith(".localhost") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _says_its_version(request: pytest.FixtureRequest, record_property: Any) -> None:
    """Note the version of the stranger in the test's report; the run prints all of them at its end."""
    package = request.module.STRANGER
    if not hasattr(request.module, "SCRIPT"):
        stranger = f"{package} {metadata.version(package)}"
    elif problem := node.node_problem():
        _give_up(problem)
    else:
        stranger = f"{package} {node.version(package)}"
    record_property("stranger", stranger)
    sys.stdout.write(f"With {stranger}.\n")


def _give_up(reason: str) -> NoReturn:
    """Skip the tests with Node, or fail where Node is required."""
    if os.environ.get("REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def script(request: pytest.FixtureRequest) -> Iterator[node.Stranger]:
    """The module's script, which runs for all of its tests."""
    if problem := node.node_problem():
        _give_up(problem)
    with node.running(request.module.SCRIPT) as stranger:
        yield stranger


@pytest.fixture(scope="module")
def callback() -> Iterator[str]:
    """The redirect URI of a client: a page that exists."""
    with local_server.serving() as port:
        yield f"http://127.0.0.1:{port}/callback"


@pytest.fixture
def registered(live_demo: dict[str, str], callback: str) -> Registered:
    """A client that its operator registered at Bob's IdP and at Todo0."""
    return register(live_demo["todo"], callback)


@pytest.fixture
def bobs_browser(live_demo: dict[str, str]) -> HttpBrowser:
    """He has signed in to Wiki0, so Wiki0 has an ID token of his and his IdP knows him."""
    browser = HttpBrowser()
    sign_in(browser, "wiki", BOB)
    return browser


@pytest.fixture
def peers(live_demo: dict[str, str], bobs_browser: HttpBrowser, _names_of_this_machine: None) -> Peers:
    """The peers of Wiki0 after Bob has signed in there."""
    http = requests.Session()
    http.trust_env = False
    http.mount("http://", LoopbackAdapter())
    todo0 = ResourceApp.objects.get(key="todo0")
    return Peers(
        issuer=live_demo["idp"].format(tenant="customer1"),
        audience=todo0.audience,
        resource=todo0.resource,
        client_id=todo0.client_id,
        client_secret=todo0.client_secret,
        id_token=SubjectTokens.objects.get(user__email=BOB).id_token,
        http=http,
    )
