"""OpenID Connect Core sections 2 and 12.2: the time when a person entered the password, per browser session.

The time is stored in the session, then with the code, then with its family of refresh tokens.
"""

import time
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

SESSION_KEY = "auth_time"


@receiver(user_logged_in)
def remember_auth_time(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Store the time of authentication in the session."""
    request.session[SESSION_KEY] = int(time.time())


def auth_time_of(request: HttpRequest) -> int:
    """Return the time when the session's person entered the password, in seconds since the epoch."""
    return int(request.session.get(SESSION_KEY, 0))
