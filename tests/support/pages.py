"""What a browser would see in an HTML page: its forms, its links and its text."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from django.http import HttpResponse

NAVIGATE = {"sec-fetch-mode": "navigate"}  # what a browser sends with a form
_UNSEEN = {"title", "script", "style", "template"}


def assert_goes_on(page: Any, url: str, *, whole: bool = True) -> None:
    """Assert that `page` takes a browser to `url` (`whole`, or its beginning), by itself and by a link."""
    assert page.status_code == 200
    text = page.content.decode()
    by_itself = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', text)
    by_link = re.search(r'<a class="button [^"]*"\s+href="([^"]*)"\s+rel="noreferrer">Continue</a>', text)
    assert by_itself
    assert by_link
    assert by_itself[1] == by_link[1]
    reached = unescape(by_link[1])
    assert reached == url if whole else reached.startswith(url)
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "no-referrer"


@dataclass
class Form:
    """A form as it would be sent: `action` as an absolute URL, `fields` with the values filled in by the page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """An answer and what it shows. `url` is where it was found after all redirects."""

    url: str
    response: HttpResponse
    forms: list[Form]
    links: dict[str, str]
    text: str

    @property
    def status(self) -> int:
        return self.response.status_code

    def form_with(self, name: str) -> Form:
        """Return the one form that has a field called `name`."""
        found = [form for form in self.forms if name in form.fields]
        assert len(found) == 1, (
            f"{len(found)} forms with a field {name!r} at {self.url} ({self.status}): {self.text[:400]}"
        )
        return found[0]


def read_page(url: str, response: HttpResponse) -> Page:
    """Return what `response`, which `url` answered, shows."""
    parser = _PageParser(url)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        parser.feed(response.content.decode())
    return Page(url, response, parser.forms, parser.links, " ".join(" ".join(parser.text).split()))


class _PageParser(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.text: list[str] = []
        self._form: Form | None = None
        self._unseen: list[str] = []
        self._href: str | None = None
        self._link_text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag == "form":
            action = urljoin(self.url, values.get("action") or self.url)
            self._form = Form(action, values.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in ("input", "textarea", "select") and self._form and "name" in values:
            if values.get("type") not in ("checkbox", "radio", "submit") or "checked" in values:
                self._form.fields[values["name"]] = values.get("value", "")
        elif tag == "a" and "href" in values:
            self._href, self._link_text = urljoin(self.url, values["href"]), []

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and self._unseen[-1] == tag:
            self._unseen.pop()
        elif tag == "form":
            self._form = None
        elif tag == "a" and self._href:
            self.links[" ".join(" ".join(self._link_text).split())] = self._href
            self._href = None

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        self.text.append(data)
        if self._href:
            self._link_text.append(data)
