"""One unfurl is one trace: over real HTTP, every hop logs it under the identifiers that the first one was given."""

import pytest
from django.conf import settings

from tests.flow.test_over_http import BOB, unfurl
from tests.support.in_process import sign_in
from tests.support.logs import json_log
from tests.support.over_http import HttpBrowser
from todo.models import Todo

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.slow
@pytest.mark.clause("W3C Trace Context", "4", "the trace goes on over all hops")
def test_the_lines_of_all_hops_of_an_unfurl_have_the_same_identifiers(live_demo: dict[str, str]) -> None:
    browser = HttpBrowser()
    sign_in(browser, "wiki", BOB)
    browser.get(f"{live_demo['wiki']}/pages/")
    link = f"{live_demo['todo']}/todos/{Todo.objects.filter(owner__email=BOB)[0].pk}"
    idp = settings.ORIGINS["idp"].format(tenant="customer1")
    browser.session.headers["X-Request-ID"] = "from-the-proxy"
    browser.session.headers["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"

    with json_log() as log:
        assert unfurl(browser, link)["card"]
        answer = browser.session.get(f"{live_demo['staff']}/healthz", headers={"X-Request-ID": "another"}, timeout=30)

    assert answer.headers["X-Request-ID"] == "another"
    hops = [line for line in log.lines if line["request_id"] == "from-the-proxy"]
    assert {line["trace_id"] for line in hops} == {TRACE}
    asked = [(line["site"], line["path"]) for line in hops if line["logger"] == "idjag_demo.access"]
    assert {
        (live_demo["wiki"], "/api/articles/unfurl"),
        (idp, "/oauth2/v1/token"),
        (live_demo["todo"], "/oauth2/v1/token"),
        (live_demo["todo"], "/api/todos"),
    } <= set(asked)
    acts = {line["act"]: line["server"] for line in hops if line["logger"] == "audit"}
    assert acts == {
        "token_exchange": idp,
        "redemption": live_demo["todo"],
        "account_change": live_demo["todo"],  # Bob's, made just in time
    }
    assert [
        line["message"].partition(" resource_app")[0] for line in hops if line["logger"].startswith("crossapp.")
    ] == [
        "cross-app access granted",
        "API called",
    ]
    assert [line["site"] for line in log.of("idjag_demo.access") if line["request_id"] == "another"] == [
        live_demo["staff"]
    ]
