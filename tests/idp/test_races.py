"""Two requests at once with the same code or the same refresh token."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP

AT_ONCE = 8

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


def send_at_once(
    pool: ThreadPoolExecutor, idp: EmbeddedIdP, request: dict[str, str]
) -> tuple[Counter[str], list[dict[str, str]]]:
    """Send the same token request eight times at once; return how often each answer came, and the tokens issued."""

    start, issued = Barrier(AT_ONCE, timeout=10), list[dict[str, str]]()

    def send(_: int) -> str:
        start.wait()
        try:
            response = idp.token(request)
            if response.status_code == 200:
                issued.append(response.json())
            return f"{response.status_code} {response.json().get('error', '')}".strip()
        finally:
            connections.close_all()

    return Counter(pool.map(send, range(AT_ONCE))), issued


@pytest.mark.clause("RFC 6749", "4.1.2", "OP-35")
def test_of_eight_requests_with_one_code_exactly_one_gets_tokens(
    signed_in: EmbeddedIdP, pool: ThreadPoolExecutor
) -> None:
    code = {"grant_type": "authorization_code", "code": signed_in.code(), "redirect_uri": CALLBACK}
    answers, issued = send_at_once(pool, signed_in, code | {"code_verifier": VERIFIER})
    assert answers == {"200": 1, "400 invalid_grant": AT_ONCE - 1}
    assert not get_access_token_model().objects.exists(), "the others have ended what it got"
    assert not get_refresh_token_model().objects.filter(revoked=None).exists()
    assert [signed_in.exchange(each["id_token"]).status_code for each in issued] == [400]


@pytest.mark.clause("RFC 9700", "4.14.2", "OP-38")
def test_of_eight_requests_with_one_refresh_token_one_gets_tokens_and_the_family_ends(
    signed_in: EmbeddedIdP, pool: ThreadPoolExecutor
) -> None:
    token = signed_in.tokens()["refresh_token"]
    answers, issued = send_at_once(pool, signed_in, {"grant_type": "refresh_token", "refresh_token": token})
    assert answers == {"200": 1, "400 invalid_grant": AT_ONCE - 1}
    assert not get_refresh_token_model().objects.filter(revoked=None).exists()
    assert not get_access_token_model().objects.exists()
    assert [signed_in.exchange(each["id_token"]).status_code for each in issued] == [400]
