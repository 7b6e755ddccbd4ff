"""A person's browser that really talks HTTP, to the live demo."""

from typing import Any
from urllib.parse import urlsplit

import requests
from django.http import HttpResponse
from requests.adapters import HTTPAdapter

from tests.support.in_process import Browser

SECONDS = 30


class HttpBrowser(Browser):
    """Like `Browser`, over the network: `session` holds the cookies."""

    def __init__(self) -> None:
        super().__init__()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", LoopbackAdapter(pool_maxsize=20))

    def cookie(self, host: str, name: str) -> str:
        """Return the value of the cookie `name` of `host` (without the port)."""
        return next(
            str(cookie.value) for cookie in self.session.cookies if (cookie.domain, cookie.name) == (host, name)
        )

    def _request(self, method: str, url: str, body: bytes = b"", content_type: str = "") -> HttpResponse:
        self.visited.append(url)
        headers = {"Content-Type": content_type} if content_type else {}
        answer = self.session.request(method, url, data=body, headers=headers, allow_redirects=False, timeout=SECONDS)
        return HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))


class LoopbackAdapter(HTTPAdapter):
    """Finds every name on this machine, as browsers find `*.localhost`; the C library does not."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return {**host, "host": "127.0.0.1"}, pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.headers["Host"] = urlsplit(str(request.url)).netloc
        return super().send(request, *args, **kwargs)
