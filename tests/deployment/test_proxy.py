"""The proxy's configuration: what it tells the webs about a request, and what it does when one of them is gone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.deployment.proxy import Proxy, Web, configuration, nginx, proxy_before

pytestmark = pytest.mark.services


@pytest.fixture
def webs() -> Iterator[list[Web]]:
    webs = [Web(), Web()]
    yield webs
    for web in webs:
        web.stop()


@pytest.fixture
def proxy(webs: list[Web], tmp_path: Path) -> Iterator[Proxy]:
    with proxy_before(webs, tmp_path) as proxy:
        yield proxy


def received(webs: list[Web]) -> list[tuple[str, str]]:
    return [(method, path) for web in webs for method, path, *_ in web.received]


def test_nginx_finds_nothing_wrong_with_the_configuration(tmp_path: Path) -> None:
    command = [nginx(), "-e", "stderr", "-t", "-c", str(configuration(tmp_path))]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert "warn" not in answer.stderr


@pytest.mark.parametrize("host", ["wiki.apps.example", "WIKI.localhost:8000", "customer1.idp.localhost:8123"])
def test_the_host_arrives_byte_for_byte(webs: list[Web], tmp_path: Path, host: str) -> None:
    with proxy_before(webs[:1], tmp_path) as proxy:
        assert proxy.ask("GET", "/a?b=%63&d", {"Host": host}).status == 200
    assert (webs[0].headers()["Host"], webs[0].received[-1][1]) == (host, "/a?b=%63&d")


def test_what_a_client_says_of_itself_does_not_arrive(webs: list[Web], tmp_path: Path) -> None:
    claims = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "443",
        "X_Forwarded_Proto": "https",
        "Forwarded": "for=192.0.2.1;proto=https",
    }
    with proxy_before(webs[:1], tmp_path) as proxy:
        proxy.ask("GET", "/", claims)
    forwarded = {name: value for name, value in webs[0].headers().items() if "orwarded" in name}
    assert forwarded == {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}


def test_a_load_balancer_in_front_is_believed(webs: list[Web], tmp_path: Path) -> None:
    says = {"X-Forwarded-For": "192.0.2.66, 192.0.2.1", "X-Forwarded-Proto": "https"}
    with proxy_before(webs[:1], tmp_path, PROXY_BALANCER="127.0.0.0/8") as proxy:
        proxy.ask("GET", "/", says)
        headers = webs[0].headers()
        assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("192.0.2.1", "https")
        proxy.ask("GET", "/", {"X-Forwarded-Proto": "gopher"})
        assert webs[0].headers()["X-Forwarded-Proto"] == "http"


def test_a_request_keeps_its_id_and_gets_one_if_it_has_none(webs: list[Web], tmp_path: Path) -> None:
    with proxy_before(webs[:1], tmp_path) as proxy:
        ids = []
        for sent in ("from-elsewhere_1", "", "not one", "x" * 65):
            proxy.ask("GET", "/", {"X-Request-ID": sent})
            ids.append(webs[0].headers()["X-Request-ID"])
        logged = {line["request_id"] for line in proxy.requests(4)}
    assert ids[0] == "from-elsewhere_1"
    assert all(len(made) == 32 and made.isalnum() for made in ids[1:])
    assert len(logged) == 4 and logged == set(ids)


def test_connections_to_the_webs_are_kept(webs: list[Web], proxy: Proxy) -> None:
    for _ in range(20):
        proxy.ask("GET", "/")
    assert len(received(webs)) == 20
    assert len(webs[0].connections | webs[1].connections) < 20


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_one_web_does_not_take_goes_to_the_other(webs: list[Web], proxy: Proxy, method: str) -> None:
    webs[0].stop()
    assert [proxy.ask(method, "/", body=b"x").status for _ in range(6)] == [200] * 6
    assert len(received(webs)) == 6


def test_a_post_that_was_sent_is_never_sent_again(webs: list[Web], proxy: Proxy) -> None:
    for _ in range(4):  # then the connections to both are there, and kept
        proxy.ask("GET", "/")
    answer = proxy.ask("POST", "/dies", body=b"x")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert [path for _, path in received(webs)].count("/dies") == 1


def test_a_grant_that_was_not_answered_is_asked_for_once_more(webs: list[Web], proxy: Proxy) -> None:
    answer = proxy.ask("POST", "/oauth2/v1/token?dies", body=b"x")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert [len(web.received) for web in webs] == [1, 1]


def test_a_get_that_was_not_answered_is_asked_once_more(webs: list[Web], proxy: Proxy) -> None:
    assert proxy.ask("GET", "/dies").status == 503
    assert received(webs) == [("GET", "/dies")] * 2


def test_a_body_is_as_large_as_the_settings_allow(webs: list[Web], proxy: Proxy) -> None:
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert proxy.ask("POST", "/", body=bytes(largest)).status == 200
    assert proxy.ask("POST", "/", body=bytes(largest + 1)).status == 413
    assert [size for web in webs for *_, size in web.received] == [largest]


def test_a_body_without_a_length_arrives_with_one(webs: list[Web], tmp_path: Path) -> None:
    with proxy_before(webs[:1], tmp_path) as proxy:
        proxy.ask("POST", "/", body=iter([b"in", b"pieces"]))
    assert webs[0].headers()["Content-Length"] == "8"
    assert "Transfer-Encoding" not in webs[0].headers()


@pytest.mark.parametrize("path", ["/metrics", "/%6Detrics", "//metrics", "/metrics?x"])
def test_the_metrics_are_not_for_everybody(webs: list[Web], proxy: Proxy, path: str) -> None:
    assert proxy.ask("GET", path, {"Host": "localhost:8000"}).status == 404
    assert received(webs) == []


def test_no_code_gets_into_a_log_whatever_happens(webs: list[Web], tmp_path: Path) -> None:
    with proxy_before(webs, tmp_path) as proxy:
        secret, referrer = "/dies?code=c0de&state=st4te", {"Referer": "http://localhost/?code=c0de"}
        proxy.ask("GET", secret, referrer)
        proxy.ask("POST", secret, referrer, b"token=c0de")
        for web in webs:
            web.stop()
        assert proxy.ask("GET", secret, referrer).status == 503
        assert [line["path"] for line in proxy.requests(3)] == ["/dies"] * 3
        assert "c0de" not in proxy.log.read_text() and "st4te" not in proxy.log.read_text()
        webs.clear()
