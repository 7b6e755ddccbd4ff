"""The whole demo in one process: seeded, with its server-to-server calls answered by its own sites."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings

from idjag_demo.demo.seed import seed
from tests.support.in_process import Browser, InProcessNetwork
from todo.models import Todo


class Demo:
    """What a test does in the demo: sign people in, ask for cards, look at what went over the wire."""

    def __init__(self, browser: Browser, network: InProcessNetwork) -> None:
        self.browser = browser
        self.network = network

    def link_to(self, email: str, task: str | None = None) -> str:
        """Return the link to the first todo of the person, or to a new one."""
        mine = Todo.objects.filter(owner__email=email)
        todo = Todo.objects.create(owner=mine[0].owner, task=task) if task else mine.order_by("pk")[0]
        return f"{settings.ORIGINS['todo']}/todos/{todo.pk}"

    def unfurl(self, urls: Sequence[str]) -> list[dict[str, Any]]:
        """Ask Wiki0 for cards, as its pages do."""
        origin = settings.ORIGINS["wiki"]
        client = self.browser.client(origin)
        client.get("/pages/", headers={"host": "wiki.localhost:8000"})
        response = client.post(
            "/api/articles/unfurl",
            json.dumps({"urls": list(urls)}),
            content_type="application/json",
            headers={
                "host": "wiki.localhost:8000",
                "origin": origin,
                "x-csrftoken": client.cookies[settings.CSRF_COOKIE_NAME].value,
            },
        )
        assert response.status_code == 200, response.content
        return list(response.json()["cards"])

    def exchanges(self) -> list[str]:
        """Return the grant types of the ID-JAG flow that went over the wire, in order."""
        bodies = [exchange.body for exchange in self.network.to("/oauth2/v1/token")]
        return [name for body in bodies for name in ("token-exchange", "jwt-bearer") if f"grant-type%3A{name}" in body]


@pytest.fixture
def demo(walker: Browser, in_process_network: InProcessNetwork) -> Demo:
    seed()
    return Demo(walker, in_process_network)
