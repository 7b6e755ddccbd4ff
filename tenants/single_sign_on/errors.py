"""The one way a sign-in fails."""


class SignInRefused(Exception):
    """Nobody is signed in. `reason` is for the page, `detail` for the log, `status` 400 (the browser brought something
    wrong) or 502 (the IdP did)."""

    def __init__(self, reason: str, *, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status


NOT_ACCEPTED = "Your organisation's identity provider gave an answer we cannot accept."
NO_ANSWER = "Your organisation's identity provider does not answer. Please try again in a moment."
START_AGAIN = "This sign-in was not started in this browser, or it is over already. Please start again."
NO_ACCESS = "Your organisation gives you no access to this app. Please ask its administrator."
NOT_CONFIGURED = "This app is not set up rightly for your organisation. Please tell whoever runs it."
UNKNOWN_ADDRESS = (
    "We cannot sign you in with this address. Check its spelling, or ask your organisation which address it uses here."
)
