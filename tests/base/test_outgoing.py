"""What leaves the process, where to, and what may come back."""

import datetime
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings
from urllib3.util import Timeout

from base import outgoing
from base.addresses import is_public
from base.outgoing import AddressAdapter, StrictSession, address_for
from crossapp.core import http
from tests.support.local_server import serving

PUBLIC, PRIVATE = "93.184.215.14", "10.1.2.3"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as port:
        yield port


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with StrictSession() as session:
        yield session


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The domain name system: name -> addresses."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(name: str, port: int, **kwargs: Any) -> list[Any]:
        if name not in known:
            raise OSError("unknown")
        return [(None, None, None, "", (address, port)) for address in known[name]]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", getaddrinfo)
    return known


def test_the_whole_process_shares_one_session() -> None:
    assert outgoing.session() is outgoing.session()
    assert isinstance(outgoing.session(), StrictSession)


@pytest.mark.clause("RFC 6761", "6.3", "names below localhost are this machine")
def test_a_name_below_localhost_is_reached_on_loopback_and_named_in_the_host_header(
    session: requests.Session, port: int
) -> None:
    seen = session.get(f"http://wiki.localhost:{port}/x?y=z").json()
    assert seen["headers"]["Host"] == f"wiki.localhost:{port}"
    assert seen["headers"]["User-Agent"] == "idjag_demo"
    assert seen["path"] == "/x?y=z"


def test_the_host_header_is_gone_afterwards(session: requests.Session, port: int) -> None:
    response = session.get(f"http://wiki.localhost:{port}/")
    assert "Host" not in response.request.headers


def test_user_information_does_not_get_into_the_host_header(session: requests.Session, port: int) -> None:
    assert session.get(f"http://me:you@a.localhost:{port}/").json()["headers"]["Host"] == f"a.localhost:{port}"


def test_a_connection_is_used_again_for_another_name(session: requests.Session, port: int) -> None:
    peers = {session.get(f"http://{name}.localhost:{port}/").json()["peer"] for name in ("a", "b", "a")}
    assert len(peers) == 1


def test_the_requests_of_an_exchange_share_a_connection(port: int) -> None:
    asked = [
        http.send(method, f"http://a.localhost:{port}/", session=outgoing.session())
        for method in ("GET", "POST", "GET")
    ]
    assert len({json.loads(answer.body)["peer"] for answer in asked}) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_was_idle_for_long_is_not_used(
    session: requests.Session, port: int, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(outgoing, "IDLE_SECONDS", -1)
    peers = {session.request(method, f"http://a.localhost:{port}/").json()["peer"] for _ in range(3)}
    assert len(peers) == 3


@pytest.mark.clause("limits", "", "LIM-08")
def test_a_redirect_is_not_followed_even_if_asked_for(session: requests.Session, port: int) -> None:
    response = session.get(f"http://a.localhost:{port}/redirect", allow_redirects=True)
    assert response.status_code == 302
    assert response.text == "away"
    assert not response.history


def test_a_cookie_is_not_kept(session: requests.Session, port: int) -> None:
    session.get(f"http://a.localhost:{port}/")
    assert not session.cookies
    assert "Cookie" not in session.get(f"http://a.localhost:{port}/").json()["headers"]


@pytest.mark.clause("requirements.md", "UF-35", "neither proxies nor passwords of the environment")
def test_the_environment_is_not_asked(
    session: requests.Session, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "Authorization" not in session.get(f"http://a.localhost:{port}/").json()["headers"]


@pytest.mark.clause("requirements.md", "UF-22", "a large or compressed answer is not read to its end")
@pytest.mark.parametrize("kind", ["big", "bomb"])
@pytest.mark.clause("limits", "", "LIM-08")
def test_an_answer_of_more_than_256_kib_is_refused(session: requests.Session, port: int, kind: str) -> None:
    with pytest.raises(requests.RequestException, match="more than 262144 bytes"):
        session.get(f"http://a.localhost:{port}/{kind}")


def test_an_answer_of_256_kib_is_not(session: requests.Session, port: int) -> None:
    response = session.get(f"http://a.localhost:{port}/full", stream=True)
    assert len(response.content) == 256 * 1024


@pytest.mark.parametrize("kind", ["drip", "drip-headers", "silence"])
@pytest.mark.clause("limits", "", "LIM-08")
def test_an_answer_that_takes_too_long_is_given_up(
    session: requests.Session, port: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(requests.RequestException):
        session.get(f"http://a.localhost:{port}/{kind}")
    assert time.monotonic() - start < 1.5


@pytest.mark.clause("requirements.md", "UF-22", "the caller's time bounds the whole answer, however it drips")
def test_a_caller_may_have_less_time_but_not_more(session: requests.Session) -> None:
    left: list[float] = []

    class NotesTheTime(requests.adapters.BaseAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            left.append(outgoing._deadline.get() - time.monotonic())
            raise requests.ReadTimeout

        def close(self) -> None:
            """Nothing is open."""

    session.mount("http://", NotesTheTime())
    for timeout in (None, (60, 60), Timeout(total=60), Timeout(connect=2, read=4, total=0.5)):
        with pytest.raises(requests.ReadTimeout):
            session.get("http://a.localhost:1/", timeout=timeout)
    assert all(0 < seconds <= most for seconds, most in zip(left, (5, 5, 5, 0.5), strict=True))


def test_a_closed_port_is_a_connection_error(session: requests.Session) -> None:
    with serving() as port:
        pass
    with pytest.raises(requests.ConnectionError):
        session.get(f"http://a.localhost:{port}/")


# Where to


@pytest.mark.parametrize(
    "url",
    [
        "http://wiki.localhost:8000/x",
        "http://customer1.idp.localhost:8000/x",
        "http://anything.localhost:1234/",
        "https://localhost/",
    ],
)
def test_in_the_demo_every_name_below_localhost_is_loopback(url: str) -> None:
    assert address_for(url) == "127.0.0.1"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://[::1]:9000/"])
def test_in_the_demo_a_loopback_address_may_be_named(url: str) -> None:
    assert address_for(url) in ("127.0.0.1", "::1")


@pytest.mark.parametrize("name", ["wiki.localhost.evil.example", "notlocalhost.example", "localhost.example"])
def test_a_name_that_only_looks_like_localhost_is_looked_up(name: str, names: dict[str, list[str]]) -> None:
    names[name] = [PUBLIC]
    assert address_for(f"https://{name}/") == PUBLIC


@pytest.mark.clause("OpenID Connect Discovery", "7", "RP-42: loopback")
def test_outside_the_demo_only_our_own_origins_are_on_loopback(settings: Settings, names: dict[str, list[str]]) -> None:
    settings.DEMO = False
    names["other.localhost"] = ["127.0.0.1"]
    assert address_for("http://wiki.localhost:8000/x") == "127.0.0.1"
    assert address_for("http://customer7.idp.localhost:8000/x") == "127.0.0.1"
    for url in (
        "https://other.localhost/",
        "http://wiki.localhost:22/",
        "http://localhost:22/",
        "https://localhost:22/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
    ):
        names.setdefault("wiki.localhost", ["127.0.0.1"])
        names.setdefault("localhost", ["127.0.0.1"])
        names.setdefault("127.0.0.1", ["127.0.0.1"])
        with pytest.raises(requests.exceptions.InvalidURL):
            address_for(url)


def test_an_own_origin_may_have_a_private_address(settings: Settings, names: dict[str, list[str]]) -> None:
    settings.ORIGINS = {**settings.ORIGINS, "idp": "https://{tenant}.idp.corp.example"}
    names["a.idp.corp.example"] = names["a.b.idp.corp.example"] = [PRIVATE]
    assert address_for("https://a.idp.corp.example/x") == PRIVATE
    with pytest.raises(requests.exceptions.InvalidURL):
        address_for("https://a.b.idp.corp.example/x")


@pytest.mark.clause("OpenID Connect Discovery", "7", "RP-42: plain http")
def test_plain_http_leaves_for_nowhere_else(names: dict[str, list[str]]) -> None:
    names["idp.example"] = [PUBLIC]
    with pytest.raises(requests.exceptions.InvalidURL, match="outgoing requests must use https"):
        address_for("http://idp.example/")


NOT_PUBLIC = """
    10.1.2.3 172.16.0.1 192.168.1.1 127.0.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255
    :: ::1 fe80::1%eth0 fd00::1 ::ffff:10.0.0.1 2002:0a00:0001::1 64:ff9b::a9fe:a9fe
    ::127.0.0.1 ::8.8.8.8 64:ff9b:1::1 64:ff9b:1::808:808 fec0::1 5f00::1 100::1 2001:2::1 2001:10::1 2001:20::1 3fff::1
    192.88.99.1 192.0.2.1 198.18.0.1 240.0.0.1 2001:db8::1 2002:7f00:1::1 ff02::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
@pytest.mark.clause("OpenID Connect Discovery", "7", "RP-42: private addresses")
def test_an_address_that_is_not_public_is_refused(address: str, names: dict[str, list[str]]) -> None:
    assert not is_public(address)
    names["idp.example"] = [PUBLIC, address]
    with pytest.raises(requests.exceptions.InvalidURL, match="not public"):
        address_for("https://idp.example/")


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"])
def test_a_public_address_is_used(address: str, names: dict[str, list[str]]) -> None:
    names["idp.example"] = [address]
    assert address_for("https://idp.example/") == address


def test_a_name_without_an_address_is_a_connection_error(names: dict[str, list[str]]) -> None:
    with pytest.raises(requests.ConnectionError, match="has no address"):
        address_for("https://nowhere.example/")


@pytest.mark.clause("OpenID Connect Discovery", "7", "RP-42: refused at fetch")
def test_the_session_says_so_too(session: requests.Session, names: dict[str, list[str]]) -> None:
    names["idp.example"] = [PRIVATE]
    for url in ("https://idp.example/", "http://idp.example/", "https:///x", "file:///etc/passwd", "https://a..b/"):
        with pytest.raises(requests.RequestException):
            session.get(url)


@pytest.mark.clause("requirements.md", "UF-20", "a name is looked up once, whatever it says later")
def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_connected_to(
    names: dict[str, list[str]],
) -> None:
    names["idp.example"] = [PUBLIC]
    request = requests.Request("GET", "https://idp.example/x").prepare()
    host, tls = AddressAdapter().build_connection_pool_key_attributes(request, True)
    assert host["host"] == PUBLIC
    assert tls["server_hostname"] == tls["assert_hostname"] == "idp.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for secure.localhost, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("secure.localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_the_certificate_must_be_that_of_the_name_not_of_the_address(
    session: requests.Session, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as port:
        assert session.get(f"https://secure.localhost:{port}/", verify=str(certificate)).status_code == 200
        monkeypatch.setattr(outgoing, "IDLE_SECONDS", -1)  # the next one opens a new connection
        assert session.get(f"https://secure.localhost:{port}/", verify=str(certificate)).status_code == 200
        for url in (f"https://other.localhost:{port}/", f"https://127.0.0.1:{port}/"):
            with pytest.raises(requests.exceptions.SSLError):
                session.get(url, verify=str(certificate))
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"https://secure.localhost:{port}/")
