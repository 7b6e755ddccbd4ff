"""How often a client may ask at the OAuth endpoints, and how often anybody may guess its secret."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from authserver.validator import Validator
from tests.support.embedded_idp import EmbeddedIdP, _form
from tests.support.in_process import _thread_state_kept
from tests.support.limits import SetLimit


def ask(
    idp: EmbeddedIdP, client_id: str = "wiki0", path: str = "token", address: str = "192.0.2.1", **extra: Any
) -> Any:
    """Ask for nothing that exists: authentication comes first, and that is what is counted."""
    secret = extra.get("secret")
    data = {"grant_type": "refresh_token", "refresh_token": "unknown", "token": "unknown"}
    return Browser(headers={"host": idp.host}, REMOTE_ADDR=address).post(
        f"/oauth2/v1/{path}",
        _form(data),
        content_type="application/x-www-form-urlencoded",
        headers={"authorization": idp.basic(client_id, secret)},
    )


def is_throttled(response: Any) -> bool:
    if response.status_code != 429:
        return False
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert 0 < int(response["Retry-After"]) <= 60
    assert response.json()["error"] == "temporarily_unavailable"
    assert "again in" in response.json()["error_description"]
    return True


@pytest.mark.parametrize("path", ["token", "revoke"])
@pytest.mark.clause("RFC 6585", "4", "TE-86 LIM-07")
def test_a_client_that_asks_too_often_is_put_off_and_no_other(
    idp: EmbeddedIdP, other_idp: EmbeddedIdP, set_limit: SetLimit, path: str
) -> None:
    set_limit("CLIENT", "3/minute")
    assert [is_throttled(ask(idp, path=path)) for _ in range(5)] == [False] * 3 + [True] * 2
    assert not is_throttled(ask(idp, "todo0", path))
    assert not is_throttled(ask(other_idp, "wiki0", path)), "the same identifier at another server is another client"
    assert is_throttled(ask(idp, path=path, address="192.0.2.2")), "the client counts, wherever it asks from"


@pytest.mark.clause("RFC 6749", "10.10", "LIM-07")
def test_wrong_secrets_are_limited_harder_and_do_not_use_up_the_clients_own_requests(
    idp: EmbeddedIdP, set_limit: SetLimit
) -> None:
    set_limit("CLIENT", "5/minute")
    set_limit("CLIENT_FAILURES", "2/minute")
    wrong = [ask(idp, secret="wrong", address="192.0.2.66") for _ in range(4)]
    assert [answer.status_code for answer in wrong] == [401, 401, 429, 429]
    assert all(map(is_throttled, wrong[2:]))
    assert ask(idp, address="192.0.2.66").status_code == 400, "the right secret is looked at from there too"
    assert is_throttled(ask(idp, secret="wrong", address="192.0.2.66")), "and forgets no failure"
    assert [ask(idp).status_code for _ in range(4)] == [400] * 4, (
        "of the five requests of the client itself one is used"
    )
    assert ask(idp, "todo0", address="192.0.2.66").status_code == 400, "so is another client at the same address"


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
@pytest.mark.clause("RFC 6749", "10.10", "LIM-07")
def test_failures_from_its_own_address_do_not_lock_a_client_out(
    idp: EmbeddedIdP, set_limit: SetLimit, path: str
) -> None:
    set_limit("CLIENT_FAILURES", "2/minute")
    set_limit("CLIENT_FAILURES_ADDRESS", "3/minute")
    right = ask(idp, path=path).status_code
    assert [ask(idp, secret="wrong").status_code for _ in range(4)] == [401, 401, 429, 429]
    assert [ask(idp, f"client{number}", secret="wrong").status_code for number in range(2)] == [429, 429]
    assert ask(idp, path=path).status_code == right
    assert is_throttled(ask(idp, secret="wrong")), "a right secret does not make room for wrong ones"


@pytest.mark.clause("limits", "", "LIM-07")
def test_an_address_over_its_limit_gets_no_counter_for_each_further_client(
    idp: EmbeddedIdP, set_limit: SetLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limit("CLIENT_FAILURES", "2/minute")
    set_limit("CLIENT_FAILURES_ADDRESS", "2/minute")
    for _ in range(3):
        ask(idp, "client", secret="wrong")
    opened: list[str] = []
    monkeypatch.setattr(cache, "add", lambda key, *args: opened.append(key))
    assert {ask(idp, f"client{number}", secret="wrong").status_code for number in range(5)} == {429}
    assert opened == []


@pytest.mark.clause("RFC 6749", "10.10", "LIM-07")
def test_a_failure_that_turns_out_to_be_one_too_many_is_told_so(
    idp: EmbeddedIdP, set_limit: SetLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two wrong secrets under way at once, only one is answered as wrong where there may be one."""
    set_limit("CLIENT_FAILURES", "1/minute")
    check = Validator._check_secret
    under_way: list[int | None] = []

    def meanwhile(self: Validator, *secrets: str) -> bool:
        if not under_way:
            under_way.append(None)
            with _thread_state_kept():
                under_way.append(ask(idp, secret="wrong").status_code)
        return check(self, *secrets)

    monkeypatch.setattr(Validator, "_check_secret", meanwhile)
    assert is_throttled(ask(idp, secret="wrong"))
    assert under_way[1] == 401


@pytest.mark.clause("RFC 6749", "10.10", "LIM-07")
def test_one_client_has_one_counter_however_its_identifier_is_spelled(idp: EmbeddedIdP, set_limit: SetLimit) -> None:
    set_limit("CLIENT_FAILURES", "2/minute")
    idp.secrets |= dict.fromkeys(("%77iki0", "wiki%30"), "")
    statuses = [ask(idp, name, secret="wrong").status_code for name in ("wiki0", "%77iki0", "wiki%30")]
    assert statuses == [401, 401, 429]


@pytest.mark.clause("RFC 6749", "10.10", "LIM-07")
def test_an_address_that_tries_many_clients_is_put_off(idp: EmbeddedIdP, set_limit: SetLimit) -> None:
    set_limit("CLIENT_FAILURES", "2/minute")
    set_limit("CLIENT_FAILURES_ADDRESS", "4/minute")
    answers = [ask(idp, f"client{number}", secret="wrong").status_code for number in range(6)]
    assert answers == [401] * 4 + [429] * 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, {"client_id": "wiki0", "client_secret": "wrong"}),
        ({}, {"client_id": "nobody"}),
        ({}, {}),
        ({"authorization": "Basic !!!"}, {}),
        (
            {},
            {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": "x",
            },
        ),
        (
            {},
            {
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3aWtpMCJ9.",
            },
        ),
    ],
)
@pytest.mark.clause("RFC 6749", "10.10", "LIM-07")
def test_every_way_to_fail_counts(
    idp: EmbeddedIdP, set_limit: SetLimit, headers: dict[str, str], body: dict[str, str]
) -> None:
    set_limit("CLIENT_FAILURES", "2/minute")
    data = {"grant_type": "refresh_token", "refresh_token": "unknown"} | body
    answers = [idp.token(data, None, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [401, 401], answers[0].content
    assert is_throttled(answers[2])


@pytest.mark.clause("limits", "", "LIM-07")
def test_a_request_without_a_grant_type_costs_a_client_nothing(idp: EmbeddedIdP, set_limit: SetLimit) -> None:
    set_limit("CLIENT", "1/minute")
    assert {idp.token({}).status_code for _ in range(3)} == {400}
    assert ask(idp).status_code == 400
    assert is_throttled(ask(idp))
