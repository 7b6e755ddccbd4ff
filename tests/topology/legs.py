"""Both legs of the flow by hand, through the proxy: what Wiki0 does for a person who has signed in there."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import requests
from django.conf import settings

from authserver.models import JWT_BEARER, TOKEN_EXCHANGE
from crossapp.requesting_app.models import ResourceApp
from tenants.models import App, IdPConnection
from tests.support.legs import ID_JAG_TYPE, ID_TOKEN_TYPE, id_token_of
from tests.support.over_http import LoopbackAdapter
from tests.topology.people import Crowd, Person
from tests.topology.webs import Web

SECONDS = 60


def client(web: Web | None = None) -> requests.Session:
    """Return a browser that finds the topology's sites: through the proxy, or at one web process past it."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", PastTheProxy(web.port) if web else LoopbackAdapter(pool_maxsize=50))
    return session


class PastTheProxy(LoopbackAdapter):
    """Asks one web process, whatever the port in the address."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        return {**host, "port": self._port}, pool


class Legs:
    """Everything is looked up at the beginning, so that nothing needs the database later. `web` as in `client`."""

    def __init__(self, person: Person, web: Web | None = None) -> None:
        todo0 = ResourceApp.objects.get(key="todo0")
        connection = IdPConnection.objects.get(app=App.WIKI, tenant=person.wiki_user.tenant)
        self.todo, self.idp, self.path = settings.ORIGINS["todo"], connection.issuer, f"/api/todos/{person.todo.pk}"
        self._at_idp = connection.client_id, connection.client_secret
        self._at_todo = todo0.client_id, todo0.client_secret
        self._id_token = id_token_of(person.email)
        self._session = client(web)

    def exchange(self) -> requests.Response:
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG_TYPE,
            "subject_token": self._id_token,
            "subject_token_type": ID_TOKEN_TYPE,
            "audience": self.todo,
            "resource": f"{self.todo}/api",
            "scope": "read",
        }
        return self._post(f"{self.idp}/oauth2/v1/token", form, self._at_idp)

    def redeem(self, id_jag: str) -> requests.Response:
        form = {"grant_type": JWT_BEARER, "assertion": id_jag}
        return self._post(f"{self.todo}/oauth2/v1/token", form, self._at_todo)

    def call(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self._session.get(f"{self.todo}{self.path}", headers=headers, timeout=SECONDS)

    def id_jag(self) -> str:
        return token_in(self.exchange())

    def access_token(self) -> str:
        return token_in(self.redeem(self.id_jag()))

    def _post(self, url: str, form: dict[str, Any], credentials: tuple[str, str]) -> requests.Response:
        return self._session.post(url, data=form, auth=credentials, timeout=SECONDS)


class Exchanges(Crowd):
    """Programs that go through both legs again and again. `granted` is how many access tokens they got."""

    def __init__(self, legs: Sequence[Legs]) -> None:
        self.answers: list[requests.Response] = []
        self.granted = 0
        super().__init__([partial(self._go, one) for one in legs])

    def _go(self, legs: Legs) -> None:
        self.answers.append(exchanged := legs.exchange())
        if exchanged.status_code == 200:
            self.answers.append(redeemed := legs.redeem(token_in(exchanged)))
            self.granted += redeemed.status_code == 200


def token_in(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
