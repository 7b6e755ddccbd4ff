"""The error of a sign-in, and its texts for the page."""

from collections.abc import Mapping
from enum import Enum


class Reason(Enum):
    """The reasons of a failed sign-in: the name of the failed check, for the audit, and the sentence for the page."""

    UNKNOWN_ADDRESS = (
        "address",
        "We cannot sign you in with this address. Check its spelling, or ask your organisation which address it uses"
        " here.",
    )
    START_AGAIN = "state", "This sign-in was started in another browser or has expired. Please start again."
    NO_ANSWER = (
        "idp_unreachable",
        "Your organisation's identity provider does not answer. Please try again in a moment.",
    )
    NOT_ACCEPTED = "answer_of_idp", "Your organisation's identity provider sent an invalid answer."
    REFUSED_BY_IDP = "refused_by_idp", "Your organisation's identity provider refused the sign-in: {words}"
    NO_ACCESS = "subject", "Your organisation gives you no access to this app. Contact its administrator."
    NOT_CONFIGURED = (
        "configuration",
        "This app isn't set up correctly for your organisation. Contact the app's administrator.",
    )

    def __init__(self, check: str, sentence: str) -> None:
        self.check = check
        self.sentence = sentence


class SignInRefused(Exception):
    """The sign-in failed. `sentence` is for the page and may quote the `words` of the IdP, `detail` is for the log.

    `status` is 400 for an error of the browser's request and 502 for an error of the IdP, `code` the IdP's OAuth error
    code. `sub` and `email` are those of a verified ID token, `email` only if the IdP has verified it. `unverified` has
    the IdP's other statements about the person and the error.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        detail: str,
        status: int = 400,
        words: str = "",
        code: str = "",
        sub: str = "",
        email: str = "",
        unverified: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.sentence = reason.sentence.format(words=words)
        self.detail = detail
        self.status = status
        self.code = code
        self.sub = sub
        self.email = email
        self.unverified = dict(unverified or {})
