"""Which URLs we send secrets to."""

import pytest

from crossapp.core.urls import is_acceptable_url, with_query


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


@pytest.mark.clause("RFC 6749", "3.2", "an endpoint may have a query but no fragment")
def test_an_endpoint_may_have_a_query_and_nothing_else_that_an_issuer_may_not() -> None:
    assert is_acceptable_url("https://idp.example/token?p=policy&q=/?", query=True)
    assert is_acceptable_url("http://localhost:8000/token?p=policy", query=True)
    for url in (
        "https://idp.example/token?p=policy#x",
        "https://idp.example/token?p=policy#",
        "https://user:pass@idp.example/token?p=policy",
        "https://idp.example/token?p=a b",
        "https://idp.example/token?p=\r\nX: y",
        "http://idp.example/token?p=policy",
        "ftp://localhost/token?p=policy",
        "https://?p=policy",
    ):
        assert not is_acceptable_url(url, query=True), url


@pytest.mark.clause("RFC 6749", "3.1", "the query of an endpoint stays when parameters are added")
def test_parameters_are_added_to_the_query_that_an_endpoint_has() -> None:
    assert with_query("https://idp.example/authorize", "state=1") == "https://idp.example/authorize?state=1"
    assert with_query("https://idp.example/a?p=policy", "state=1") == "https://idp.example/a?p=policy&state=1"
