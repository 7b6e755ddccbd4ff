"""A database that is down, locked or read-only: 503, in JSON for programs and as a page for people; no half grants."""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from authserver.models import UsedCode
from crossapp.resource_app.models import ConsumedJti
from tests.sites.test_endpoints import HOSTS, addresses, is_for_programs, signed_in_at
from tests.support.demo import Demo
from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP
from tests.support.in_process import sign_in
from tests.support.legs import id_jag_of, post_form, redeem

BOB = "bob@tables.fake"
_WRITES = re.compile(r"INSERT|UPDATE|DELETE|REPLACE")
_ANYTHING = re.compile(r"(?!SAVEPOINT|RELEASE|ROLLBACK)")  # those are the test's own transaction

Trouble = tuple[re.Pattern[str], Exception]
DOWN = (_ANYTHING, OperationalError("could not connect to canary-host"))
GONE = (_ANYTHING, InterfaceError("canary: the connection is closed"))
READ_ONLY = (_WRITES, OperationalError("canary: attempt to write a readonly database"))
LOCKED = (_WRITES, OperationalError("canary: database is locked"))


@contextmanager
def failing(statements: re.Pattern[str], error: Exception, *, after: int = 0) -> Iterator[list[str]]:
    """Let statements of this kind fail, the first `after` of them excepted; yield those that failed."""
    failed: list[str] = []
    seen: list[str] = []

    def execute(run: Callable[..., Any], sql: str, *args: Any) -> Any:
        if statements.match(sql):
            seen.append(sql)
            if len(seen) > after:
                failed.append(sql)
                raise error
        return run(sql, *args)

    with connection.execute_wrapper(execute):
        yield failed


@pytest.mark.parametrize(
    ("realm", "trouble"),
    [*((realm, DOWN) for realm in HOSTS), *((realm, READ_ONLY) for realm in HOSTS), ("todo", GONE)],
    ids=[*(f"{realm} down" for realm in HOSTS), *(f"{realm} read-only" for realm in HOSTS), "todo connection gone"],
)
@pytest.mark.clause("RFC 9110", "15.6.4", "LIM-11 LIM-19")
def test_programs_get_503_in_json_and_people_a_page(demo: Demo, realm: str, trouble: Trouble) -> None:
    browser, refused = signed_in_at(realm), []
    for path, method in itertools.product(addresses(realm), ("GET", "POST")):
        with transaction.atomic(), failing(*trouble) as failed:
            response = browser.generic(method, path, b"grant_type=refresh_token", "application/x-www-form-urlencoded")
        if not failed or response.status_code < 500:
            continue
        refused.append(path)
        assert (response.status_code, response["Retry-After"]) == (503, "5"), path
        assert b"canary" not in response.content
        if is_for_programs(path):
            assert response.json()["error"] == "temporarily_unavailable", path
            assert response["Cache-Control"] == "no-store", path
        else:
            assert b"<h1>Temporarily unavailable</h1>" in response.content, path
    assert refused


def _refresh(idp: EmbeddedIdP) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": idp.tokens()["refresh_token"]}


def _code(idp: EmbeddedIdP) -> dict[str, str]:
    idp.tokens()  # used codes are swept with this one, and not again soon
    return {
        "grant_type": "authorization_code",
        "code": idp.code(),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def _exchange(idp: EmbeddedIdP) -> dict[str, str]:
    return idp.exchange_request(idp.tokens()["id_token"])


def _is_try_again(answer: Any) -> bool:
    assert answer.status_code == 503, answer.content
    assert (answer["Cache-Control"], answer["Retry-After"]) == ("no-store", "5")
    return bool(answer.json()["error"] == "temporarily_unavailable")


def _handed_out() -> list[list[Any]]:
    """Return all that a grant leaves behind; an ID token's row without the ID token is of no use to anybody."""
    models = (get_access_token_model(), get_refresh_token_model(), get_grant_model(), UsedCode, ConsumedJti)
    return [list(model.objects.order_by("pk").values()) for model in models]


def _fails_at_every_write_and_then_works(ask: Callable[[], Any]) -> int:
    """Let the first write fail, then the second and so on; return how many of them spoilt the grant."""
    for after in range(50):
        before = _handed_out()
        with failing(*LOCKED, after=after) as failed:
            answer = ask()
        if answer.status_code == 200:
            return after
        assert _is_try_again(answer), failed
        assert _handed_out() == before, f"{failed[0]} failed, and something stayed"
    raise AssertionError("it writes without end")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("grant", [_code, _refresh, _exchange], ids=["code", "refresh", "exchange"])
@pytest.mark.clause("RFC 6749", "5.2", "LIM-11")
def test_whichever_write_fails_the_idp_hands_out_nothing_and_the_next_try_works(
    signed_in: EmbeddedIdP, grant: Callable[[EmbeddedIdP], dict[str, str]]
) -> None:
    form, secret = grant(signed_in), signed_in.secrets["wiki0"]
    assert _fails_at_every_write_and_then_works(
        lambda: post_form(signed_in.host, "/oauth2/v1/token", form, "wiki0", secret)
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("RFC 7523", "3", "LIM-10 LIM-11")
def test_whichever_write_fails_no_id_jag_is_redeemed_and_none_is_burnt(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    id_jag = id_jag_of(BOB)
    assert _fails_at_every_write_and_then_works(lambda: redeem(id_jag)) >= 3
    assert redeem(id_jag).json()["error"] == "invalid_grant", "the last one was redeemed, and once only"


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("RFC 7523", "3", "LIM-10")
def test_without_the_table_of_used_jtis_nothing_is_redeemed(demo: Demo) -> None:
    sign_in(demo.browser, "wiki", BOB)
    id_jag = id_jag_of(BOB)
    with failing(re.compile(f"INSERT INTO .{ConsumedJti._meta.db_table}"), LOCKED[1]) as failed:
        assert _is_try_again(redeem(id_jag))
    assert len(failed) == 1
    assert not get_access_token_model().objects.filter(application__client_id="wiki0-at-todo0").exists()
    assert redeem(id_jag).status_code == 200
