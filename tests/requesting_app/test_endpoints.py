"""Which URLs we send secrets to."""

import pytest

from crossapp.requesting_app.endpoints import is_acceptable_url


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example",
        "https://idp.example:8443/tenant/1",
        "http://localhost:8000",
        "http://todo.localhost:8000/api",
        "http://127.0.0.1/x",
        "http://[::1]:8000/x",
    ],
)
def test_https_and_plain_http_on_this_machine_are_fine(url: str) -> None:
    assert is_acceptable_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        5,
        "idp.example",
        "//idp.example",
        "https://",
        "https:///x",
        "http://idp.example",
        "http://notlocalhost",
        "http://localhost.evil.example",
        "http://192.168.0.1",
        "ftp://localhost",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user:pass@idp.example",
        "https://idp.example?x=1",
        "https://idp.example/#x",
        "https://idp.example/#",
        "https://idp.example/\\evil",
        "https://idp.example/ x",
        "https://idp.example/\n",
        "https://idp.example:99999",
        "https://[::1",
        "https://ídp.example",
    ],
)
def test_everything_else_is_not(url: object) -> None:
    assert not is_acceptable_url(url)


def test_plain_http_on_this_machine_can_be_ruled_out() -> None:
    assert not is_acceptable_url("http://localhost:8000", http_on_loopback=False)
    assert is_acceptable_url("https://localhost:8000", http_on_loopback=False)
