"""Whose address a request comes from, and over what: a proxy is believed only if it is ours."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from idjag_demo.middleware import PeerMiddleware


def seen(peer: str, **headers: str) -> HttpRequest:
    requests: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        return HttpResponse()

    PeerMiddleware(view)(RequestFactory(headers=headers).get("/", REMOTE_ADDR=peer))
    return requests[0]


@pytest.fixture
def _proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.9, 192.0.2.1, 10.1.2.3", "192.0.2.1"),
        ("2001:db8::1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.1.2.3", "127.0.0.1"),
        ("198.51.100.1", "192.0.2.1", "198.51.100.1"),
        ("", "192.0.2.1", ""),
        ("127.0.0.1", "192.0.2.1:40000", "192.0.2.1"),  # as Azure's Application Gateway writes it
        ("127.0.0.1", "[2001:db9::1]:40000", "2001:db9::1"),
        ("127.0.0.1", "[2001:db9::1]", "2001:db9::1"),
        ("127.0.0.1", '"[2001:db9::1]:40000"', "2001:db9::1"),
        ("127.0.0.1", "2001:DB9:0::1", "2001:db9::1"),
        ("127.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "[::ffff:192.0.2.1]:1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1:4, 10.1.2.3:5, [2001:db8::5]:6", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, , ,", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, unknown", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1, unknown, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "192.0.2.1, _hidden:80", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1, [", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1, 1.2.3.4.5:6", "127.0.0.1"),
    ],
)
@pytest.mark.usefixtures("_proxies")
@pytest.mark.clause("RFC 7239", "8.1", "OP-28 WEB-14")
def test_the_clients_address_is_the_last_one_that_is_not_a_trusted_proxy(
    peer: str, forwarded_for: str, address: str
) -> None:
    request = seen(peer, **{"x-forwarded-for": forwarded_for})
    assert request.client_address == request.META["REMOTE_ADDR"] == address


@pytest.mark.clause("RFC 7239", "8.1", "OP-28 WEB-14")
def test_without_a_trusted_proxy_forwarded_headers_are_ignored() -> None:
    names = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port")
    request = seen("127.0.0.1", **dict.fromkeys(names, "https"))
    assert request.client_address == "127.0.0.1"
    assert not any(name in request.headers for name in names)
    assert not request.is_secure()


@pytest.mark.usefixtures("_proxies")
@pytest.mark.clause("RFC 7239", "8.1", "WEB-14 WEB-22")
def test_a_trusted_proxy_says_whether_the_request_came_by_https() -> None:
    assert seen("127.0.0.1", **{"x-forwarded-proto": "https"}).is_secure()
    assert not seen("127.0.0.1", **{"x-forwarded-proto": "http"}).is_secure()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.localhost:8000",
        "127.0.0.1:8000",
        "todo.localhost.evil.example",
        "todo.localhost:99999",
        "todo.localhost:8000, evil.example",
        "todo.localhost:8000@evil.example",
        "todo.localhost:8000/evil",
        "todo.localhost.:8000",
        "xtodo.localhost:8000",
        "[::1]:8000",
        "todo.localhost:8000\n",
        "tödo.localhost:8000",
        "",
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/oauth2/v1/keys", "/api/users/me", "/admin/", "/static/idjag_demo.css"]
)
@pytest.mark.clause("RFC 9110", "7.2", "WEB-13")
def test_no_other_host_is_answered(host: str, path: str) -> None:
    response: Any = Client().get(path, HTTP_HOST=host)
    assert response.status_code in (400, 404)
    body = b"".join(response) if response.streaming else response.content
    assert b"evil" not in body


@pytest.mark.django_db
@pytest.mark.clause("RFC 9110", "7.2", "WEB-14")
def test_a_forwarded_host_selects_no_site() -> None:
    headers = {
        "host": "localhost:8000",
        "x-forwarded-host": "todo.localhost:8000",
        "forwarded": "host=todo.localhost:8000",
    }
    assert Client(headers=headers).get("/oauth2/v1/keys").status_code == 404
