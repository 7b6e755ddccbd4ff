"""RFC 6749 section 5.2: converts refusals to oauthlib's errors."""

from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from ..core.refusals import Refused


class _Answer(OAuth2Error):
    """An oauthlib error, for oauthlib to render."""

    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def as_oauth_error(refused: Refused) -> OAuth2Error:
    """Return oauthlib's error with the code, status and description of `refused`, and nothing else."""
    answer = _Answer(description=refused.description, status_code=refused.status)
    answer.error = refused.error
    answer.retry_after = getattr(refused, "retry_after", None)
    return answer
