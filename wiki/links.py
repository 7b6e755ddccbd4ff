"""The form of a link to a todo: exactly `{origin of Todo0}/todos/{id}`, byte for byte, nothing before or after it."""

import re
from collections.abc import Iterator

from django.conf import settings

# ASCII only, so look-alike letters, digits and dots do not match; the path allows no dot, percent sign or slash.
_LINK = re.compile(r"([A-Za-z]+://[A-Za-z0-9.:-]+)/todos/([1-9][0-9]{0,18})", re.ASCII)
_LARGEST_ID = 2**63 - 1

_TAG = re.compile(r"(<[^>]*>)")
_WORD = re.compile(r"([^\s<>()]+)")
_PUNCTUATION = ".,:!?"  # no semicolon: it ends a character reference
_VERBATIM = {"a", "code", "pre"}
_ANCHOR = '<a href="{url}" rel="noopener noreferrer nofollow">{url}</a>'  # a todo link has nothing to escape


def todo_id(url: str) -> int | None:
    """Return the id of the todo that `url` links to, or None for any other URL.

    Scheme and host may be in any case (RFC 3986 section 6.2.2.1); port and path are exact, and there is no query,
    fragment, userinfo or encoding. The caller asks the API with the number only, never with the text.
    """
    match = _LINK.fullmatch(url)
    if match is None or match[1].lower() != settings.ORIGINS["todo"].lower():
        return None
    number = int(match[2])
    return number if number <= _LARGEST_ID else None


def name_links(text: str) -> str:
    """Return the plain `text` with each todo link replaced by a word."""
    return _WORD.sub(lambda word: _replaced(word[1], "[todo]"), text)


def make_links(html: str) -> str:
    """Return sanitised `html` with every todo link in plain text turned into a link.

    Text inside a link or code stays as it is.
    """
    return "".join(_with_links(html))


def _with_links(html: str) -> Iterator[str]:
    verbatim: list[str] = []
    for part in _TAG.split(html):
        if not part.startswith("<"):
            yield part if verbatim else _WORD.sub(lambda word: _replaced(word[1], _ANCHOR), part)
            continue
        name = part.strip("</>").partition(" ")[0]
        if name in _VERBATIM:
            if not part.startswith("</"):
                verbatim.append(name)
            elif name in verbatim:
                verbatim.remove(name)
        yield part


def _replaced(word: str, replacement: str) -> str:
    """Return `word` with its todo link replaced, keeping punctuation after it; other words stay as they are."""
    url = word.rstrip(_PUNCTUATION)
    return word if todo_id(url) is None else replacement.format(url=url) + word[len(url) :]
