"""Guessing passwords, at the embedded IdP and at the admin."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings

from tenants.models import User
from tests.support.embedded_idp import EmbeddedIdP, make_person
from tests.support.limits import SetLimit

WRONG = "Wrong email or password."
TOO_MANY = "Too many attempts. Please try again in"


def submit(
    idp: EmbeddedIdP,
    password: str = "wrong",
    email: str = "bob@tables.fake",
    address: str = "192.0.2.1",
    **headers: str,
) -> Any:
    browser = Client(headers={"host": idp.host, **headers}, REMOTE_ADDR=address)
    return browser.post("/sign-in", {"email": email, "password": password, "next": "/"})


@pytest.fixture(autouse=True)
def _limits(set_limit: SetLimit) -> None:
    set_limit("SIGN_IN_ACCOUNT", "10/5minutes")
    set_limit("SIGN_IN_ACCOUNT_ANYWHERE", "30/5minutes")
    set_limit("SIGN_IN_ADDRESS", "40/5minutes")


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27 LIM-06")
def test_the_eleventh_wrong_password_for_an_account_is_not_even_looked_at(idp: EmbeddedIdP, bob: User) -> None:
    for _ in range(10):
        answer = submit(idp)
        assert (answer.status_code, WRONG in answer.content.decode()) == (400, True)
    for password in ("wrong", "avocado"):
        answer = submit(idp, password)
        assert answer.status_code == 429
        assert 0 < int(answer["Retry-After"]) <= 300
        page = answer.content.decode()
        assert TOO_MANY in page and 'name="password"' in page
        assert 'value="bob@tables.fake"' in page
        assert "_auth_user_id" not in answer.client.session


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_an_account_is_guarded_from_many_addresses_too(idp: EmbeddedIdP, bob: User) -> None:
    statuses = [submit(idp, address=f"192.0.2.{number}").status_code for number in range(50)]
    assert statuses == [400] * 30 + [429] * 20
    assert submit(idp, "avocado", address="192.0.2.99").status_code == 429


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_an_address_that_tries_many_accounts_is_throttled(idp: EmbeddedIdP, bob: User) -> None:
    statuses = [submit(idp, email=f"person{number}@tables.fake").status_code for number in range(41)]
    assert statuses == [400] * 40 + [429]
    assert submit(idp, "avocado").status_code == 429
    assert submit(idp, "avocado", address="192.0.2.2").status_code == 302


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_the_victim_is_not_locked_out_for_ever(idp: EmbeddedIdP, bob: User, clock: Callable[[float], None]) -> None:
    for _ in range(10):
        submit(idp)
    for _ in range(4):
        clock(60)
        assert submit(idp).status_code == 429
    clock(61)
    assert submit(idp, "avocado", address="192.0.2.99").status_code == 302


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_one_address_cannot_lock_out_users_at_other_addresses(idp: EmbeddedIdP, bob: User) -> None:
    assert [submit(idp, address="192.0.2.66").status_code for _ in range(60)] == [400] * 10 + [429] * 50
    assert submit(idp, "avocado").status_code == 302


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_the_right_password_forgets_the_wrong_ones_of_the_account_only(idp: EmbeddedIdP, bob: User) -> None:
    make_person(idp, "mallory")
    for _ in range(3):
        assert [submit(idp).status_code for _ in range(9)] == [400] * 9
        assert submit(idp, "avocado").status_code == 302
    # A success of one's own in between does not help to guess on.
    assert [submit(idp, email=f"p{number}@tables.fake").status_code for number in range(13)] == [400] * 13
    assert submit(idp, "avocado", "mallory@tables.fake").status_code == 429


@pytest.mark.clause("OWASP ASVS", "6.3.8", "OP-26")
def test_an_account_that_does_not_exist_is_throttled_alike(idp: EmbeddedIdP, bob: User) -> None:
    pages = []
    for email in ("bob@tables.fake", "nobody@tables.fake"):
        answers = [submit(idp, email=email) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [400] * 10 + [429]
        pages.append(re.sub(r"csrfmiddlewaretoken.*|nonce=\S+|in \d+ \w+", "", answers[-1].content.decode()))
    assert pages[0].replace('value="bob@', 'value="nobody@') == pages[1]


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_upper_case_and_spaces_are_no_new_account(idp: EmbeddedIdP, bob: User) -> None:
    spellings = ["bob@tables.fake", "BOB@tables.fake", " Bob@Tables.fake "]
    statuses = [submit(idp, email=spellings[number % 3]).status_code for number in range(11)]
    assert statuses[-1] == 429


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27 MT-01 MT-10")
def test_the_same_address_at_another_tenants_idp_is_another_account(
    idp: EmbeddedIdP, bob: User, other_idp: EmbeddedIdP
) -> None:
    for _ in range(11):
        submit(idp)
    assert submit(idp).status_code == 429
    assert submit(other_idp).status_code == 400


@pytest.mark.clause("OWASP ASVS", "6.3.1", "LIM-06")
def test_a_tenant_is_guarded_from_many_addresses_that_try_many_accounts(
    idp: EmbeddedIdP, bob: User, other_idp: EmbeddedIdP, set_limit: SetLimit
) -> None:
    set_limit("SIGN_IN_TENANT", "5/5minutes")

    def spray(at: EmbeddedIdP, number: int) -> Any:
        return submit(at, email=f"person{number}@tables.fake", address=f"192.0.2.{number}")

    assert [spray(idp, number).status_code for number in range(7)] == [400] * 5 + [429] * 2
    assert int(spray(idp, 8)["Retry-After"]) > 0
    assert spray(other_idp, 9).status_code == 400


@pytest.mark.clause("OWASP ASVS", "6.3.1", "LIM-06")
def test_all_sites_together_look_at_so_many_wrong_passwords(
    idp: EmbeddedIdP, bob: User, other_idp: EmbeddedIdP, set_limit: SetLimit
) -> None:
    set_limit("SIGN_IN_EVERYWHERE", "4/5minutes")
    statuses = [
        submit((idp, other_idp)[number % 2], email=f"p{number}@tables.fake", address=f"192.0.2.{number}").status_code
        for number in range(6)
    ]
    assert statuses == [400] * 4 + [429] * 2


@pytest.mark.clause("OWASP ASVS", "6.3.1", "LIM-06")
def test_a_right_password_uses_nothing_up(idp: EmbeddedIdP, bob: User, set_limit: SetLimit) -> None:
    for name in ("SIGN_IN_ACCOUNT", "SIGN_IN_ACCOUNT_ANYWHERE", "SIGN_IN_ADDRESS", "SIGN_IN_TENANT"):
        set_limit(name, "1/5minutes")
    set_limit("SIGN_IN_EVERYWHERE", "1/5minutes")
    assert {submit(idp, "avocado").status_code for _ in range(4)} == {302}
    assert submit(idp).status_code == 400, "the one wrong password that there may be"


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip"])
@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-28 WEB-14")
def test_a_client_cannot_choose_the_address_it_is_counted_under(
    idp: EmbeddedIdP, set_limit: SetLimit, header: str
) -> None:
    set_limit("SIGN_IN_ADDRESS", "3/5minutes")
    statuses = [
        submit(idp, email=f"person{number}@tables.fake", **{header: f"198.51.100.{number}"}).status_code
        for number in range(4)
    ]
    assert statuses == [400, 400, 400, 429]


@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27 WEB-17")
def test_the_admin_is_throttled_too(db: None) -> None:
    user = get_user_model()(username="admin", is_staff=True, is_superuser=True)
    user.set_password("avocado")
    user.save()
    browser = Client(headers={"host": "localhost:8000"})
    credentials = {"username": "admin", "password": "wrong"}
    for _ in range(10):
        assert browser.post("/admin/login/", credentials).status_code == 200
    answer = browser.post("/admin/login/", credentials | {"password": "avocado"})
    assert (answer.status_code, TOO_MANY in answer.content.decode()) == (429, True)
    assert int(answer["Retry-After"]) > 0
    assert browser.get("/admin/").status_code == 302


@pytest.mark.clause("limits", "", "LIM-12")
def test_without_a_cache_passwords_are_refused_and_nothing_breaks(
    idp: EmbeddedIdP, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("the cache is down")

    for name in ("add", "incr", "decr", "get", "set", "delete_many"):
        monkeypatch.setattr(caches["passwords"], name, down)
    assert submit(idp, "avocado").status_code == 429


@pytest.mark.clause("limits", "", "LIM-06")
def test_zero_turns_the_throttle_off(idp: EmbeddedIdP, bob: User, settings: Settings) -> None:
    settings.LIMITS = dict.fromkeys(settings.LIMITS, "0")
    assert {submit(idp).status_code for _ in range(15)} == {400}


@pytest.fixture
def _small_memory(settings: Settings) -> None:
    """Local memory that forgets early, so that an attacker needs less patience."""
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {
        "default": {"BACKEND": memory, "LOCATION": "small", "OPTIONS": {"MAX_ENTRIES": 20}},
        "passwords": {"BACKEND": memory, "LOCATION": "counters of the test"},
    }


@pytest.mark.usefixtures("_small_memory")
@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27 LIM-07: counters are forgotten when their window ends, not earlier")
def test_bad_clients_do_not_make_the_wrong_passwords_forgotten(
    idp: EmbeddedIdP, bob: User, set_limit: SetLimit
) -> None:
    set_limit("SIGN_IN_ACCOUNT", "2/5minutes")
    assert [submit(idp, f"wrong-{number}").status_code for number in range(3)] == [400, 400, 429]
    for number in range(60):
        idp.token({"grant_type": "refresh_token"}, headers={"authorization": idp.basic(f"bad-{number}", "x")})
    assert len(caches["default"]._cache) <= 20
    assert submit(idp, "wrong-again").status_code == 429


@pytest.mark.usefixtures("_small_memory")
@pytest.mark.clause("OWASP ASVS", "6.3.1", "OP-27")
def test_attempts_over_a_shared_limit_make_no_new_counters(idp: EmbeddedIdP, bob: User, set_limit: SetLimit) -> None:
    set_limit("SIGN_IN_ADDRESS", "3/5minutes")
    for number in range(4):
        submit(idp, "wrong", email=f"p{number}@tables.fake")
    before = len(caches["passwords"]._cache)
    for number in range(4, 30):
        assert submit(idp, "wrong", email=f"p{number}@tables.fake").status_code == 429
    assert len(caches["passwords"]._cache) == before
