"""RFC 6749 section 5.2: a refusal as oauthlib renders it."""

from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from ..core.refusals import Refused


class _Answer(OAuth2Error):
    """A refusal as oauthlib renders it."""

    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def as_oauth_error(refused: Refused) -> OAuth2Error:
    """Return oauthlib's error with the code, status and description of `refused`; nothing else of it leaves."""
    answer = _Answer(description=refused.description, status_code=refused.status)
    answer.error = refused.error
    answer.retry_after = getattr(refused, "retry_after", None)
    return answer
