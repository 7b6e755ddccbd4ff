"""A person of the live demo with an ID token at Wiki0, and what a stranger's code needs to take Wiki0's place."""

import socket
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from crossapp.requesting_app.models import ResourceApp
from tenants.models import App, IdPConnection, SubjectTokens
from tests.support.in_process import sign_in
from tests.support.over_http import HttpBrowser, LoopbackAdapter

BOB = "bob@tables.fake"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


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
        connection = IdPConnection.objects.get(issuer=self.issuer, app=App.WIKI)
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG,
            "subject_token": self.id_token,
            "subject_token_type": ID_TOKEN,
            "audience": self.audience,
            "resource": self.resource,
            "scope": "read",
        } | changes
        credentials = (connection.client_id, connection.client_secret)
        answer = self.http.post(f"{self.issuer}/oauth2/v1/token", data=form, auth=credentials, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


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


@pytest.fixture
def peers(live_demo: dict[str, str], _names_of_this_machine: None) -> Peers:
    """Bob has signed in to Wiki0, so Wiki0 has an ID token of his."""
    browser = HttpBrowser()
    sign_in(browser, "wiki", BOB)
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
