"""Rewrites HTML to a shape that the sanitiser reads in time proportional to its length, and keeps every word.

The sanitiser's parser takes quadratic time for elements nested in each other. Here only tags that a page may have
remain, at most `MAX_DEPTH` deep and closed in order, and no other "<". The words of two blocks stay apart. This is no
sanitiser: what it returns is sanitised afterwards.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

MAX_DEPTH = 50
MAX_ATTRIBUTES = 20  # of an element; further ones are left out

# Linear in the length: no quantifier can give back what it has matched.
_TOKEN = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>|<!--|<[!?/][^<>]*+>|<""")
_ATTRIBUTE = re.compile(r"""(?<![A-Za-z])([A-Za-z]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=`]++))""")
_VOID = {"br", "hr"}
_PARAGRAPHS = {"p", "h1", "h2", "h3", "pre"}  # blocks that end where another block begins
_BLOCKS = _PARAGRAPHS | {"ul", "ol", "li", "blockquote", "hr"}
_LISTS = {"ul", "ol"}
_CONTAINERS = _LISTS | {"li", "blockquote"}
_CELLS = {"td", "th"}
_OTHER_BLOCKS = {
    *("address", "article", "aside", "body", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "footer", "form", "h4", "h5", "h6", "header", "hgroup", "html", "legend"),
    *("main", "menu", "nav", "option", "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr"),
}
_WITHOUT_WORDS = {"script", "style"}


def flatten(html: str, attributes: Mapping[str, set[str]], tags: set[str]) -> str:
    """Return `html` with at most `MAX_DEPTH` elements in each other, `tags` and their `attributes` only."""
    return _Flattener(attributes, tags).run(html)


class _Flattener:
    """One run. `open` has the elements that are open, with those left out because they are too deep."""

    def __init__(self, attributes: Mapping[str, set[str]], tags: set[str]) -> None:
        self.attributes, self.tags = attributes, tags
        self.out: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.names: Counter[str] = Counter()
        self.paragraphs = 0
        self.depth = 0  # of the elements written
        self.apart = ""  # what the next word needs before it: a paragraph or a space

    def run(self, html: str) -> str:
        for text, tag in _pieces(html):
            if text:
                self._text(text)
            if tag:
                self._tag(tag)
        while self.open:
            self._pop()
        return "".join(self.out)

    def _text(self, text: str) -> None:
        if self.apart and not text.isspace():
            top = self.open[-1][0] if self.open else "blockquote"
            if self.apart == "p" and top in ("blockquote", "li"):
                self._push("p", "<p>")
            elif self.out and (not self.out[-1].startswith("<") or self.out[-1].startswith("</")):
                self.out.append(" ")
            self.apart = ""
        self.out.append(text)

    def _tag(self, tag: "re.Match[str]") -> None:
        name = tag[2].lower()
        if name not in self.tags:
            self._left_out(name)
        elif name in _VOID:
            self._end_paragraph(name in _BLOCKS)
            self.out.append(f"<{name}>")
        elif tag[1]:
            self._end(name)
        else:
            self._end_paragraph(name in _BLOCKS)
            if name == "li":
                self._end_item()
            self.apart = "" if name in _BLOCKS else self.apart
            self._push(name, f"<{name}{self._attributes(name, tag[3])}>")

    def _left_out(self, name: str) -> None:
        """Keep the words before and after a block apart that no page may have."""
        if name in _CELLS:
            self.apart = self.apart or " "
        elif name in _OTHER_BLOCKS:
            self._end_paragraph(True)
            self.apart = "p"

    def _end_paragraph(self, is_block: bool) -> None:
        """End the paragraph or heading that a block ends by beginning (HTML Living Standard section 13.2.6.4.7)."""
        if is_block and self.paragraphs:
            self._pop_to(_PARAGRAPHS, _CONTAINERS)

    def _end_item(self) -> None:
        if self.names["li"]:
            self._pop_to({"li"}, _LISTS)

    def _pop_to(self, names: set[str], until: set[str]) -> None:
        """Close the innermost of `names`, unless it is outside of one of `until` or deeper than elements may be."""
        last = len(self.open) - 1
        for index in range(last, max(-1, last - MAX_DEPTH), -1):
            name = self.open[index][0]
            if name in until:
                return
            if name in names:
                while len(self.open) > index:
                    self._pop()
                return

    def _end(self, name: str) -> None:
        if self.names[name]:
            while self._pop() != name:
                pass

    def _push(self, name: str, tag: str) -> None:
        written = self.depth < MAX_DEPTH
        if written:
            self.out.append(tag)
            self.depth += 1
        elif name in _BLOCKS:
            self.apart = " "
        self.open.append((name, written))
        self.names[name] += 1
        self.paragraphs += name in _PARAGRAPHS

    def _pop(self) -> str:
        name, written = self.open.pop()
        self.names[name] -= 1
        self.paragraphs -= name in _PARAGRAPHS
        if written:
            self.out.append(f"</{name}>")
            self.depth -= 1
        elif name in _BLOCKS:
            self.apart = " "
        return name

    def _attributes(self, name: str, text: str) -> str:
        if not text or name not in self.attributes:
            return ""
        allowed = self.attributes[name]
        found: dict[str, str] = {}
        for attribute in islice(_ATTRIBUTE.finditer(text), MAX_ATTRIBUTES):
            key = attribute[1].lower()
            if key in allowed:
                found.setdefault(key, attribute[2] or attribute[3] or attribute[4] or "")
        return "".join(f' {key}="{value.replace(chr(34), "&quot;")}"' for key, value in found.items())


def _pieces(html: str) -> Iterator[tuple[str, "re.Match[str] | None"]]:
    """Yield each text with the tag after it. Comments, and scripts and styles with what is in them, are left out."""
    position, lower = 0, html.lower() if "<s" in html or "<S" in html else ""
    while token := _TOKEN.search(html, position):
        text, position = html[position : token.start()], token.end()
        name = (token[2] or "").lower()
        if token[0] == "<":
            yield f"{text}&lt;", None
        elif token[0] == "<!--":
            yield text, None
            position = _after(html, "-->", position)
        elif name in _WITHOUT_WORDS and not token[1]:
            yield text, None
            position = _after(lower, f"</{name}", position) - len(f"</{name}")
        else:
            yield text, token if name else None
    yield html[position:], None


def _after(html: str, end: str, position: int) -> int:
    """Return the place behind `end`; if it is missing, everything is before it, as in a browser."""
    found = html.find(end, position)
    return found + len(end) if found >= 0 else len(html) + len(end)
