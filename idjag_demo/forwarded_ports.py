"""One origin for each port (PORT_ORIGIN), for GitHub Codespaces and other forwarders that have no subdomains.

The local port of a request tells the site. Such a forwarder replaces the browser's host name by `localhost` and that
port, in Host and in an Origin of the same site (microsoft/dev-tunnels issue 284), and it terminates TLS. Any other host
name gets 404, as without a forwarder.
"""

from collections.abc import Callable
from http.cookies import Morsel
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


class PortMiddleware:
    """Gives a forwarded request the Host, the Origin and the scheme that the browser used."""

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.PORTS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        port = request.META.get("SERVER_PORT", "")
        origin = settings.PORTS.get(int(port)) if port.isdecimal() else None
        if origin:
            scheme, host = urlsplit(origin)[:2]
            local = [f"localhost:{port}", f"127.0.0.1:{port}"]
            if request.META.get("HTTP_HOST") in local:
                request.META["HTTP_HOST"] = host
            if request.META.get("HTTP_ORIGIN") in [f"{each}://{name}" for each in ("http", "https") for name in local]:
                request.META["HTTP_ORIGIN"] = origin
            request.META["wsgi.url_scheme"] = scheme
        return self.get_response(request)


class PortCookiesMiddleware:
    """Keeps cookies of sites on one host name apart: browsers ignore the port (RFC 6265 section 8.5)."""

    def __init__(self, get_response: GetResponse) -> None:
        if len({urlsplit(origin).hostname for origin in settings.PORTS.values()}) == len(settings.PORTS):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        ending = f"_{request.META.get('SERVER_PORT', '')}"
        pairs = [pair.strip().partition("=") for pair in request.META.get("HTTP_COOKIE", "").split(";")]
        ours = [f"{name.removesuffix(ending)}={value}" for name, _, value in pairs if name.endswith(ending)]
        request.META["HTTP_COOKIE"] = "; ".join(ours)
        response = self.get_response(request)
        for name in list(response.cookies):
            _rename(response.cookies, name, name + ending)
        return response


def _rename(cookies: Any, name: str, new: str) -> None:
    morsel: Morsel[str] = cookies.pop(name)
    morsel.set(new, morsel.value, morsel.coded_value)
    cookies[new] = morsel
