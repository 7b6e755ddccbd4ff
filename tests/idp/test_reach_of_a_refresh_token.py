"""ID-JAG -04 section 4.3.3, second rule: a refresh token reaches what the policy allows, no further.

The grant that a refresh token stands for is a sign-in. Its scopes are the IdP's own, so what is asked for an audience
is measured by the policy, as it is with an ID token.
"""

from typing import Any

import pytest

from idp.models import CrossAppPolicy
from tests.support.embedded_idp import ID_TOKEN_TYPE, REFRESH_TOKEN_TYPE, EmbeddedIdP

TYPES = {ID_TOKEN_TYPE: "id_token", REFRESH_TOKEN_TYPE: "refresh_token"}
BEYOND = [
    pytest.param({"scope": "admin"}, "invalid_scope", id="another scope"),
    pytest.param({"scope": "openid email"}, "invalid_scope", id="the scopes of the sign-in"),
    pytest.param({"audience": "http://other.localhost:8000"}, "invalid_target", id="another audience"),
    pytest.param({"audience": "http://customer1.idp.localhost:8000"}, "invalid_target", id="the IdP itself"),
    pytest.param({"resource": "http://todo.localhost:8000/other"}, "invalid_target", id="another resource"),
]


@pytest.mark.parametrize("token_type", TYPES)
@pytest.mark.parametrize(("changes", "error"), BEYOND)
@pytest.mark.clause("ID-JAG", "4.3.3", "TE-47")
def test_what_the_policy_does_not_hold_is_not_to_be_had(
    signed_in: EmbeddedIdP, token_type: str, changes: dict[str, Any], error: str
) -> None:
    token = signed_in.tokens()[TYPES[token_type]]
    assert signed_in.exchange(token, subject_token_type=token_type).status_code == 200
    response = signed_in.exchange(token, subject_token_type=token_type, **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert signed_in.exchange(token, subject_token_type=token_type).status_code == 200


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-47 TE-05")
def test_of_scopes_that_it_holds_in_part_that_part_is_granted(signed_in: EmbeddedIdP) -> None:
    token = signed_in.tokens()["refresh_token"]
    body = signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE, scope="read admin").json()
    assert body["scope"] == "read"


@pytest.mark.clause("ID-JAG", "4.3.3", "TE-47 TE-62")
def test_a_refresh_token_keeps_nothing_that_the_policy_has_lost(signed_in: EmbeddedIdP) -> None:
    token = signed_in.tokens()["refresh_token"]
    assert signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE, scope="write").status_code == 200
    CrossAppPolicy.objects.update(scope="read")
    narrowed = signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE, scope="write")
    assert (narrowed.status_code, narrowed.json()["error"]) == (400, "invalid_scope")
    CrossAppPolicy.objects.update(enabled=False)
    denied = signed_in.exchange(token, subject_token_type=REFRESH_TOKEN_TYPE)
    assert (denied.status_code, denied.json()["error"]) == (400, "access_denied")
