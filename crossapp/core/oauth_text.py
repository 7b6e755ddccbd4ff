"""RFC 6749 sections 3.3 and 5.2, appendix A: the characters of scopes, error codes and error descriptions."""

import re

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_NOT_IN_ERRORS = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")


def is_scope(text: str) -> bool:
    """Say whether `text` is one or more scopes with single spaces between them (section 3.3)."""
    return _SCOPE.fullmatch(text) is not None


def is_oauth_text(text: str) -> bool:
    """Say whether `text` has only the characters of scopes and errors, or spaces (appendix A)."""
    return _NOT_IN_ERRORS.search(text) is None


def oauth_text(text: str, *, other: str = "?") -> str:
    """Return `text` with `other` in place of each character that an error description may not have (section 5.2)."""
    return _NOT_IN_ERRORS.sub(other, text)


def printable(text: object, *, longest: int) -> str:
    """Return a peer's text in printable ASCII, or "" if it is too long: a truncated secret could not be masked."""
    if not isinstance(text, str):
        return ""
    return _NOT_PRINTABLE.sub("?", text) if len(text) <= longest else f"({len(text)} characters)"
