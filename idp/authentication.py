"""OpenID Connect Core sections 2 and 12.2: the time when a person entered the password, per browser session.

The time is stored in the session, then with the code, then with its family of refresh tokens. The session also stores
the authorization request that asked for the password: with `prompt=login` no earlier password answers it.
"""

import time
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

SESSION_KEY = "auth_time"
ANSWERS_KEY = "answers"


@receiver(user_logged_in)
def remember_auth_time(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Store the time of authentication in the session."""
    request.session[SESSION_KEY] = int(time.time())


def auth_time_of(request: HttpRequest) -> int:
    """Return the time when the session's person entered the password, in seconds since the epoch."""
    return int(request.session.get(SESSION_KEY, 0))


def remember_request(request: HttpRequest, path: str) -> None:
    """Store that the password was entered for `path`."""
    request.session[ANSWERS_KEY] = path


def answers(request: HttpRequest) -> bool:
    """Say, once, whether the password was entered for this request."""
    return bool(request.session.pop(ANSWERS_KEY, "") == request.get_full_path())
