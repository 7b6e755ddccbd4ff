"""A bad configuration is an error at start-up."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection

from crossapp.requesting_app.checks import check_settings

STORE = "tests.requesting_app.peers.MemoryStore"
KEYS = ["bWluaW1hbC1zZXR0aW5ncy1vZi10aGUtdGVzdHMtMzI="]
GOOD = {"SUBJECT_TOKEN_STORE": STORE, "ENCRYPTION_KEYS": KEYS}


def ids(settings: Any, values: Any) -> list[str | None]:
    settings.CROSSAPP_REQUESTING_APP = values
    messages = check_settings(None)
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


@pytest.mark.parametrize(
    "values", [GOOD, {**GOOD, "HTTP_SESSION": "requests.Session"}, {**GOOD, "HTTP_SESSION": "", "LEASE_SECONDS": 30}]
)
def test_a_good_configuration_has_no_errors(settings: Any, values: dict[str, Any]) -> None:
    assert ids(settings, values) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, "E001"),
        ([], "E001"),
        ({**GOOD, "SUBJECT_TOKENS": 1}, "E002"),
        ({"ENCRYPTION_KEYS": KEYS}, "E003"),
        ({**GOOD, "SUBJECT_TOKEN_STORE": None}, "E003"),
        ({**GOOD, "SUBJECT_TOKEN_STORE": "no.such.module"}, "E003"),
        ({**GOOD, "SUBJECT_TOKEN_STORE": "nodots"}, "E003"),
        ({**GOOD, "SUBJECT_TOKEN_STORE": "requests.Session"}, "E003"),
        ({**GOOD, "SUBJECT_TOKEN_STORE": "tests.requesting_app.peers.world"}, "E003"),
        ({**GOOD, "HTTP_SESSION": "no.such.module"}, "E004"),
        ({**GOOD, "HTTP_SESSION": "tests.requesting_app.peers.IDP"}, "E004"),
        ({**GOOD, "HTTP_SESSION": None}, "E004"),
        ({**GOOD, "REFERENCE": "no.such.module"}, "E004"),
        ({**GOOD, "ACCESS_TOKEN_MARGIN_SECONDS": "30"}, "E005"),
        ({**GOOD, "ID_TOKEN_MARGIN_SECONDS": -1}, "E005"),
        ({**GOOD, "LEASE_SECONDS": True}, "E005"),
        ({**GOOD, "LEASE_SECONDS": 1}, "E005"),
        ({**GOOD, "LEASE_SECONDS": 3600}, "E005"),
    ],
)
def test_a_bad_configuration_is_named(settings: Any, values: Any, expected: str) -> None:
    assert ids(settings, values) == [f"crossapp_requesting.{expected}"]


@pytest.mark.parametrize("keys", [None, [], "x", ["short"], [5]])
def test_keys_that_encrypt_nothing_are_an_error(settings: Any, keys: Any) -> None:
    assert ids(settings, {**GOOD, "ENCRYPTION_KEYS": keys}) == ["crossapp_requesting.E006"]


def test_a_transaction_around_every_request_is_an_error(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert ids(settings, GOOD) == ["crossapp_requesting.E007"]


def test_the_checks_run_at_start_up(settings: Any) -> None:
    settings.CROSSAPP_REQUESTING_APP = {}
    assert "crossapp_requesting.E003" in {message.id for message in run_checks(tags=["crossapp_requesting"])}
