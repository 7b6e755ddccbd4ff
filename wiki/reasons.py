"""The reasons for a missing card, in one sentence each: which party, and what is wrong there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossapp.requesting_app.errors import Cause, CrossAppError, Party


@dataclass(frozen=True)
class Reason:
    """The reason for a missing card.

    `code` is one of "not_a_todo_link", "not_found", "sign_in_again", "not_allowed", "no_answer" (try again later) and
    "not_set_up" (an administrator must act). A failure has its `party` and its `step` (see `CrossAppError`), the
    `reference` of its log lines, and the parameters of a sign-in that would bring the card (RFC 9470 section 4).
    """

    code: str
    text: str
    party: str = ""
    step: str = field(default="", compare=False)
    reference: str = field(default="", compare=False)
    sign_in_parameters: Mapping[str, str] = field(default_factory=dict, compare=False)


NOT_A_TODO_LINK = Reason("not_a_todo_link", "Not a link to a todo")
NOT_FOUND = Reason("not_found", "Not found, or not yours")

_CODES = {
    Cause.SIGN_IN_AGAIN: "sign_in_again",
    Cause.NOT_ALLOWED: "not_allowed",
    Cause.UNREACHABLE: "no_answer",
}
_IDP = "Your organisation's identity provider"
_AUTHORIZATION_SERVER = "Todo0's authorization server"
_API = "Todo0's API"
_TEXTS = {
    (Party.IDENTITY_PROVIDER, Cause.NOT_ALLOWED): "Not allowed by your organisation",
    (Party.IDENTITY_PROVIDER, Cause.UNREACHABLE): f"{_IDP} does not answer",
    (Party.IDENTITY_PROVIDER, Cause.BAD_ANSWER): f"{_IDP} sent an unusable answer",
    (Party.IDENTITY_PROVIDER, Cause.NOT_OFFERED): f"{_IDP} does not offer cross-app access",
    (Party.IDENTITY_PROVIDER, Cause.REFUSED): f"{_IDP} refused Wiki0's request",
    (Party.AUTHORIZATION_SERVER, Cause.NOT_ALLOWED): "You have no access at Todo0",
    (Party.AUTHORIZATION_SERVER, Cause.UNREACHABLE): f"{_AUTHORIZATION_SERVER} does not answer",
    (Party.AUTHORIZATION_SERVER, Cause.BAD_ANSWER): f"{_AUTHORIZATION_SERVER} sent an unusable answer",
    (Party.AUTHORIZATION_SERVER, Cause.NOT_OFFERED): f"{_AUTHORIZATION_SERVER} does not offer cross-app access",
    (Party.AUTHORIZATION_SERVER, Cause.REFUSED): "Todo0 refused the grant",
    (Party.API, Cause.UNREACHABLE): f"{_API} does not answer",
    (Party.API, Cause.BAD_ANSWER): f"{_API} sent an unusable answer",
    (Party.API, Cause.REFUSED): f"{_API} refused the access token",
    (Party.REQUESTING_APP, Cause.NOT_ALLOWED): "Wiki0 is not connected to Todo0",
    (Party.REQUESTING_APP, Cause.UNREACHABLE): "Wiki0 is busy",
}


def reason_for(error: CrossAppError) -> Reason:
    """Return the reason for the viewer of a page."""
    if error.cause is Cause.SIGN_IN_AGAIN:
        text = "Sign in again to see this"
    else:
        text = _TEXTS.get((error.party, error.cause), "Wiki0 is not set up correctly for Todo0")
    return Reason(
        code=_CODES.get(error.cause, "not_set_up"),
        text=text,
        party=error.party.value,
        step=error.step,
        reference=error.reference,
        sign_in_parameters=error.sign_in_parameters,
    )
