"""OpenID Connect Core 1.0 section 3.1.2.3: the steps that a person takes before an authorization request is granted.

The browser's session stores the steps that were taken and the request they answer. They answer it once: with
`prompt=login` no earlier password does.
"""

import enum
import time

from django.http import HttpRequest

from idp.authentication import auth_time_of

SESSION_KEY = "steps_taken"


class Step(enum.StrEnum):
    """A step of a person."""

    PASSWORD = "password"
    ACCOUNT = "account"
    CONSENT = "consent"
    REFUSAL = "refusal"


def next_step(request: HttpRequest, *, hinted_sub: str) -> Step | None:
    """Return the step that this authorization request still needs, or None.

    `hinted_sub` is the subject of its `id_token_hint`, or "". A password that was just entered answers every wish but
    that one and consent, also when it is another person's than `login_hint` names.
    """
    user, taken = request.user, steps_taken(request)
    prompts = request.GET.get("prompt", "").split()
    if not user.is_authenticated or (hinted_sub and hinted_sub != user.sub):
        return Step.PASSWORD
    if Step.PASSWORD not in taken:
        hint = request.GET.get("login_hint", "").strip().lower()
        if "login" in prompts or (hint and hint != user.email.lower()) or _is_too_old(request):
            return Step.PASSWORD
        if "select_account" in prompts and Step.ACCOUNT not in taken:
            return Step.ACCOUNT
    return Step.CONSENT if "consent" in prompts and Step.CONSENT not in taken else None


def _is_too_old(request: HttpRequest) -> bool:
    max_age = request.GET.get("max_age", "")
    return max_age.isdecimal() and time.time() - auth_time_of(request) > int(max_age[:9])


def remember_step(request: HttpRequest, step: Step, *, path: str) -> None:
    """Store that `step` was taken for the authorization request at `path`."""
    kept = request.session.get(SESSION_KEY, {})
    earlier = kept["steps"] if kept.get("path") == path else []
    request.session[SESSION_KEY] = {"path": path, "steps": [*earlier, step]}


def steps_taken(request: HttpRequest) -> set[str]:
    """Return the steps that were taken for this request."""
    kept = request.session.get(SESSION_KEY, {})
    return set(kept["steps"]) if kept.get("path") == request.get_full_path() else set()


def forget_steps(request: HttpRequest) -> None:
    """Forget all steps, because the request has been answered."""
    request.session.pop(SESSION_KEY, None)
