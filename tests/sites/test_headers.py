"""The headers of every answer, static files and errors too."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from idjag_demo.demo.seed import seed

HOSTS = ["localhost:8000", "wiki.localhost:8000", "todo.localhost:8000", "customer1.idp.localhost:8000"]
PATHS = ["/", "/sign-in", "/admin/login/", "/static/idjag_demo.css", "/nothing", "/oauth2/v1/keys", "/oauth2/v1/token"]
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def ask(host: str, path: str, **extra: Any) -> Any:
    return Client(headers={"host": host}).get(path, **extra)


@pytest.mark.django_db
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.clause("headers", "", "XS-28 WEB-25 WEB-35")
def test_every_answer_of_every_site_is_hardened(host: str) -> None:
    seed()
    for path in PATHS:
        response = ask(host, path)
        for name, value in EXPECTED.items():
            assert response[name] == value, f"{path}: {name}"
        assert "camera=()" in response["Permissions-Policy"], path
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"], path
        if response["Content-Type"].startswith("application/json"):
            assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'", path
        assert "Server" not in response and "X-Powered-By" not in response


@pytest.mark.django_db
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.clause("cookies", "", "WEB-35")
def test_static_files_set_no_cookie(host: str) -> None:
    seed()
    response = ask(host, "/static/idjag_demo.css")
    assert response.status_code == 200
    assert not response.cookies


@pytest.mark.django_db
@pytest.mark.clause("RFC 6797", "7.2", "XS-28")
def test_hsts_is_said_over_https_only(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    assert "Strict-Transport-Security" not in ask(HOSTS[0], "/")
    assert ask(HOSTS[0], "/", secure=True)["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.django_db
@pytest.mark.clause("RFC 6797", "7.2", "WEB-22")
def test_where_there_is_https_plain_http_is_sent_there(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = ask(HOSTS[1], "/sign-in?next=/pages/1")
    assert (response.status_code, response["Location"]) == (301, "https://wiki.localhost:8000/sign-in?next=/pages/1")
    assert ask(HOSTS[1], "/sign-in", secure=True).status_code == 200
    assert ask("localhost:8000", "/healthz").status_code == 200, "the process itself is asked"
