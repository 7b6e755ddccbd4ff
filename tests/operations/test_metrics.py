"""Who may read the metrics, and what they count."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from audit.models import Act
from audit.signals import acted
from base import issuers
from crossapp.core import refusals as redemption_errors
from idp import errors as idp_errors
from idp.models import CrossAppPolicy
from operations import metrics
from tests.support.demo import Demo
from tests.support.embedded_idp import EmbeddedIdP
from tests.support.in_process import sign_in
from tests.support.legs import id_jag_of, idp_of, redeem

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-more-than-16-characters"
BOB = "bob@tables.fake"
Counted = Callable[..., dict[tuple[str, ...], float]]


@pytest.fixture
def with_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def counted() -> Counted:
    """Return what has been counted under a name since the test began: the values of the labels -> how often."""

    def samples() -> dict[tuple[str, tuple[str, ...]], float]:
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in REGISTRY.collect()
            for sample in family.samples
            if sample.name.startswith("idjag_") and "le" not in sample.labels
        }

    before = samples()
    return lambda wanted: {
        labels: value - before.get((name, labels), 0)
        for (name, labels), value in samples().items()
        if name == wanted and value != before.get((name, labels), 0)
    }


def ask(authorization: str | None = f"Bearer {TOKEN}", method: str = "GET", host: str = "localhost:8000") -> Any:
    headers = {"host": host} | ({} if authorization is None else {"authorization": authorization})
    return Client(headers=headers).generic(method, "/metrics")


# --- who may read them ---------------------------------------------------------------------------------------------


def test_who_has_the_token_reads_the_metrics_in_prometheus_format(with_token: None) -> None:
    response = ask()
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies
    names = {family.name for family in text_string_to_metric_families(response.content.decode())}
    assert {
        "idjag_http_request_duration_seconds",
        "idjag_grants",
        "idjag_exchange_leg_duration_seconds",
        "idjag_access_token_lookups",
        "idjag_jwks_lookups",
        "idjag_jwks_fetches",
        "process_cpu_seconds",
    } <= names


def test_the_scheme_is_case_insensitive(with_token: None) -> None:
    assert ask(f"bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \xff",
    ],
    ids=ascii,
)
@pytest.mark.clause("RFC 6750", "3", "who may not read the metrics is told which token is missing")
def test_who_has_another_or_none_reads_nothing(with_token: None, authorization: str | None) -> None:
    for method in ("GET", "POST"):
        response = ask(authorization, method)
        assert (response.status_code, response.content) == (401, b"")
        assert response["WWW-Authenticate"] == 'Bearer realm="metrics"'


def test_they_can_only_be_read(with_token: None) -> None:
    assert ask(method="HEAD").status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        assert (ask(method=method).status_code, ask(method=method)["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("authorization", [None, "Bearer ", f"Bearer {TOKEN}"], ids=ascii)
@pytest.mark.clause("requirements.md", "LIM-20", "without a token in the settings, no metrics are served")
def test_without_a_token_in_the_settings_there_is_nothing(authorization: str | None) -> None:
    assert settings.METRICS_TOKEN == ""
    for method in ("GET", "POST"):
        assert ask(authorization, method).status_code == 404


@pytest.mark.parametrize("host", ["wiki.localhost:8000", "todo.localhost:8000", "customer1.idp.localhost:8000"])
@pytest.mark.clause("requirements.md", "LIM-20", "no product serves metrics, whatever the token")
def test_the_products_have_none(with_token: None, idp: EmbeddedIdP, host: str) -> None:
    assert ask(host=host).status_code == 404


def test_the_tokens_are_compared_in_constant_time(with_token: None, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, ...]] = []

    def compare(*both: str) -> bool:
        compared.append(both)
        return False

    monkeypatch.setattr(metrics, "constant_time_compare", compare)
    assert ask(f"Bearer {TOKEN}").status_code == 401
    assert compared == [(TOKEN, TOKEN)]


def test_they_are_read_from_the_process_itself_without_https(with_token: None, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert ask().status_code == 200
    assert Client(headers={"host": "localhost:8000"}).get("/").status_code == 301


# --- what they count -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_unfurl_counts_its_legs_its_token_and_the_keys(
    demo: Demo,
    counted: Counted,
    django_capture_on_commit_callbacks: Any,
) -> None:
    sign_in(demo.browser, "wiki", BOB)
    link = demo.link_to(BOB)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            assert demo.unfurl([link])[0]["card"]
    assert counted("idjag_access_token_lookups_total") == {("miss",): 1, ("hit",): 2}
    assert counted("idjag_exchange_leg_duration_seconds_count") == {
        ("token_exchange", "2xx"): 1,
        ("jwt_bearer", "2xx"): 1,
        ("api", "2xx"): 3,
    }
    assert counted("idjag_exchange_leg_duration_seconds_sum")[("api", "2xx")] < 5
    grants = counted("idjag_grants_total")
    assert grants[("token_exchange", "done", "")] == grants[("jwt_bearer", "done", "")] == 1


@pytest.mark.django_db
def test_needs_for_keys_are_counted_and_what_came_of_them(demo: Demo, counted: Counted) -> None:
    def keys() -> tuple[dict[tuple[str, ...], float], dict[tuple[str, ...], float]]:
        return counted("idjag_jwks_lookups_total"), counted("idjag_jwks_fetches_total")

    sign_in(demo.browser, "wiki", BOB)
    assert keys() == ({("miss",): 1}, {("answered",): 1})
    first, second = id_jag_of(BOB), id_jag_of(BOB)
    assert redeem(first).status_code == 200
    assert keys() == ({("miss",): 1, ("hit",): 1}, {("answered",): 1})
    cache.clear()
    issuers.keys()._recent.clear()
    demo.network.unreachable.add(idp_of("customer1"))
    assert redeem(second).status_code == 503
    assert keys() == ({("miss",): 2, ("hit",): 1}, {("answered",): 1, ("failed",): 1})


@pytest.mark.django_db
def test_a_refused_exchange_counts_as_one_and_its_user_has_no_token(demo: Demo, counted: Counted) -> None:
    sign_in(demo.browser, "wiki", BOB)
    CrossAppPolicy.objects.update(enabled=False)
    assert not demo.unfurl([demo.link_to(BOB)])[0]["card"]
    assert counted("idjag_access_token_lookups_total") == {("failed",): 1}
    assert counted("idjag_grants_total")[("token_exchange", "refused", "access_denied")] == 1
    assert counted("idjag_exchange_leg_duration_seconds_count") == {("token_exchange", "4xx"): 1}


@pytest.mark.django_db
def test_a_peer_that_is_down_counts_as_no_answer(demo: Demo, counted: Counted) -> None:
    sign_in(demo.browser, "wiki", BOB)
    assert demo.unfurl([demo.link_to(BOB)])[0]["card"]
    demo.network.unreachable.add("todo.localhost:8000")
    assert not demo.unfurl([demo.link_to(BOB)])[0]["card"]
    assert counted("idjag_exchange_leg_duration_seconds_count")[("api", "no_answer")] == 1


@pytest.mark.django_db
def test_every_refused_grant_is_counted_also_when_there_are_too_many_to_record(
    idp: EmbeddedIdP,
    counted: Counted,
    settings: Settings,
) -> None:
    settings.LIMITS = {**settings.LIMITS, "RECORDED_REFUSALS": "2/minute"}
    for _ in range(5):
        idp.token(
            {"grant_type": "refresh_token", "refresh_token": "x"}, headers={"authorization": idp.basic("nobody", "x")}
        )
    idp.token({"grant_type": "made-up"})
    assert counted("idjag_grants_total") == {
        ("refresh_token", "refused", "invalid_client"): 5,
        ("unknown", "refused", "unsupported_grant_type"): 1,
    }


def test_every_error_of_the_token_endpoints_has_a_label_and_nothing_else_has(counted: Counted) -> None:
    classes = (*vars(redemption_errors).values(), *vars(idp_errors).values())
    ours = {error for each in classes if isinstance(error := getattr(each, "error", None), str)}
    assert len(ours) > 8
    for error in ours:
        acted.send(None, act=Act.REDEMPTION, outcome="refused", error=error)
    assert {error for _, _, error in counted("idjag_grants_total")} == ours
    acted.send(None, act=Act.REDEMPTION, outcome="refused", error="made-up-\ud800")
    assert counted("idjag_grants_total")[("jwt_bearer", "refused", "other")] == 1


@pytest.mark.django_db
def test_what_anybody_can_send_makes_no_label(demo: Demo, counted: Counted) -> None:
    for host in (
        "elsewhere.example",
        "nobody.idp.localhost:8000",
        "customer1.idp.localhost:8000",
        "todo.localhost:8000",
    ):
        browser = Client(headers={"host": host})
        browser.generic("BREW", "/coffee")
        browser.get("/a/path/of/ones/own?q=1")
        browser.post("/oauth2/v1/token", {"grant_type": "ones-own", "client_id": "ones-own"})
    requests = counted("idjag_http_request_duration_seconds_count")
    assert {site for site, _, _ in requests} == {"none", "idp", "todo"}
    assert {method for _, method, _ in requests} == {"GET", "POST", "other"}
    assert {status for _, _, status in requests} <= {"2xx", "3xx", "4xx"}
    assert requests[("none", "other", "4xx")] == 2
    assert {grant for grant, _, _ in counted("idjag_grants_total")} == {"unknown"}


# --- several processes ---------------------------------------------------------------------------------------------

PROCESS = """
import idjag_demo.wsgi, os, sys
from django.test import Client
browser = Client(headers={"host": "localhost:8000"})
for _ in range(int(sys.argv[1])):
    assert browser.get("/healthz").status_code == 200
if sys.argv[2] == "dies":
    os.kill(os.getpid(), 9)
response = browser.get("/metrics", headers={"authorization": "Bearer " + os.environ["METRICS_TOKEN"]})
print(response.status_code)
print(response.content.decode())
"""


def process(requests: int, then: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Let a process of its own answer requests for its health, and then die or tell its metrics."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    kept |= {"DEMO": "true", "BASE_DOMAIN": "localhost:8000", "METRICS_TOKEN": TOKEN} | environment
    command = [sys.executable, "-c", PROCESS, str(requests), then]
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=60)


def health_requests(text: str) -> float:
    labels = {"site": "staff", "method": "GET", "status": "2xx"}
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if (sample.name, sample.labels) == ("idjag_http_request_duration_seconds_count", labels)
    )


def test_processes_that_share_a_directory_count_together_also_what_a_dead_one_has_counted(tmp_path: Path) -> None:
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "WEB_CONCURRENCY": "1"}
    assert process(3, "dies", **shared).returncode == -9
    assert process(4, "dies", **shared).returncode == -9
    answer = process(5, "tells", **shared)
    status, _, text = answer.stdout.partition("\n")
    assert (status, health_requests(text)) == ("200", 12), answer.stderr


def test_a_process_on_its_own_tells_what_it_has_counted() -> None:
    assert health_requests(process(5, "tells").stdout.partition("\n")[2]) == 5


def test_a_shared_directory_that_is_gone_is_an_outage_of_the_metrics_alone(
    with_token: None, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PROMETHEUS_MULTIPROC_DIR = str(tmp_path / "gone")
    assert ask().status_code == 503
    assert "no metrics" in caplog.text


def test_a_counter_that_fails_breaks_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise FileNotFoundError("counter_1.db")

    monkeypatch.setattr(metrics, "_requests", fail)
    assert Client(headers={"host": "localhost:8000"}).get("/healthz").status_code == 200
    assert "counter_1.db" in caplog.text
