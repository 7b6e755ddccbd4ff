"""OpenID Connect Core sections 2 and 12.2: when a person entered the password, for each browser session of its own.

The moment is kept in the session, goes with the code and stays with the family of refresh tokens that comes of it.
"""

import time
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

SESSION_KEY = "auth_time"


@receiver(user_logged_in)
def remember_auth_time(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Note in the session when it began."""
    request.session[SESSION_KEY] = int(time.time())


def auth_time_of(request: HttpRequest) -> int:
    """Return when the person of the session entered the password, in seconds since the epoch."""
    return int(request.session.get(SESSION_KEY, 0))
