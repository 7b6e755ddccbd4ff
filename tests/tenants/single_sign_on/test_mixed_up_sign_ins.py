"""Several IdPs, several browsers: what belongs to one is good at no other."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache

from audit.models import Act, AuditEvent
from base.outgoing import session
from tenants.models import IdPConnection
from tests.support.fake_idp import ISSUER, FakeIdp, Reply, json_reply
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

OTHER = "https://other.example"


@pytest.fixture
def browser(connection: IdPConnection, idp: FakeIdp) -> Browser:
    return Browser(idp)


@pytest.fixture
def other_idp(other_connection: IdPConnection) -> Iterator[FakeIdp]:
    """The IdP of another tenant of the same app."""
    fake = FakeIdp()
    fake.metadata = {name: str(value).replace(ISSUER, OTHER) for name, value in fake.metadata.items()}
    fake.metadata["authorization_response_iss_parameter_supported"] = True
    session().mount(OTHER, fake)
    yield fake
    del session().adapters[OTHER]


@pytest.mark.clause("RFC 9700", "4.4", "RP-03: the control")
def test_each_tenants_people_sign_in_at_their_own_idp(browser: Browser, other_idp: FakeIdp) -> None:
    assert browser.start()["Location"].startswith(f"{ISSUER}/authorize?")
    assert browser.start("eve@other.example")["Location"].startswith(f"{OTHER}/authorize?")
    assert browser.query["client_id"] == "wiki-at-other"


@pytest.mark.clause("RFC 9700", "4.4", "RP-03 RP-04")
def test_the_answer_of_another_tenants_idp_is_refused_and_its_code_goes_nowhere(
    browser: Browser, other_idp: FakeIdp
) -> None:
    browser.start()
    refused(browser, browser.come_back(iss=OTHER), 400, "sent an invalid answer")
    assert not browser.idp.to("/token")
    assert not other_idp.received


@pytest.mark.clause("RFC 9700", "4.4", "RP-03")
def test_a_code_of_another_idp_that_does_not_say_so_is_redeemed_where_the_attempt_began(
    browser: Browser, other_idp: FakeIdp
) -> None:
    browser.idp.metadata["authorization_response_iss_parameter_supported"] = False
    browser.idp.replies["/token"] = json_reply({"error": "invalid_grant"}, 400)  # not one of its codes
    browser.start()
    refused(browser, browser.come_back(iss=None, code="a-code-of-the-other"), 400, "sent an invalid answer")
    assert browser.idp.form("/token")["code"] == "a-code-of-the-other"
    assert not other_idp.received


@pytest.mark.clause("RFC 7636", "7.1", "RP-30: the verifier stays between this browser's session and the IdP")
def test_the_verifier_is_in_no_log_and_in_no_other_session(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser.idp.replies["/token"] = Reply(b"", 500)
    other = Browser(browser.idp)
    other.start()
    browser.start()
    rows = [stored.get_decoded() for stored in Session.objects.all()]
    (verifier,) = [row["code_verifier"] for row in rows if row["nonce"] == browser.query["nonce"]]
    assert verifier not in str(other.client.cookies) + str(browser.client.cookies)
    refused(browser, browser.come_back(), 502)
    assert browser.idp.form("/token")["code_verifier"] == verifier
    assert any("sign_in" in record.getMessage() for record in caplog.records)
    assert verifier not in "".join(record.getMessage() + str(vars(record)) for record in caplog.records)
    assert verifier not in "".join(str(stored.get_decoded()) for stored in Session.objects.all())


@pytest.mark.parametrize("next_path", ["https://evil.example", "//evil.example", "/\\evil.example"])
@pytest.mark.clause("RFC 9700", "4.11", "RP-38")
def test_a_link_to_the_sign_in_chooses_neither_the_tenant_nor_another_site(
    browser: Browser, other_idp: FakeIdp, next_path: str
) -> None:
    chosen = {"next": next_path, "tenant": "other", "iss": OTHER, "connection": "2", "login_hint": "eve@other.example"}
    page = browser.client.get("/sign-in", chosen)
    assert 'name="next" value="/"' in page.content.decode()
    assert "evil.example" not in page.content.decode()
    assert browser.start(**chosen)["Location"].startswith(f"{ISSUER}/authorize?")
    assert browser.query["login_hint"] == "bob@tables.example"
    assert browser.come_back()["Location"] == "/"
    assert not other_idp.received


@pytest.mark.parametrize("issuer", [OTHER, f"{ISSUER}/", ISSUER.upper(), None])
@pytest.mark.clause("OpenID Connect Discovery", "4.3", "RP-41")
def test_metadata_that_change_their_issuer_end_the_sign_ins_and_are_recorded_for_the_operator(
    browser: Browser, issuer: str | None
) -> None:
    browser.sign_in()
    browser.client.post("/sign-out")
    cache.clear()  # five minutes later
    browser.idp.metadata["issuer"] = issuer
    refused(browser, browser.start(), 502, "sent an invalid answer")
    event = AuditEvent.objects.filter(act=Act.SIGN_IN).latest("pk")
    assert (event.failed_check, event.issuer) == ("answer_of_idp", ISSUER)
    assert event.detail == f"the metadata say issuer {issuer!r}, expected {ISSUER!r}"


@pytest.mark.clause("OpenID Connect Discovery", "4.3", "RP-41: an attempt under way ends too")
def test_a_sign_in_fails_if_the_metadata_change_their_issuer_meanwhile(browser: Browser) -> None:
    browser.start()
    cache.clear()
    browser.idp.metadata["issuer"] = OTHER
    refused(browser, browser.come_back(), 502, "sent an invalid answer")
    assert not browser.idp.to("/token")
