"""Makes people's text safe to show on one line of a page."""

import re

# Control characters, and characters that change the text direction.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+")


def without_breaks(text: str) -> str:
    """Return `text` on one line, without control characters."""
    return " ".join(_UNFIT.sub(" ", text).split())


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line without control characters, cut to `limit` characters with an ellipsis."""
    line = without_breaks(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
