"""All sites in one test, without a server: what would leave the process is answered by Django's test client.

`InProcessNetwork` does that for the server-to-server calls, `Browser` for a person's browser. Everything runs in the
test's own thread and transaction.
"""

import io
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils.http import urlencode
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse as RawResponse

from idjag_demo.sites import site_for
from tests.support.pages import Form, Page, read_page

MAX_REDIRECTS = 12


@dataclass(frozen=True)
class Exchange:
    """One server-to-server request and its answer."""

    method: str
    url: str
    body: str
    status: int

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass
class InProcessNetwork(BaseAdapter):
    """A requests adapter: every URL is answered by this process's sites, or refused as an unreachable host is.

    `exchanges` holds what went through, in order. `unreachable` holds the hosts (`name:port`) that are down now.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def to(self, path: str) -> list[Exchange]:
        """Return the exchanges whose URL path begins with `path`."""
        return [exchange for exchange in self.exchanges if exchange.path.startswith(path)]

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url, host = str(request.url), urlsplit(str(request.url)).netloc
        if host in self.unreachable or not _is_ours(host):
            raise requests.ConnectionError(f"{host} cannot be reached", request=request)
        body = request.body or b""
        body = body if isinstance(body, bytes) else str(body).encode()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        with _thread_state_kept():
            client = Client(enforce_csrf_checks=True)
            answer = _ask(client, str(request.method), url, body, headers.pop("Content-Type", ""), headers)
        self.exchanges.append(Exchange(str(request.method), url, body.decode(), answer.status_code))
        return _as_requests_response(request, answer)

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def answering(session: requests.Session) -> Iterator[InProcessNetwork]:
    """Let this process's own sites answer everything that `session` sends."""
    network, before = InProcessNetwork(), session.adapters
    session.adapters = OrderedDict({"https://": network, "http://": network})
    try:
        yield network
    finally:
        session.adapters = before


class Browser:
    """A person's browser: one cookie jar per host, redirects followed from site to site, CSRF enforced.

    `visited` holds every URL in order.
    """

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.visited: list[str] = []

    def client(self, url: str) -> Client:
        """Return the test client that holds the cookies of the host of `url`."""
        return self.clients.setdefault(urlsplit(url).netloc, Client(enforce_csrf_checks=True))

    def get(self, url: str) -> Page:
        """Go to `url` and follow redirects; return the page one ends on."""
        return self._follow(url, self._request("GET", url))

    def post(self, url: str, fields: Mapping[str, str]) -> Page:
        """Send `fields` as a form to `url` and follow redirects; return the page one ends on."""
        response = self._request("POST", url, urlencode(fields).encode(), "application/x-www-form-urlencoded")
        return self._follow(url, response)

    def submit(self, form: Form, **fields: str) -> Page:
        """Fill in `fields`, keep what the page filled in, and send the form."""
        return self.post(form.action, {**form.fields, **fields})

    def sign_in(self, app: str, email: str, password: str = "avocado") -> Page:
        """Sign in to `app` ("wiki" or "todo"): work email there, and the password at the IdP unless it knows us.

        Return the page one ends on, whichever that is.
        """
        page = self.get(f"{settings.ORIGINS[app]}{settings.LOGIN_URL}")
        page = self.submit(page.form_with("email"), email=email)
        if any("password" in form.fields for form in page.forms):
            page = self.submit(page.form_with("password"), email=email, password=password)
        return page

    def _request(self, method: str, url: str, body: bytes = b"", content_type: str = "") -> HttpResponse:
        self.visited.append(url)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        with _thread_state_kept():
            return _ask(self.client(url), method, url, body, content_type, {"Origin": origin} if body else {})

    def _follow(self, url: str, response: HttpResponse) -> Page:
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in (301, 302, 303, 307, 308):
                return read_page(url, response)
            url = urljoin(url, response.headers["Location"])
            response = self._request("GET", url)
        raise AssertionError(f"redirected more than {MAX_REDIRECTS} times, at last to {url}")


def sign_in(browser: Browser, app: str, email: str, password: str = "avocado") -> Page:
    """Sign in to `app` over the three hosts, successfully; return the app's page one ends on."""
    page = browser.sign_in(app, email, password)
    assert page.status == 200, f"{page.status} {page.url}: {page.text[:400]}"
    assert page.url.startswith(settings.ORIGINS[app]), f"stranded at {page.url}: {page.text[:400]}"
    return page


def _is_ours(host: str) -> bool:
    return site_for(host) is not None


def _ask(
    client: Client, method: str, url: str, body: bytes, content_type: str, headers: Mapping[str, str]
) -> HttpResponse:
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return client.generic(
        method,
        path,
        body,
        content_type or "application/octet-stream",
        secure=parts.scheme == "https",
        headers={**headers, "Host": parts.netloc},
    )


@contextmanager
def _thread_state_kept() -> Iterator[None]:
    """Undo what the end of a nested request does to the request around it."""
    urlconf, prefix = get_urlconf(), get_script_prefix()
    try:
        yield
    finally:
        set_urlconf(urlconf)
        set_script_prefix(prefix)


def _as_requests_response(request: requests.PreparedRequest, answer: HttpResponse) -> requests.Response:
    raw = RawResponse(
        body=io.BytesIO(b"".join(answer)),
        headers=dict(answer.headers),
        status=answer.status_code,
        reason=answer.reason_phrase,
        preload_content=False,
    )
    response = requests.Response()
    response.status_code, response.reason, response.raw = answer.status_code, answer.reason_phrase, raw
    response.headers.update(answer.headers)
    response.url, response.request = str(request.url), request
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    return response
