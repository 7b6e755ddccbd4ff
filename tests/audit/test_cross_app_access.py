"""A card that fails leaves a row at Wiki0: the party, the step, the cause, the person, and the peer's error."""

from typing import Any

import pytest
import requests
from django.test import Client as Browser

from audit.models import AuditEvent
from crossapp.requesting_app.models import ResourceApp
from idp.models import CrossAppPolicy
from tenants.models import Realm, User
from tests.support.audit_lines import Lines
from tests.support.demo import Demo
from tests.support.in_process import InProcessNetwork, sign_in

BOB = "bob@tables.fake"
WIKI, IDP, TODO = "http://wiki.localhost:8000", "http://customer1.idp.localhost:8000", "http://todo.localhost:8000"


@pytest.fixture
def bob(demo: Demo) -> Demo:
    """Bob has signed in to Wiki0, and no card was asked for yet."""
    sign_in(demo.browser, "wiki", BOB)
    return demo


def the_row(lines: Lines) -> AuditEvent:
    """Return the one row of a failed access; the log has the same line."""
    [row], [line] = AuditEvent.objects.filter(act="cross_app_access"), lines.of("cross_app_access")
    assert (line["failed_check"], line["detail"], line["tenant"], line["user"]) == (
        row.failed_check,
        row.detail,
        row.tenant,
        row.user,
    )
    return row


def reason(demo: Demo) -> dict[str, Any]:
    card = demo.unfurl([demo.link_to(BOB)])[0]
    assert card["card"] is None
    return dict(card["reason"])


def answer(monkeypatch: pytest.MonkeyPatch, url: str, status: int, body: bytes = b"", exchange: str = "") -> None:
    """Let the peer at `url` answer this to a request whose body has `exchange`."""
    send = InProcessNetwork.send

    def instead(self: InProcessNetwork, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        if str(request.url).startswith(url) and exchange in str(request.body):
            response = requests.Response()
            response.status_code, response.url, response.request = status, str(request.url), request
            response.headers["Content-Type"] = "application/json"
            response._content, response._content_consumed = body, True
            return response
        return send(self, request, *args, **more)

    monkeypatch.setattr(InProcessNetwork, "send", instead)


@pytest.mark.clause("ID-JAG", "4.3.3", "the requesting side records a failed exchange")
def test_a_refusal_of_the_idp_is_recorded_with_the_person_and_the_error(bob: Demo, lines: Lines) -> None:
    CrossAppPolicy.objects.update(enabled=False)
    account = User.objects.get(realm=Realm.WIKI, email=BOB)
    shown = reason(bob)
    row = the_row(lines)
    assert (row.outcome, row.server, row.tenant, row.user) == ("refused", WIKI, "customer1", account.username)
    assert (row.issuer, row.sub, row.audience, row.resource) == (IDP, account.sub, TODO, f"{TODO}/api")
    assert (row.failed_check, row.error) == ("token_exchange", "access_denied")
    assert row.detail.startswith("identity_provider, not_allowed: access_denied: ")
    assert row.unverified["error_description"] and row.unverified["error_description"] in row.detail
    assert shown["text"] == "Not allowed by your organisation"
    assert (shown["party"], shown["step"]) == ("identity_provider", "token_exchange")


@pytest.mark.parametrize(
    ("url", "exchange", "status", "body", "step", "detail", "text"),
    [
        pytest.param(
            f"{IDP}/oauth2/v1/token",
            "token-exchange",
            500,
            b"Traceback",
            "token_exchange",
            "identity_provider, unreachable: the token endpoint answered 500",
            "Your organisation's identity provider does not answer",
            id="IdP 500",
        ),
        pytest.param(
            f"{IDP}/oauth2/v1/token",
            "token-exchange",
            400,
            b'{"error": "unsupported_grant_type"}',
            "token_exchange",
            "identity_provider, not_offered: unsupported_grant_type",
            "Your organisation's identity provider does not offer cross-app access",
            id="IdP without token exchange",
        ),
        pytest.param(
            f"{TODO}/oauth2/v1/token",
            "",
            503,
            b'{"error": "temporarily_unavailable", "error_description": "no keys"}',
            "jwt_bearer",
            "authorization_server, unreachable: the token endpoint answered 503: temporarily_unavailable: no keys",
            "Todo0's authorization server does not answer",
            id="authorization server down",
        ),
        pytest.param(
            f"{TODO}/oauth2/v1/token",
            "",
            400,
            b'{"error": "invalid_grant", "error_description": "unknown subject"}',
            "jwt_bearer",
            "authorization_server, refused: invalid_grant: unknown subject",
            "Todo0 refused the grant",
            id="refused",
        ),
        pytest.param(
            f"{TODO}/api/todos",
            "",
            502,
            b"",
            "api",
            "api, unreachable: the API answered 502",
            "Todo0's API does not answer",
            id="API down",
        ),
        pytest.param(
            f"{TODO}/api/todos",
            "",
            200,
            b'{"todos": []}',
            "api",
            "api, bad_answer: the API answered 200 without a list of todos",
            "Todo0's API sent an unusable answer",
            id="another shape",
        ),
        pytest.param(
            f"{TODO}/api/todos",
            "",
            200,
            b'{"items": [{"id": 1, "title": "Buy avocados", "done": false}]}',
            "api",
            "api, bad_answer: the API answered 200 without a list of todos",
            "Todo0's API sent an unusable answer",
            id="todos of another shape",
        ),
    ],
)
def test_card_and_row_name_the_party_and_the_step(
    bob: Demo,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    exchange: str,
    status: int,
    body: bytes,
    step: str,
    detail: str,
    text: str,
) -> None:
    answer(monkeypatch, url, status, body, exchange)
    shown = reason(bob)
    row = the_row(lines)
    assert (row.failed_check, row.detail) == (step, detail)
    assert (shown["text"], shown["step"], shown["party"]) == (text, step, detail.partition(",")[0])


def test_a_disabled_resource_app_is_wiki0s_own_matter(bob: Demo, lines: Lines) -> None:
    ResourceApp.objects.get().delete()
    assert reason(bob)["text"] == "Wiki0 is not connected to Todo0"
    assert the_row(lines).detail == "requesting_app, not_allowed: resource app todo0 is disabled"


@pytest.mark.clause("SEC", "", "SEC-11")
def test_a_page_of_thirty_links_that_is_loaded_again_and_again_leaves_one_row(bob: Demo, lines: Lines) -> None:
    CrossAppPolicy.objects.update(enabled=False)
    references = {card["reason"]["reference"] for _ in range(5) for card in bob.unfurl([bob.link_to(BOB, "Task")] * 30)}
    assert references == {the_row(lines).request_id[:8]}


def test_failed_cards_of_many_people_do_not_use_up_the_limit_of_recorded_refusals(
    bob: Demo, lines: Lines, set_limit: Any
) -> None:
    set_limit("RECORDED_REFUSALS", "1/minute")
    for number in range(3):
        bob.browser.get(f"{WIKI}/sign-in/callback?state={number}&code=x")
    CrossAppPolicy.objects.update(enabled=False)
    reason(bob)
    assert the_row(lines)


@pytest.mark.clause("W3C Trace Context", "4", "one reference finds the rows on both sides")
def test_the_reference_of_a_card_finds_the_rows_of_wiki0_and_of_the_idp(bob: Demo) -> None:
    CrossAppPolicy.objects.update(enabled=False)
    reference = reason(bob)["reference"]
    operator = Browser(headers={"host": "localhost:8000"})
    operator.force_login(User.objects.get(username="admin"), backend="tenants.passwords.RealmBackend")
    page = operator.get("/admin/audit/auditevent/", {"q": reference})
    rows = [(row.act, row.server, row.error) for row in page.context["cl"].result_list]
    assert rows == [("cross_app_access", WIKI, "access_denied"), ("token_exchange", IDP, "access_denied")]
