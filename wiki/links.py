"""Links to todos: `{origin of Todo0}/todos/{id}`, and where they begin and end in a text."""

import re
from collections.abc import Callable

from django.conf import settings

# ASCII only, so look-alike letters, digits and dots do not match; the path has no dot, percent sign or other segment.
# What may follow the number does not change which todo it is: a slash, a query, a fragment.
_PLACE = r"(https?://[A-Za-z0-9.:-]+)/todos/([1-9][0-9]{0,18})"
_LINK = re.compile(rf"{_PLACE}/?(?:\?[!-\"$-~]*)?(?:#[!-~]*)?", re.ASCII | re.IGNORECASE)
_LARGEST_ID = 2**63 - 1

# In a text a link has neighbours that do not belong to it: quotes, brackets, punctuation, Markdown, other alphabets and
# invisible characters. Characters of URLs beside it make it another URL: `x` and `AMP` are such in plain text and HTML.
_BEFORE = r"(?<![A-Za-z0-9/@:=?&#%+.-])"
_REST = r"(?:/(?![A-Za-z0-9%-]))?(?:[?#](?:[A-Za-z0-9_.~=%/+-]|{ampersand}){{0,500}}[A-Za-z0-9=%/+-])?"
_AFTER = r"""(?=[.,:;!?]*(?:$|[\s"'()<>\[\]{{}}*_~|`]|[^\x00-\x7f]|{entity}|[,;|]https?://))"""
_IN_TEXT = re.compile(_BEFORE + _PLACE + _REST.format(ampersand="&") + _AFTER.format(entity="(?!)"), re.IGNORECASE)
_IN_HTML = re.compile(
    rf"</?(a|code|pre)\b[^>]*>|({_BEFORE}{_PLACE}"
    + _REST.format(ampersand="&amp;")
    + _AFTER.format(entity="&(?:lt|gt|quot|nbsp);")
    + ")",
    re.IGNORECASE,
)
_ANCHOR = '<a href="{url}" rel="noopener noreferrer nofollow">{url}</a>'  # the url is escaped as the text that it is


def todo_id(url: str) -> int | None:
    """Return the id of the todo that `url` links to, or None for any other URL.

    Scheme and host may be in any case (RFC 3986 section 6.2.2.1); the port is exact, and there is no userinfo or
    encoding. The caller asks the API with the number only, never with the text.
    """
    match = _LINK.fullmatch(url)
    if match is None or not _is_ours(match[1]) or f"{match[1]}/todos/" != url[: len(match[1]) + 7]:
        return None
    number = int(match[2])
    return number if number <= _LARGEST_ID else None


def _is_ours(origin: str) -> bool:
    return bool(origin.lower() == settings.ORIGINS["todo"].lower())


def name_links(text: str) -> str:
    """Return the plain `text` with each todo link replaced by a word."""
    return _IN_TEXT.sub(_replaced_by("[todo]", group=0), text) if "/todos/" in text else text


def make_links(html: str) -> str:
    """Return sanitised `html` with every todo link in plain text turned into a link.

    Text inside a link or code stays as it is.
    """
    if "/todos/" not in html:
        return html
    verbatim: list[str] = []
    make_link = _replaced_by(_ANCHOR, group=2)

    def next_piece(found: "re.Match[str]") -> str:
        if found[2] is not None:
            return found[0] if verbatim else make_link(found)
        name = found[1].lower()
        if not found[0].startswith("</"):
            verbatim.append(name)
        elif name in verbatim:
            verbatim.remove(name)
        return found[0]

    return _IN_HTML.sub(next_piece, html)


def _replaced_by(replacement: str, *, group: int) -> "Callable[[re.Match[str]], str]":
    def replaced(found: "re.Match[str]") -> str:
        url = found[group]
        return found[0] if todo_id(url.replace("&amp;", "&")) is None else replacement.format(url=url)

    return replaced
