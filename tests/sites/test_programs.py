"""What programs ask for goes past all that is for people: `idjag_demo.program_requests`."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idjag_demo.demo.seed import seed
from idjag_demo.program_requests import is_of_a_program
from tests.sites.test_cookies import signed_in_at


class Asked:
    """A request, as far as `is_of_a_program` looks at it."""

    def __init__(self, path: str, **meta: str) -> None:
        self.path, self.META = path, meta


@pytest.mark.parametrize(
    ("path", "meta", "expected"),
    [
        ("/oauth2/v1/token", {}, True),
        ("/oauth2/v1/keys", {}, True),
        ("/oauth2/v1/userinfo", {}, True),
        ("/.well-known/openid-configuration", {}, True),
        ("/api/todos", {"HTTP_AUTHORIZATION": "Bearer x"}, True),
        ("/api/todos", {}, False),
        ("/api/todos", {"HTTP_COOKIE": "idjag_session=x"}, False),
        ("/oauth2/v1/authorize", {}, False),
        ("/oauth2/v1/logout", {}, False),
        ("/", {"HTTP_AUTHORIZATION": "Bearer x"}, False),
        ("/todos/1", {"HTTP_AUTHORIZATION": "Bearer x"}, False),
        ("/admin/", {"HTTP_AUTHORIZATION": "Bearer x"}, False),
    ],
)
def test_programs_are_told_by_what_they_ask_for(path: str, meta: dict[str, str], expected: bool) -> None:
    asked: Any = Asked(path, **meta)
    assert is_of_a_program(asked) is expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/oauth2/v1/keys", {}, 200),
        ("/oauth2/v1/token", {}, 405),
        ("/api/users/me", {"authorization": "Bearer unknown"}, 401),
        ("/api/users/me", {"authorization": ""}, 401),
    ],
)
@pytest.mark.clause("RFC 6750", "2.1", "a session proves nothing where a token is sent")
def test_a_session_cookie_of_a_programs_request_is_ignored(path: str, headers: dict[str, str], status: int) -> None:
    seed()
    browser, _ = signed_in_at("todo")
    with CaptureQueriesContext(connection) as made:
        answer = browser.get(path, headers=headers)
    assert answer.status_code == status
    assert not answer.cookies
    assert answer["Content-Length"] == str(len(answer.content))
    assert not [query for query in made if "django_session" in query["sql"]]
    assert browser.get("/api/users/me").status_code == 200, "the session is good"
