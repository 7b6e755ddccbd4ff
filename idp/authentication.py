"""OpenID Connect Core sections 2 and 12.2: when a person entered the password, for each browser session of its own.

The moment is kept in the session, goes with the code and stays with the family of refresh tokens that comes of it. So
is the one authorization request that the password was asked for: with `prompt=login` no earlier password answers it.
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
    """Note in the session when it began."""
    request.session[SESSION_KEY] = int(time.time())


def auth_time_of(request: HttpRequest) -> int:
    """Return when the person of the session entered the password, in seconds since the epoch."""
    return int(request.session.get(SESSION_KEY, 0))


def remember_request(request: HttpRequest, path: str) -> None:
    """Note that the password was entered to go on to `path`."""
    request.session[ANSWERS_KEY] = path


def answers(request: HttpRequest) -> bool:
    """Say, once, whether the password was entered to go on with this very request."""
    return bool(request.session.pop(ANSWERS_KEY, "") == request.get_full_path())
