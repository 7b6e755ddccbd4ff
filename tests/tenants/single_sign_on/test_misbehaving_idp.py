"""An IdP that misbehaves on the wire while a person signs in there."""

from collections.abc import Iterator

import pytest

from audit.models import Act, AuditEvent
from base import outgoing
from crossapp.core import http
from tenants.models import IdPConnection
from tests.support.fake_idp import CLIENT_SECRET, FakeIdp
from tests.support.local_server import serving
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

WHAT_THE_LOG_SAYS = {
    "silence": "does not answer: ReadTimeout",
    "redirect": "the token endpoint answered 302",
    "big": "cannot be used: it answered more than 262144 bytes",
    "bomb": "cannot be used: it answered more than 262144 bytes",
}


@pytest.fixture
def asked(connection: IdPConnection) -> Iterator[list[str]]:
    """What was asked of the server on loopback that `connection` leads to."""
    paths: list[str] = []
    with serving(asked=paths) as port:
        connection.issuer = f"http://localhost:{port}"
        connection.save()
        yield paths


@pytest.mark.parametrize("kind", WHAT_THE_LOG_SAYS)
@pytest.mark.clause("RFC 9700", "4.11", "RP-09")
def test_a_token_endpoint_that_misbehaves_is_asked_once_and_left_in_time(
    connection: IdPConnection, asked: list[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "silence":
        monkeypatch.setattr(http, "TOTAL_SECONDS", 0.4)
    idp = FakeIdp()
    idp.metadata |= {"issuer": connection.issuer, "token_endpoint": f"{connection.issuer}/{kind}"}
    well_known = f"{connection.issuer}/.well-known/"
    outgoing.session().mount(well_known, idp)
    try:
        browser = Browser(idp)
        browser.start()
        response = browser.come_back(iss=connection.issuer)
    finally:
        del outgoing.session().adapters[well_known]
    refused(browser, response, 502, "Your organisation&#x27;s identity provider")
    assert CLIENT_SECRET not in response.content.decode()
    assert asked == [f"POST /{kind}"]
    assert WHAT_THE_LOG_SAYS[kind] in AuditEvent.objects.get(act=Act.SIGN_IN).detail
