"""OpenID Connect Core 1.0 section 3.1.2.3: the steps that a person takes before an authorization request is granted.

The browser's session stores the steps that were taken and the requests they answer. They answer each once: with
`prompt=login` no earlier password does.
"""

import enum
import hashlib
import time

from django.http import HttpRequest

from idp.authentication import auth_time_of

SESSION_KEY = "steps_taken"
MOST_REQUESTS = 20  # under way in one browser


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
    """Store that `step` was taken for the authorization request at `path`, and keep those of other tabs."""
    kept = dict(request.session.get(SESSION_KEY, {}))
    kept[_digest(path)] = [*kept.pop(_digest(path), []), step]
    request.session[SESSION_KEY] = dict(list(kept.items())[-MOST_REQUESTS:])


def steps_taken(request: HttpRequest) -> set[str]:
    """Return the steps that were taken for this request."""
    return set(request.session.get(SESSION_KEY, {}).get(_digest(request.get_full_path()), []))


def forget_steps(request: HttpRequest) -> None:
    """Forget the steps for this request, because it has been answered."""
    kept = dict(request.session.get(SESSION_KEY, {}))
    if kept.pop(_digest(request.get_full_path()), None):
        request.session[SESSION_KEY] = kept


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()
