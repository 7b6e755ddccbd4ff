"""The row of a refused sign-in: who it was, where that is verified, what was expected and what was found."""

from typing import Any

import pytest

from audit.models import AuditEvent
from tenants.models import IdPConnection, User
from tests.support.audit_lines import Lines
from tests.support.fake_idp import CLIENT_ID, ISSUER, FakeIdp, json_reply
from tests.tenants.single_sign_on.test_sign_in import Browser, refused

pytestmark = pytest.mark.usefixtures("connection")
BOB = "bob@tables.example"


@pytest.fixture
def browser(idp: FakeIdp) -> Browser:
    return Browser(idp)


def the_row(lines: Lines) -> AuditEvent:
    """Return the one row; the log has the same line."""
    [row], [line] = AuditEvent.objects.filter(act="sign_in"), lines.of("sign_in")
    assert row.outcome == "refused"
    assert (line["detail"], line.get("sub", ""), line.get("email", "")) == (row.detail, row.sub, row.email)
    return row


@pytest.mark.parametrize("verified", [True, False])
def test_a_person_without_access_is_named_by_the_verified_subject_and_email(
    browser: Browser, connection: IdPConnection, lines: Lines, verified: bool
) -> None:
    IdPConnection.objects.update(provisions_users=False)
    browser.idp.claims["email_verified"] = verified
    browser.start()
    refused(browser, browser.come_back(), 400, "gives you no access to this app")
    row = the_row(lines)
    assert (row.failed_check, row.issuer, row.sub) == ("subject", ISSUER, "u-bob")
    assert (row.email, row.unverified) == ((BOB, {}) if verified else ("", {"email": BOB}))


@pytest.mark.parametrize(
    ("claims", "expected", "found"),
    [
        ({"iss": "https://evil.example"}, f"'{ISSUER}'", "'https://evil.example'"),
        ({"aud": "another"}, f"'{CLIENT_ID}'", "'another'"),
        ({"aud": None}, f"'{CLIENT_ID}'", "none"),
        ({"azp": "another"}, f"'{CLIENT_ID}'", "'another'"),
    ],
    ids=["iss", "aud", "no aud", "azp"],
)
def test_what_was_expected_of_an_id_token_and_what_was_found(
    browser: Browser, lines: Lines, claims: dict[str, Any], expected: str, found: str
) -> None:
    browser.start()
    browser.idp.claims |= claims
    refused(browser, browser.come_back(), 502, "sent an invalid answer")
    row = the_row(lines)
    assert row.detail.endswith(f": expected {expected}, found {found}")
    assert row.detail.split()[0] in claims
    assert (row.sub, row.email, row.unverified) == ("", "", {"sub": "u-bob", "email": BOB})


@pytest.mark.parametrize(
    ("found", "said"), [("of-another-sign-in", "'of-a[masked]'"), (None, "none"), ([1], "'[list]'")], ids=repr
)
def test_of_a_nonce_only_the_beginning_is_said(browser: Browser, lines: Lines, found: Any, said: str) -> None:
    browser.start()
    nonce = browser.query["nonce"]
    browser.idp.claims["nonce"] = found
    refused(browser, browser.come_back(), 502)
    row = the_row(lines)
    assert row.detail == f"nonce is not the one in the request: expected '{nonce[:4]}[masked]', found {said}"
    assert nonce not in "".join(lines.texts)


def test_a_long_value_is_cut_so_that_both_fit_into_the_row(browser: Browser, lines: Lines) -> None:
    browser.start()
    browser.idp.claims["aud"] = ["x" * 500, "\n<b>"]
    refused(browser, browser.come_back(), 502)
    row = the_row(lines)
    assert f"expected '{CLIENT_ID}', found ['xxx" in row.detail
    assert "…" not in row.detail and len(row.detail) < 200


def test_the_issuer_of_another_answer_is_named(browser: Browser, lines: Lines) -> None:
    browser.start()
    refused(browser, browser.come_back(iss="https://evil.example"), 400)
    assert the_row(lines).detail == f"iss is another issuer's: expected '{ISSUER}', found 'https://evil.example'"


def test_the_error_of_the_idp_is_recorded_with_its_description(browser: Browser, lines: Lines) -> None:
    browser.start()
    answer = {"code": None, "error": "access_denied", "error_description": "Ask for a licence."}
    refused(browser, browser.come_back(**answer), 400, "Ask for a licence.")
    row = the_row(lines)
    assert (row.failed_check, row.error) == ("refused_by_idp", "access_denied")
    assert row.unverified == {"error_description": "Ask for a licence."}


def test_the_error_of_the_token_endpoint_is_recorded_without_a_secret(
    browser: Browser, connection: IdPConnection, lines: Lines
) -> None:
    connection.client_secret = "canary-secret"
    connection.save()
    error = {"error": "invalid_client", "error_description": "canary-secret is wrong, and so is the-code"}
    browser.idp.replies["/token"] = json_reply(error, 401)
    browser.start()
    refused(browser, browser.come_back(), 502)
    row = the_row(lines)
    assert (row.error, row.unverified) == (
        "invalid_client",
        {"error_description": "[masked] is wrong, and so is [masked]"},
    )
    assert "canary" not in "".join(lines.texts)


def test_a_token_response_without_an_id_token_names_no_person(browser: Browser, lines: Lines) -> None:
    browser.idp.replies["/token"] = json_reply({"access_token": "x", "token_type": "Bearer"})
    browser.start()
    refused(browser, browser.come_back(), 502)
    assert the_row(lines).unverified == {}
    assert not User.objects.exists()
