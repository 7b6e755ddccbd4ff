"""The identifiers of a request: which are taken from a peer, which are new, and which peer gets them."""

from collections.abc import Iterator

import pytest
import requests
from pytest_django import Settings

from base import trace_context
from base.outgoing import StrictSession
from base.trace_context import TraceContext, received
from tests.support.local_server import serving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def of_the_request() -> Iterator[TraceContext]:
    """The context of the request that is being answered."""
    context = received("from-the-proxy", f"00-{TRACE}-{PARENT}-01")
    token = trace_context.current.set(context)
    yield context
    trace_context.current.reset(token)


@pytest.mark.parametrize("request_id", ["a", "A-b_9", "0" * 64, "3e6f0b1e-8f0c-4b7a-9a3d-2f1c5d7e9b11"])
def test_a_well_formed_request_id_is_taken(request_id: str) -> None:
    assert received(request_id, None).request_id == request_id


@pytest.mark.parametrize(
    "request_id",
    [None, "", " ", "0" * 65, "a b", "a\n", "a\r\nX: y", "ä", "eyJ0.eyJ0.x", "a,b", "<b>", '"', "{}", "a\x00", "٣"],
    ids=ascii,
)
def test_any_other_request_id_is_replaced(request_id: str | None) -> None:
    made = {received(request_id, None).request_id for _ in range(3)}
    assert len(made) == 3
    assert all(len(one) == 32 and int(one, 16) for one in made)


@pytest.mark.parametrize(
    ("traceparent", "sampled"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-00", False),
        (f"00-{TRACE}-{PARENT}-fe", False),
        (f"00-{TRACE}-{PARENT}-ff", True),
        (f"01-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", True),
    ],
)
@pytest.mark.clause("W3C Trace Context", "3.2.2", "the trace id and the sampled flag are kept")
def test_the_trace_of_a_well_formed_traceparent_goes_on(traceparent: str, sampled: bool) -> None:
    context = received(None, traceparent)
    assert (context.trace_id, context.sampled) == (TRACE, sampled)


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        TRACE,
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01more",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT[:-1]}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-0g",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
    ],
    ids=ascii,
)
@pytest.mark.clause("W3C Trace Context", "3.2.2", "a malformed traceparent begins a new trace")
def test_any_other_traceparent_begins_a_new_trace(traceparent: str | None) -> None:
    context = received(None, traceparent)
    assert len(context.trace_id) == 32
    assert int(context.trace_id, 16)
    assert context.trace_id != TRACE
    assert not context.sampled


def test_a_request_that_brings_neither_has_one_identifier_to_look_for() -> None:
    context = received(None, None)
    assert context.request_id == context.trace_id


@pytest.mark.clause("W3C Trace Context", "3.2.2.4", "each request has its own parent id")
def test_the_next_hop_gets_the_trace_with_a_new_parent_each_time(of_the_request: TraceContext) -> None:
    sent = [trace_context.headers(ours=True)["traceparent"].split("-") for _ in range(3)]
    assert {(version, trace, flags) for version, trace, _, flags in sent} == {("00", TRACE, "01")}
    parents = {parent for _, _, parent, _ in sent}
    assert len(parents) == 3
    assert PARENT not in parents
    assert all(len(parent) == 16 for parent in parents)


def test_what_we_send_is_what_we_take(of_the_request: TraceContext) -> None:
    headers = trace_context.headers(ours=True)
    assert received(headers["X-Request-ID"], headers["traceparent"]) == of_the_request


def test_an_own_site_gets_both_and_a_foreign_peer_the_trace_only(
    of_the_request: TraceContext, settings: Settings
) -> None:
    with serving() as port, StrictSession() as session:
        settings.ORIGINS = {**settings.ORIGINS, "idp": f"http://{{tenant}}.idp.localhost:{port}"}
        ours = seen_by(session, f"http://customer1.idp.localhost:{port}/")
        foreign = seen_by(session, f"http://elsewhere.localhost:{port}/")
    assert ours["x-request-id"] == "from-the-proxy"
    assert "x-request-id" not in foreign
    assert ours["traceparent"].split("-")[1] == foreign["traceparent"].split("-")[1] == TRACE
    assert not {"tracestate", "baggage"} & {*ours, *foreign}


def test_a_command_sends_neither() -> None:
    with serving() as port, StrictSession() as session:
        assert not {"traceparent", "x-request-id"} & {*seen_by(session, f"http://localhost:{port}/")}


def seen_by(session: requests.Session, url: str) -> dict[str, str]:
    """Return the headers that arrive at `url`, their names in lower case."""
    return {name.lower(): value for name, value in session.get(url).json()["headers"].items()}
