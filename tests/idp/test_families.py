"""What ends with a code or a refresh token that is used twice, and with a new password; and what does not."""

from typing import Any

import pytest

from tenants.models import User
from tests.support.embedded_idp import CALLBACK, VERIFIER, EmbeddedIdP

REFRESH_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:refresh_token"


def redeem(idp: EmbeddedIdP, code: str, client_id: str = "wiki0") -> Any:
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return idp.token(data, client_id)


def refresh(idp: EmbeddedIdP, token: str, client_id: str = "wiki0") -> Any:
    return idp.token({"grant_type": "refresh_token", "refresh_token": token}, client_id)


def assert_ended(idp: EmbeddedIdP, *answers: dict[str, Any]) -> None:
    for tokens in answers:
        for refused in (
            idp.exchange(tokens["id_token"]),
            idp.exchange(tokens["refresh_token"], subject_token_type=REFRESH_TOKEN_TYPE),
            refresh(idp, tokens["refresh_token"]),
        ):
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.fixture
def other_client(signed_in: EmbeddedIdP) -> str:
    signed_in.register("other")
    return "other"


@pytest.mark.clause("RFC 6749", "4.1.2", "OP-35: a code that is used twice ends its ID tokens too")
@pytest.mark.parametrize("refreshes", [0, 1])
def test_a_code_that_is_used_twice_ends_all_that_came_of_it(signed_in: EmbeddedIdP, refreshes: int) -> None:
    code = signed_in.code()
    answers = [redeem(signed_in, code).json()]
    for _ in range(refreshes):
        answers.append(refresh(signed_in, answers[-1]["refresh_token"]).json())
    assert signed_in.exchange(answers[-1]["id_token"]).status_code == 200
    assert redeem(signed_in, code).status_code == 400
    assert_ended(signed_in, *answers)


@pytest.mark.clause("RFC 9700", "4.14.2", "OP-38: the ID tokens of all its generations")
def test_a_refresh_token_that_is_used_twice_ends_the_id_tokens_of_its_family(signed_in: EmbeddedIdP) -> None:
    first = redeem(signed_in, signed_in.code()).json()
    second = refresh(signed_in, first["refresh_token"]).json()
    assert [signed_in.exchange(each["id_token"]).status_code for each in (first, second)] == [200, 200]
    assert refresh(signed_in, first["refresh_token"]).status_code == 400
    assert_ended(signed_in, first, second)


@pytest.mark.clause("RFC 9700", "4.14.2", "a token of another family lives on")
def test_another_sign_in_of_the_person_is_not_touched(signed_in: EmbeddedIdP) -> None:
    first, other = (redeem(signed_in, signed_in.code()).json() for _ in range(2))
    refresh(signed_in, first["refresh_token"])
    refresh(signed_in, first["refresh_token"])
    assert signed_in.exchange(other["id_token"]).status_code == 200
    assert refresh(signed_in, other["refresh_token"]).status_code == 200


@pytest.mark.clause("RFC 6749", "4.1.2", "another client ends nothing")
def test_what_another_client_tries_ends_nothing(signed_in: EmbeddedIdP, other_client: str) -> None:
    code = signed_in.code()
    assert redeem(signed_in, code, other_client).status_code == 400
    first = redeem(signed_in, code).json()
    assert redeem(signed_in, code, other_client).status_code == 400
    assert refresh(signed_in, first["refresh_token"], other_client).status_code == 400
    second = refresh(signed_in, first["refresh_token"]).json()
    assert refresh(signed_in, first["refresh_token"], other_client).status_code == 400, "a spent one"
    assert signed_in.exchange(second["id_token"]).status_code == 200
    assert refresh(signed_in, second["refresh_token"]).status_code == 200


def test_a_new_password_ends_what_was_granted_before(signed_in: EmbeddedIdP, bob: User) -> None:
    tokens = redeem(signed_in, signed_in.code()).json()
    bob.set_password("another-password-1")
    bob.save()
    assert_ended(signed_in, tokens)
    assert signed_in.authorize().url.startswith("/sign-in"), "and the session at the IdP"


def test_a_password_that_is_only_hashed_again_ends_nothing(signed_in: EmbeddedIdP, bob: User) -> None:
    tokens = redeem(signed_in, signed_in.code()).json()
    bob.password = bob.password.replace("pbkdf2_sha256", "pbkdf2_sha256")
    bob.save(update_fields=["password"])  # as Django does at a sign-in when its own cost has grown
    bob.first_name = "Robert"
    bob.save()
    assert signed_in.exchange(tokens["id_token"]).status_code == 200
