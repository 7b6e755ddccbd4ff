"""People of the demo's organisations, each with a browser, and storms of them."""

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from typing import Any, Self

import requests
from django.conf import settings
from django.contrib.auth.hashers import make_password

from audit.changes import unrecorded
from idjag_demo.demo.seed import DEMO_PASSWORD
from tenants.models import EmailDomain, Realm, Tenant, User
from tests.support.in_process import sign_in
from tests.support.over_http import HttpBrowser, LoopbackAdapter
from tests.topology.processes import until
from todo.models import Todo

_numbers = itertools.count(1)
_password = make_password(DEMO_PASSWORD, hasher="pbkdf2_sha256")  # the webs know no hasher of the tests


class Person:
    """A new person at an organisation of the demo, with one todo, not signed in yet."""

    def __init__(self, slug: str = "customer1") -> None:
        tenant = Tenant.objects.get(slug=slug)
        domain = EmailDomain.objects.filter(tenant=tenant)[0].domain
        self.email = f"person{next(_numbers)}@{domain}"
        with unrecorded():
            self.accounts = {realm: self._account(tenant, realm) for realm in (Realm.IDP, Realm.WIKI, Realm.TODO)}
        self.todo = Todo.objects.create(owner=self.accounts[Realm.TODO], task=f"The task of {self.email}")
        self.link = self.todo.url
        self.browser = HttpBrowser()
        self.browser.session.mount("http://", LoopbackAdapter(pool_maxsize=200))

    def _account(self, tenant: Tenant, realm: Realm) -> User:
        return User.objects.create(
            username=f"{realm}:{tenant.slug}:{self.email}",
            realm=realm,
            tenant=tenant,
            email=self.email,
            first_name=self.email.partition("@")[0],
            sub=f"sub-of-{self.email}" if realm == Realm.IDP else None,
            password=_password if realm == Realm.IDP else make_password(None),
        )

    @property
    def wiki_user(self) -> User:
        return self.accounts[Realm.WIKI]

    def sign_in(self, app: str = "wiki") -> "Person":
        sign_in(self.browser, app, self.email)
        self.browser.get(f"{settings.ORIGINS['wiki']}/pages/")
        return self

    def ask_for_card(self) -> requests.Response:
        """Ask Wiki0 for the card of the todo, as its pages do; return whatever is answered."""
        return self.browser.session.post(
            f"{settings.ORIGINS['wiki']}/api/articles/unfurl",
            json={"urls": [self.link]},
            headers={
                "Origin": settings.ORIGINS["wiki"],
                "X-CSRFToken": self.browser.cookie("wiki.localhost", settings.CSRF_COOKIE_NAME),
            },
            timeout=60,
        )

    def card(self) -> dict[str, Any]:
        """Return what the page would show for the link: a card, or the reason why there is none."""
        answer = self.ask_for_card()
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["cards"][0])

    def is_shown(self, answer: requests.Response) -> bool:
        """Say whether this is the card of the todo."""
        card = answer.status_code == 200 and answer.json()["cards"][0]["card"]
        return bool(card and card["title"] == self.todo.task)


@dataclass(frozen=True)
class Asked:
    """One request of a storm; times are those of `time.monotonic`. No `answer`: the connection broke."""

    person: Person
    start: float
    end: float
    answer: requests.Response | None

    @property
    def is_shown(self) -> bool:
        return self.answer is not None and self.person.is_shown(self.answer)

    @property
    def web(self) -> str:
        """Which web process had it last, as the proxy says."""
        return self.answer.headers.get("X-Upstream", "").rpartition(", ")[2] if self.answer is not None else ""

    @property
    def what(self) -> tuple[str, int, str]:
        """What came of it: the web, the status, and the reason why there is no card or when to come back."""
        if self.answer is None:
            return "", 0, "broken"
        if self.answer.status_code != 200:
            return self.web, self.answer.status_code, self.answer.headers.get("Retry-After", "")
        reason = self.answer.json()["cards"][0]["reason"]
        return self.web, 200, reason["code"] if reason else ""


class Crowd:
    """Threads that do something again and again as long as one is inside. A mistake of theirs is raised at the end."""

    def __init__(self, acts: Sequence[Callable[[], None]]) -> None:
        self._over, self._mistakes = Event(), list[Exception]()
        self._threads = [Thread(target=self._repeat, args=(act,)) for act in acts]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        for mistake in self._mistakes:
            raise mistake

    def _repeat(self, act: Callable[[], None]) -> None:
        try:
            while not self._over.is_set():
                with suppress(requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                    act()  # which notes by itself what it was answered, if anything
        except Exception as mistake:
            self._mistakes.append(mistake)


class Storm(Crowd):
    """People who ask for their cards, each in several windows at once."""

    def __init__(self, people: Sequence[Person], windows: int) -> None:
        self.asked: list[Asked] = []
        super().__init__([partial(self._ask, person) for person in people for _ in range(windows)])

    @property
    def answers(self) -> list[requests.Response]:
        return [one.answer for one in self.asked if one.answer is not None]

    def goes_on(self, *, for_requests: int) -> None:
        """Wait until so many more were answered."""
        so_far = len(self.asked)
        until(lambda: len(self.asked) >= so_far + for_requests, "answers in a storm")

    def _ask(self, person: Person) -> None:
        start, answer = time.monotonic(), None
        try:
            answer = person.ask_for_card()
        finally:
            self.asked.append(Asked(person, start, time.monotonic(), answer))
