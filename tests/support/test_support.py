"""The test tools themselves, where a mistake would make tests pass that should not."""

import socket

import pytest
import requests
from django.http import HttpResponse

from tests.support.network import NetworkForbidden
from tests.support.pages import read_page


def test_a_test_can_connect_to_this_machine_only() -> None:
    with socket.socket() as sock, pytest.raises(NetworkForbidden):
        sock.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkForbidden):
        socket.getaddrinfo("apps.example", 443)
    with socket.socket() as server, socket.socket() as sock:
        server.bind(("127.0.0.1", 0))
        server.listen()
        sock.connect(server.getsockname())


def test_no_code_can_take_the_guard_for_an_outage() -> None:
    assert not issubclass(NetworkForbidden, OSError | requests.RequestException)


def test_a_form_is_read_as_a_browser_would_send_it() -> None:
    page = read_page(
        "http://wiki.localhost:8000/sign-in?next=/pages/1",
        HttpResponse(
            "<title>unseen</title><form method=post action='/there'><input name=a value='&lt;1&gt;'><input name=b>"
            "<input type=checkbox name=c value=1><button name=d>Go</button></form><form><input name=e></form>"
            "<p>Seen, and <a href='../x'>a  link</a></p>"
        ),
    )
    assert page.form_with("a").fields == {"a": "<1>", "b": ""}
    assert (page.forms[0].method, page.forms[0].action) == ("post", "http://wiki.localhost:8000/there")
    assert page.forms[1].action == "http://wiki.localhost:8000/sign-in?next=/pages/1"
    assert page.links == {"a link": "http://wiki.localhost:8000/x"}
    assert page.text == "Go Seen, and a link"
